"""The schema of a profile: one YAML file with all settings of a run.

Paths in a params file are relative to the file itself. Unknown keys are refused. All errors of a
file are reported at once, each with its key, the value found and what is allowed.
"""

from xltlib.params.attacks import AttackSettings, EngineSettings
from xltlib.params.base import (
    AddOneSentence,
    CodeMixing,
    Noise,
    Perturbation,
    PerturbedFile,
    TestSet,
)
from xltlib.params.cells import ArmCell, AttackCell, EncoderCell, ModelCell, ProfileCell
from xltlib.params.claims import Claim, Needs
from xltlib.params.loading import claims_file, explain, load, read_raw
from xltlib.params.measures import EvaluationSettings, RepresentationSettings
from xltlib.params.profile import ComputeSettings, Params
from xltlib.params.recipes import (
    CodeMixSettings,
    DistractorSettings,
    EmbeddingSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
    MaskedLMSettings,
    MisspellingSettings,
    Recipe,
    RecipeSettings,
    SynonymSettings,
    TasaSettings,
    TypoSettings,
    WordSettings,
)
from xltlib.params.sources import (
    CorpusSource,
    EncoderSettings,
    MiniSettings,
    SpanQASettings,
    TaskData,
)
from xltlib.params.training import (
    STANDARD,
    AdversarialSettings,
    Budget,
    DataAugmentationSettings,
    Method,
    Optimisation,
    RandomPerturbationSettings,
    StoppingSettings,
    TargetSettings,
)
from xltlib.params.values import Precision

__all__ = [
    "STANDARD",
    "AddOneSentence",
    "AdversarialSettings",
    "ArmCell",
    "AttackCell",
    "AttackSettings",
    "Budget",
    "Claim",
    "CodeMixSettings",
    "CodeMixing",
    "ComputeSettings",
    "CorpusSource",
    "DataAugmentationSettings",
    "DistractorSettings",
    "EmbeddingSettings",
    "EncoderCell",
    "EncoderSettings",
    "EngineSettings",
    "EvaluationSettings",
    "HomoglyphSettings",
    "HotFlipSettings",
    "ImperceptibleSettings",
    "MaskedLMSettings",
    "Method",
    "MiniSettings",
    "MisspellingSettings",
    "ModelCell",
    "Needs",
    "Noise",
    "Optimisation",
    "Params",
    "Perturbation",
    "PerturbedFile",
    "Precision",
    "ProfileCell",
    "RandomPerturbationSettings",
    "Recipe",
    "RecipeSettings",
    "RepresentationSettings",
    "SpanQASettings",
    "StoppingSettings",
    "SynonymSettings",
    "TargetSettings",
    "TasaSettings",
    "TaskData",
    "TestSet",
    "TypoSettings",
    "WordSettings",
    "claims_file",
    "explain",
    "load",
    "read_raw",
]
