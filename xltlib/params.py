"""The schema of a profile: one YAML file says everything that a run may vary.

Paths in a params file are relative to the file itself. Unknown keys are refused; every error of a
file is reported at once, with the file, the key, what was found and what is allowed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from xltlib.artifacts import InputError
from xltlib.languages import LANGUAGES

Arm = Literal["none", "english", "multilingual", "multilingual+targets"]
Method = Literal["standard", "adv", "rs-rp", "rs-da"]
Attack = Literal["typo"]
Precision = Literal["float32", "bf16"]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Base of every section: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known(languages: list[str]) -> list[str]:
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise ValueError(f"unknown language {', '.join(unknown)}; known: {' '.join(LANGUAGES)}")
    if len(set(languages)) < len(languages):
        raise ValueError("a language is listed twice")
    return languages


class MiniSettings(Settings):
    """Size and seed of the synthetic, parallel corpora: items in each split."""

    seed: int = 0
    train: PositiveInt = 240
    dev: PositiveInt = 60
    test: PositiveInt = 60


class CorpusSource(Settings):
    """Where one corpus comes from: made here, a local folder, or the hub at a pinned revision."""

    source: Literal["mini", "local", "hub"]
    folder: Path | None = None
    revision: str | None = None
    mini: MiniSettings = MiniSettings()
    train_articles: PositiveInt = 24

    @model_validator(mode="after")
    def _complete(self) -> CorpusSource:
        if self.source == "local" and self.folder is None:
            raise ValueError("source: local needs `folder`, the folder with the corpus's files")
        return self


class EncoderSettings(Settings):
    """A pretrained encoder: me5-small, a hub name, or a folder."""

    name: str = "me5-small"
    revision: str | None = None
    trim_vocabulary: bool = False
    extra_pieces: Annotated[int, Field(ge=0)] = 30_000
    freeze_word_embeddings: bool = False
    attention_dropout: Fraction | None = None


class Optimisation(Settings):
    """What a training run needs beside its data."""

    learning_rate: PositiveFloat
    batch_size: PositiveInt
    gradient_accumulation: PositiveInt = 1
    warmup_ratio: Fraction = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_gradient_norm: PositiveFloat = 1.0
    precision: Precision = "float32"
    save_every_steps: PositiveInt | None = None


class TaskData(Settings):
    """One intermediate task of one arm: which split of which corpus, in which languages."""

    corpus: str
    split: str = "train"
    dev_split: str | None = None
    languages: Annotated[list[str], Field(min_length=1)]

    _languages = field_validator("languages")(_known)


class IntermediateArm(Settings):
    """One treatment: the data of each task; the budget is the stage's, the same for every arm."""

    tasks: dict[str, TaskData] = {}


class IntermediateSettings(Settings):
    """Intermediate training. Every arm with tasks sees `examples` of each task."""

    examples: dict[str, PositiveInt]
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    optimisation: Optimisation
    arms: dict[Arm, IntermediateArm]

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


class TargetSettings(Settings):
    """Fine-tuning on the English target task."""

    data: TaskData
    max_examples: PositiveInt | None = None
    epochs: PositiveFloat
    methods: Annotated[list[Method], Field(min_length=1)] = ["standard"]
    optimisation: Optimisation


class AdversarialSettings(Settings):
    """ADV: ascent on the word embeddings; lengths are L2 norms of a token's perturbation."""

    radius: PositiveFloat
    step_size: PositiveFloat
    steps: PositiveInt = 1


class RandomPerturbationSettings(Settings):
    """RS-RP: noise drawn uniformly from the ball; the loss is a mean over the draws."""

    radius: PositiveFloat
    draws: PositiveInt = 1


class DataAugmentationSettings(Settings):
    """RS-DA: words drawn from themselves and their neighbours.

    `matched` takes the steps of standard training, an epoch of each copy in turn; the authors'
    form, unmatched, goes through all copies in every epoch and so takes `copies` times the steps.
    """

    neighbours: Path
    copies: PositiveInt = 10
    matched: bool = True


class RobustSettings(Settings):
    """The robust training methods of Robust-XLT; a method in use needs its section."""

    adv: AdversarialSettings | None = None
    rs_rp: RandomPerturbationSettings | None = None
    rs_da: DataAugmentationSettings | None = None

    def of(self, method: Method) -> Settings | None:
        """The section of a method; None for standard training and where it is missing."""
        return None if method == "standard" else getattr(self, method.replace("-", "_"))


class TestSet(Settings):
    """One test set: a split of a corpus in some languages, perhaps its first rows only."""

    __test__ = False  # not a test case, whatever its name

    corpus: str
    split: str = "test"
    languages: Annotated[list[str], Field(min_length=1)]
    max_examples: PositiveInt | None = None

    _languages = field_validator("languages")(_known)


class EvaluationSettings(Settings):
    """Which test sets every trained model answers."""

    test_sets: Annotated[list[TestSet], Field(min_length=1)]
    batch_size: PositiveInt = 32
    precision: Precision = "float32"


class AttackSettings(Settings):
    """One attack and its budget; the same examples for every arm and seed."""

    recipe: Attack
    test_sets: Annotated[list[TestSet], Field(min_length=1)]
    examples_per_language: PositiveInt
    seed: int = 0
    f1_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    max_queries: PositiveInt = 200
    max_edited_words: PositiveInt = 4
    min_word_length: Annotated[int, Field(ge=2)] = 3
    candidates_per_word: PositiveInt = 4
    window_words: PositiveInt | None = None
    ranking: Literal["delete", "random"] = "delete"
    batch_size: PositiveInt = 32
    precision: Precision = "float32"


class AnalysisSettings(Settings):
    """Resampling and the effect size that would matter."""

    bootstrap_samples: Annotated[int, Field(ge=100)] = 2000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    smallest_effect: PositiveFloat = 2.0
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
    """A whole profile."""

    profile: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    outputs: Path = Path("../outputs")
    cache: Path = Path("../outputs/cache")
    seeds: Annotated[list[int], Field(min_length=1)]
    encoders: Annotated[dict[str, EncoderSettings], Field(min_length=1)]
    corpora: Annotated[dict[str, CorpusSource], Field(min_length=1)]
    span_qa: SpanQASettings = SpanQASettings()
    intermediate: IntermediateSettings
    target: TargetSettings
    robust: RobustSettings = RobustSettings()
    evaluation: EvaluationSettings
    attacks: Annotated[dict[Attack, AttackSettings], Field(min_length=1)]
    analysis: AnalysisSettings = AnalysisSettings()
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
    def _methods_have_settings(self) -> Params:
        for method in self.target.methods:
            if method != "standard" and self.robust.of(method) is None:
                key = method.replace("-", "_")
                raise ValueError(f"target.methods: {method} needs the section robust.{key}")
        return self

    def data_used(self) -> list[tuple[str, TaskData | TestSet]]:
        """Every reference to corpus data, with its key path."""
        used: list[tuple[str, TaskData | TestSet]] = [
            (f"intermediate.arms.{arm}.tasks.{task}", data)
            for arm, settings in self.intermediate.arms.items()
            for task, data in settings.tasks.items()
        ]
        used.append(("target.data", self.target.data))
        for i, test_set in enumerate(self.evaluation.test_sets):
            used.append((f"evaluation.test_sets.{i}", test_set))
        for name, attack in self.attacks.items():
            for i, test_set in enumerate(attack.test_sets):
                used.append((f"attacks.{name}.test_sets.{i}", test_set))
        return used

    @property
    def synthetic(self) -> bool:
        """Whether any corpus of the run is made by the project."""
        return any(source.source == "mini" for source in self.corpora.values())

    def resolved(self, base: Path) -> Params:
        """The same params with every path absolute, relative ones taken from `base`."""

        def absolute(path: Path) -> Path:
            return Path(path).expanduser() if path.is_absolute() else (base / path).resolve()

        corpora = {
            name: source.model_copy(update={"folder": source.folder and absolute(source.folder)})
            for name, source in self.corpora.items()
        }
        encoders = {
            name: encoder.model_copy(update={"name": str(absolute(Path(encoder.name)))})
            if encoder.name.startswith((".", "/", "~"))
            else encoder
            for name, encoder in self.encoders.items()
        }
        robust, rs_da = self.robust, self.robust.rs_da
        if rs_da is not None:
            rs_da = rs_da.model_copy(update={"neighbours": absolute(rs_da.neighbours)})
            robust = robust.model_copy(update={"rs_da": rs_da})
        return self.model_copy(
            update={
                "robust": robust,
                "outputs": absolute(self.outputs),
                "cache": absolute(self.cache),
                "corpora": corpora,
                "encoders": encoders,
            }
        )


class ProfileCell(Settings):
    """Notebook parameters of a stage that runs once a profile."""

    params: Path


class IntermediateCell(ProfileCell):
    """Notebook parameters of one intermediate training."""

    encoder: str
    arm: Arm
    seed: int


class ModelCell(IntermediateCell):
    """Notebook parameters of a stage that runs once a fine-tuned model."""

    method: Method


class AttackCell(ModelCell):
    """Notebook parameters of one attack on one fine-tuned model."""

    attack: Attack


def explain(file: Path | str, error: ValidationError, schema: type[Settings] = Params) -> str:
    """One line an error: file, key path, what was found, what is allowed."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(whole file)"
        found = item["input"]
        shown = "" if isinstance(found, dict | list | BaseModel) else f" (found {found!r})"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message, shown = f"unknown key. {_allowed(item['loc'], schema)}", ""
        lines.append(f"  {key}: {message}{shown}")
    count = len(lines)
    return f"{file}: {count} error{'s' if count > 1 else ''}, nothing was started\n" + "\n".join(
        lines
    )


def _allowed(location: tuple[int | str, ...], schema: type[Settings]) -> str:
    """Name the keys that the section around an unknown key does have."""
    model: Any = schema
    for part in location[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        annotation = field.annotation if field is not None else model
        model = _model_inside(annotation)
    keys = ", ".join(getattr(model, "model_fields", {}))
    return f"Allowed here: {keys}" if keys else "Remove it"


def _model_inside(annotation: Any) -> Any:
    """The settings class that an annotation such as dict[str, CorpusSource] | None holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in reversed(getattr(annotation, "__args__", ())):
        found = _model_inside(argument)
        if found is not None:
            return found
    return None


def load(path: Path | str) -> Params:
    """Read and check a params file; its paths come back absolute.

    Raises:
        InputError: no such file, not YAML, or one line for each key that is wrong.
    """
    file = Path(path)
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}). Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not valid YAML: {error}") from error
    try:
        return Params.model_validate(raw).resolved(file.resolve().parent)
    except ValidationError as error:
        raise InputError(explain(file, error)) from error
