"""A whole profile, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from xltlib.params.attacks import AttackSettings
from xltlib.params.base import (
    Fraction,
    ModelName,
    Name,
    Precision,
    Settings,
    TestSet,
    files_by_language,
    known_languages,
)
from xltlib.params.claims import Claim

STANDARD = "standard"


class MiniSettings(Settings):
    """Size and seed of the synthetic, parallel corpora: items in each split."""

    seed: int = 0
    train: PositiveInt = 240
    dev: PositiveInt = 60
    test: PositiveInt = 60


class CorpusSource(Settings):
    """Where one corpus comes from: made here, a local folder, or the hub at a pinned revision.

    `cut_after` says where a split is cut in two that are published as one: after so many of XQuAD's
    articles, or of XNLI's premises.
    """

    source: Literal["mini", "local", "hub"]
    folder: Path | None = None
    revision: str | None = None
    mini: MiniSettings = MiniSettings()
    cut_after: PositiveInt | None = None

    @model_validator(mode="after")
    def _complete(self) -> CorpusSource:
        if self.source == "local" and self.folder is None:
            raise ValueError("source: local needs `folder`, the folder with the corpus's files")
        return self


class EncoderSettings(Settings):
    """A pretrained encoder: me5-small, a hub name, or a folder."""

    name: ModelName = "me5-small"
    revision: str | None = None
    trim_vocabulary: bool = False
    extra_pieces: Annotated[int, Field(ge=0)] = 30_000
    freeze_word_embeddings: bool = False
    attention_dropout: Fraction | None = None


class StoppingSettings(Settings):
    """Score the English dev set every so many steps and keep the best checkpoint.

    Training ends after `patience` scores without a better one; without patience it takes all steps.
    """

    every_steps: PositiveInt
    patience: PositiveInt | None = None


class Optimisation(Settings):
    """What a training run needs beside its data; without `stopping` it takes a fixed budget."""

    learning_rate: PositiveFloat
    batch_size: PositiveInt
    gradient_accumulation: PositiveInt = 1
    warmup_ratio: Fraction = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_gradient_norm: PositiveFloat = 1.0
    precision: Precision = "float32"
    save_every_steps: PositiveInt | None = None
    stopping: StoppingSettings | None = None


class TaskData(Settings):
    """Training data: which split of which corpus, in which languages, and its dev split."""

    corpus: str
    split: str = "train"
    dev_split: str | None = None
    languages: Annotated[list[str], Field(min_length=1)]

    _languages = field_validator("languages")(known_languages)


class IntermediateArm(Settings):
    """One treatment: the data of each task; the budget is the stage's, the same for every arm."""

    tasks: dict[Name, TaskData] = {}
    method: Name = STANDARD


class IntermediateSettings(Settings):
    """Intermediate training. Every arm with tasks sees `examples` of each task.

    A language's share of a task's examples is its size to the power of 1 / `temperature`: 1 is in
    proportion, larger is flatter. `sequential` takes the tasks one after the other, in the order of
    `examples`; `mixed` shuffles their batches.
    """

    examples: dict[Name, PositiveInt]
    schedule: Literal["mixed", "sequential"] = "mixed"
    temperature: Annotated[float, Field(ge=1, le=1000)] = 5.0
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    optimisation: Optimisation
    arms: Annotated[dict[Name, IntermediateArm], Field(min_length=1)]

    @model_validator(mode="after")
    def _fair(self) -> IntermediateSettings:
        for name, arm in self.arms.items():
            if arm.tasks and set(arm.tasks) != set(self.examples):
                raise ValueError(
                    f"arm {name} has the tasks {sorted(arm.tasks)}, the budget is for "
                    f"{sorted(self.examples)}: every arm with tasks must have the same ones"
                )
        if self.arms.get("none", IntermediateArm()).tasks:
            raise ValueError("arm none must have no tasks")
        return self


class SpanQASettings(Settings):
    """Windows and n-best decoding of span QA; the defaults are XTREME's."""

    max_length: Annotated[int, Field(ge=32, le=4096)] = 384
    doc_stride: PositiveInt = 128
    max_query_length: PositiveInt = 64
    max_answer_length: PositiveInt = 30
    n_best: PositiveInt = 20

    @model_validator(mode="after")
    def _room(self) -> SpanQASettings:
        # Four special tokens at most stand around a question and its context (XLM-R's).
        if self.doc_stride + self.max_query_length + 4 >= self.max_length:
            raise ValueError("doc_stride + max_query_length + 4 must be less than max_length")
        return self


class AdversarialSettings(Settings):
    """ADV: ascent on the word embeddings; lengths are L2 norms of a token's perturbation."""

    kind: Literal["adv"]
    radius: PositiveFloat
    step_size: PositiveFloat
    steps: PositiveInt = 1


class RandomPerturbationSettings(Settings):
    """RS-RP: noise drawn uniformly from the ball; the loss is a mean over the draws."""

    kind: Literal["rs-rp"]
    radius: PositiveFloat
    draws: PositiveInt = 1


class DataAugmentationSettings(Settings):
    """RS-DA: words drawn from themselves and their neighbours.

    `neighbours` are lists by language; in a language without one, neighbours are the `nearest`
    words of the training texts in the encoder's word embeddings, of at least `min_cosine`.
    `matched` takes the steps of standard training, an epoch of each copy in turn; the authors'
    form, unmatched, goes through all copies in every epoch: `copies` times the steps.
    """

    kind: Literal["rs-da"]
    neighbours: dict[str, Path] = {}
    nearest: PositiveInt = 4
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4
    copies: PositiveInt = 10
    matched: bool = True

    _languages = field_validator("neighbours")(files_by_language)


Method = Annotated[
    AdversarialSettings | RandomPerturbationSettings | DataAugmentationSettings,
    Field(discriminator="kind"),
]


class Crossing(Settings):
    """Every one of these arms with every one of these methods; without `arms`, all of them."""

    arms: Annotated[list[Name], Field(min_length=1)] | None = None
    methods: Annotated[list[Name], Field(min_length=1)] = [STANDARD]


class TargetSettings(Settings):
    """A target task: fine-tuning on English, and the test sets that its models answer.

    `seeds` are those of the profile unless given here. `max_length` is in tokens; span QA
    has windows instead (section `span_qa`).
    """

    data: TaskData
    seeds: Annotated[list[int], Field(min_length=1)] | None = None
    max_examples: PositiveInt | None = None
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    epochs: PositiveFloat
    crossings: Annotated[list[Crossing], Field(min_length=1)] = [Crossing()]
    optimisation: Optimisation
    test_sets: Annotated[list[TestSet], Field(min_length=1)]

    @field_validator("data")
    @classmethod
    def _one_language(cls, data: TaskData) -> TaskData:
        if len(data.languages) != 1:
            raise ValueError("a target task trains in one language")
        return data


class EvaluationSettings(Settings):
    """How trained models answer their test sets."""

    batch_size: PositiveInt = 32
    precision: Precision = "float32"


class RepresentationSettings(Settings):
    """What every arm is measured by beside its answers; a measure without a test set is left out.

    Of the arm's encoder: `retrieval` (a bitext gives alignment too), `probe` (tagged sentences; at
    most `max_examples` of them, half to train the probe and half to test it), and `cloze` (prompts,
    where the encoder has a masked-LM head). Of the span-QA models fine-tuned from it, by standard
    training: `rank_consistency` (a parallel span-QA corpus) and `rotation` (span QA in languages
    whose bitext with English is under `retrieval`).
    """

    retrieval: list[TestSet] = []
    probe: TestSet | None = None
    cloze: TestSet | None = None
    rank_consistency: TestSet | None = None
    rotation: TestSet | None = None
    batch_size: PositiveInt = 64

    @field_validator("probe", "cloze", "rank_consistency")
    @classmethod
    def _several_languages(cls, test_set: TestSet | None) -> TestSet | None:
        if test_set is not None and len(test_set.languages) < 2:
            raise ValueError("compares languages, so `languages` needs two or more")
        return test_set

    @property
    def asks_models(self) -> bool:
        """Whether any measure is of a fine-tuned model."""
        return self.rank_consistency is not None or self.rotation is not None

    def test_sets(self) -> dict[str, TestSet]:
        """Every test set by its key."""
        single = {
            "probe": self.probe,
            "cloze": self.cloze,
            "rank_consistency": self.rank_consistency,
            "rotation": self.rotation,
        }
        numbered = {f"retrieval.{i}": one for i, one in enumerate(self.retrieval)}
        return numbered | {key: one for key, one in single.items() if one is not None}


class CostSettings(Settings):
    """Measuring what robust training costs: steps of each method, taken in turn in one process."""

    rounds: PositiveInt = 5


class AnalysisSettings(Settings):
    """Resampling, the arms to compare, and the effect size that would matter."""

    bootstrap_samples: Annotated[int, Field(ge=100)] = 2000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    smallest_effect: PositiveFloat = 2.0
    contrasts: list[tuple[Name, Name]] = [
        ("multilingual", "english"),
        ("multilingual", "none"),
        ("english", "none"),
        ("multilingual+targets", "multilingual"),
    ]
    seed: int = 0


class ComputeSettings(Settings):
    """What one cell of the grid takes; the scheduler counts these."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: PositiveInt = 1
    mem_mb: PositiveInt = 3000
    gpus: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _device(self) -> ComputeSettings:
        if (self.device == "cuda") != (self.gpus > 0):
            raise ValueError("device: cuda goes with gpus: 1 or more, device: cpu with gpus: 0")
        return self


class Params(Settings):
    """A whole profile; in a file, `claims` names the file that holds them."""

    profile: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    outputs: Path = Path("../outputs")
    cache: Path = Path("../outputs/cache")
    seeds: Annotated[list[int], Field(min_length=1)]
    encoders: Annotated[dict[Name, EncoderSettings], Field(min_length=1)]
    corpora: Annotated[dict[str, CorpusSource], Field(min_length=1)]
    span_qa: SpanQASettings = SpanQASettings()
    methods: dict[Name, Method] = {}
    intermediate: IntermediateSettings
    targets: Annotated[dict[Name, TargetSettings], Field(min_length=1)]
    evaluation: EvaluationSettings = EvaluationSettings()
    attacks: dict[Name, AttackSettings] = {}
    representation: RepresentationSettings = RepresentationSettings()
    cost: CostSettings = CostSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    claims: dict[Name, Claim] = {}
    compute: ComputeSettings = ComputeSettings()

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is listed twice")
        return seeds

    @model_validator(mode="after")
    def _corpora_are_declared(self) -> Params:
        for where, data in self.data_used():
            if data.corpus not in self.corpora:
                raise ValueError(
                    f"{where}.corpus: {data.corpus!r} is not under `corpora`; "
                    f"there: {', '.join(self.corpora)}"
                )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        if STANDARD in self.methods:
            raise ValueError(f"methods.{STANDARD}: this name is taken by training without a method")
        methods, arms = [STANDARD, *self.methods], list(self.intermediate.arms)
        named = [
            (f"intermediate.arms.{name}.method", [arm.method], methods)
            for name, arm in self.intermediate.arms.items()
        ]
        for name, target in self.targets.items():
            odd = [seed for seed in target.seeds or [] if seed not in self.seeds]
            if odd:
                raise ValueError(f"targets.{name}.seeds: {odd[0]} is not a seed of the profile")
            for i, crossing in enumerate(target.crossings):
                key = f"targets.{name}.crossings.{i}"
                named += [(f"{key}.arms", crossing.arms or [], arms)]
                named += [(f"{key}.methods", crossing.methods, methods)]
        if "contrasts" in self.analysis.model_fields_set:
            for i, pair in enumerate(self.analysis.contrasts):
                named.append((f"analysis.contrasts.{i}", list(pair), arms))
        for name, attack in self.attacks.items():
            named.append((f"attacks.{name}.target", [attack.target], list(self.targets)))
            named.append((f"attacks.{name}.arms", attack.arms or [], arms))
        for key, found, known in named:
            unknown = [name for name in found if name not in known]
            if unknown:
                raise ValueError(f"{key}: there is no {unknown[0]!r}; there: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _arms_keep_the_budget(self) -> Params:
        for name, arm in self.intermediate.arms.items():
            method = self.methods.get(arm.method)
            if isinstance(method, DataAugmentationSettings) and not method.matched:
                raise ValueError(
                    f"intermediate.arms.{name}.method: {arm.method} is not step-matched, and every "
                    "arm must take the same steps; set matched: true"
                )
        return self

    def data_used(self) -> list[tuple[str, TaskData | TestSet]]:
        """Every reference to corpus data, with its key path."""
        used: list[tuple[str, TaskData | TestSet]] = [
            (f"intermediate.arms.{arm}.tasks.{task}", data)
            for arm, settings in self.intermediate.arms.items()
            for task, data in settings.tasks.items()
        ]
        for name, target in self.targets.items():
            used.append((f"targets.{name}.data", target.data))
            for i, test_set in enumerate(target.test_sets):
                used.append((f"targets.{name}.test_sets.{i}", test_set))
        for name, attack in self.attacks.items():
            for i, test_set in enumerate(attack.test_sets):
                used.append((f"attacks.{name}.test_sets.{i}", test_set))
            parallel = getattr(attack.recipe, "parallel", None)
            if parallel is not None:
                used.append((f"attacks.{name}.recipe.parallel", parallel))
        for key, test_set in self.representation.test_sets().items():
            used.append((f"representation.{key}", test_set))
        return used

    def claims_of(self, *kinds: str) -> dict[str, Claim]:
        """The claims whose estimate is of these kinds."""
        return {name: claim for name, claim in self.claims.items() if claim.estimate.kind in kinds}

    def data_prepared(self) -> list[tuple[str, TaskData | TestSet]]:
        """The references that stage 01 loads, audits and takes the vocabulary from.

        They are what models train on and are scored on. The other measures of representation train
        nothing that another stage reads, so a change of theirs leaves every model as it is: that
        stage loads them itself, and keeps what was trained on out of its probe's test.
        """
        return [
            (where, data)
            for where, data in self.data_used()
            if not where.startswith("representation.")
            or where.startswith("representation.retrieval.")
        ]

    @property
    def synthetic(self) -> bool:
        """Whether any corpus of the run is made by the project."""
        return any(source.source == "mini" for source in self.corpora.values())


class ProfileCell(Settings):
    """Notebook parameters of a stage that runs once a profile."""

    params: Path


class EncoderCell(ProfileCell):
    """Notebook parameters of a stage that runs once an encoder, over all its arms."""

    encoder: str


class ArmCell(EncoderCell):
    """Notebook parameters of a stage that runs once an arm's encoder."""

    arm: str
    seed: int


class ModelCell(ArmCell):
    """Notebook parameters of a stage that runs once a fine-tuned model."""

    task: str
    method: str


class AttackCell(ModelCell):
    """Notebook parameters of one attack on one fine-tuned model."""

    attack: str
