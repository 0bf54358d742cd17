"""A whole profile, and the checks across its sections."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

from pydantic import Field, model_validator

from xltlib.params.attacks import ENSEMBLE, AttackSettings
from xltlib.params.base import Settings, TestSet
from xltlib.params.claims import Claim
from xltlib.params.measures import (
    AnalysisSettings,
    CostSettings,
    EvaluationSettings,
    RepresentationSettings,
)
from xltlib.params.sources import CorpusSource, EncoderSettings, SpanQASettings, TaskData
from xltlib.params.training import (
    STANDARD,
    DataAugmentationSettings,
    IntermediateSettings,
    Method,
    TargetSettings,
)
from xltlib.params.values import MOST, Distinct, LocalPath, Name, Seed


class ComputeSettings(Settings):
    """Resources of one cell, for the scheduler."""

    device: Literal["cpu", "cuda"] = "cpu"
    """Where models run."""
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """CPU threads per cell."""
    mem_mb: Annotated[int, Field(gt=0, le=MOST)] = 3000
    """Memory in MiB; a cell whose models need more does not start."""
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs per cell that runs a model."""

    @model_validator(mode="after")
    def _device(self) -> ComputeSettings:
        if (self.device == "cuda") != (self.gpus > 0):
            raise ValueError("device: cuda needs gpus: 1 or more, and device: cpu needs gpus: 0")
        return self


class Params(Settings):
    """A whole profile."""

    profile: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)]
    """The name of the profile and of its folder of outputs."""
    description: str
    """One sentence for tables and reports."""
    outputs: Annotated[LocalPath, Field(validate_default=True)] = Path("../outputs")
    """Folder of all outputs; each profile has its own folder in it."""
    cache: Annotated[LocalPath, Field(validate_default=True)] = Path("../outputs/cache")
    """Folder of prepared encoders and hashes; profiles may share it."""
    seeds: Annotated[list[Seed], Field(min_length=1), Distinct]
    """Seeds of training; every arm is trained once with each."""
    encoders: Annotated[dict[Name, EncoderSettings], Field(min_length=1)]
    """Pretrained encoders by name."""
    corpora: Annotated[dict[str, CorpusSource], Field(min_length=1)]
    """Sources of corpora by name."""
    span_qa: SpanQASettings = SpanQASettings()
    """Windows and decoding of span QA."""
    methods: dict[Name, Method] = {}
    """Robust training methods by name; arms and target tasks refer to these names."""
    intermediate: IntermediateSettings
    """Intermediate training: arms and budgets."""
    targets: Annotated[dict[Name, TargetSettings], Field(min_length=1)]
    """Target tasks by name."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """How models answer test sets."""
    attacks: dict[Name, AttackSettings] = {}
    """Attacks by name."""
    representation: RepresentationSettings = RepresentationSettings()
    """Measures of representation."""
    cost: CostSettings = CostSettings()
    """How the cost of robust methods is measured."""
    analysis: AnalysisSettings = AnalysisSettings()
    """How results are compared."""
    claims: dict[Name, Claim] = {}
    """The file with the claims, such as claims.yaml."""
    compute: ComputeSettings = ComputeSettings()
    """Resources of a cell."""

    _file: Path | None = None

    def model_post_init(self, context: Path | None) -> None:
        """Keep the path of the params file, the context in which it is read."""
        self._file = context

    @property
    def run_command(self) -> str:
        """The command that makes what is missing, for messages."""
        return "xlt run PARAMS" if self._file is None else f"xlt run {quote(str(self._file))}"

    @model_validator(mode="after")
    def _corpora_are_declared(self) -> Params:
        for where, data in self.data_used():
            if data.corpus not in self.corpora:
                raise ValueError(
                    f"{where}.corpus: {data.corpus!r} is not under `corpora`; "
                    f"available: {', '.join(self.corpora)}"
                )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        if STANDARD in self.methods:
            raise ValueError(
                f"methods.{STANDARD}: this name means training without a method; choose another"
            )
        methods, arms = [STANDARD, *self.methods], list(self.intermediate.arms)
        named = [
            (f"intermediate.arms.{name}.method", [arm.method], methods)
            for name, arm in self.intermediate.arms.items()
        ]
        for name, target in self.targets.items():
            self._require_seeds(f"targets.{name}", target.seeds)
            for i, crossing in enumerate(target.crossings):
                key = f"targets.{name}.crossings.{i}"
                self._require_seeds(key, crossing.seeds)
                named += [(f"{key}.arms", crossing.arms or [], arms)]
                named += [(f"{key}.methods", crossing.methods, methods)]
        if "contrasts" in self.analysis.model_fields_set:
            for i, pair in enumerate(self.analysis.contrasts):
                named.append((f"analysis.contrasts.{i}", list(pair), arms))
        for i, one in enumerate(self.analysis.published):
            corpus = one.corpus.partition("+")[0].partition("/")[0]
            key = f"analysis.published.{i}"
            named.append((f"{key}.encoders", one.encoders or [], list(self.encoders)))
            named.append((f"{key}.corpus", [corpus], list(self.corpora)))
        for name, attack in self.attacks.items():
            named.append((f"attacks.{name}.target", [attack.target], list(self.targets)))
            named.append((f"attacks.{name}.arms", attack.arms or [], arms))
        for key, found, known in named:
            unknown = [name for name in found if name not in known]
            if unknown:
                raise ValueError(
                    f"{key}: there is no {unknown[0]!r}; available: {', '.join(known)}"
                )
        return self

    def _require_seeds(self, key: str, seeds: list[int] | None) -> None:
        """Refuse seeds that are not the profile's."""
        odd = [seed for seed in seeds or [] if seed not in self.seeds]
        if odd:
            raise ValueError(
                f"{key}.seeds: {odd[0]} is not a seed of the profile; choose among "
                f"{', '.join(map(str, self.seeds))}, or add it to `seeds`"
            )

    @model_validator(mode="after")
    def _names_differ_in_more_than_case(self) -> Params:
        # They name folders, and some file systems do not distinguish case.
        sections: dict[str, Iterable[str]] = {
            "encoders": self.encoders,
            "intermediate.arms": self.intermediate.arms,
            "targets": self.targets,
            "methods": {STANDARD: None, **self.methods},
            "attacks": self.attacks,
        }
        for key, names in sections.items():
            seen: dict[str, str] = {}
            for name in names:
                if name.lower() in seen:
                    raise ValueError(
                        f"{key}: {seen[name.lower()]!r} and {name!r} differ only in case, and "
                        "would share a folder on some file systems; rename one"
                    )
                seen[name.lower()] = name
        return self

    @model_validator(mode="after")
    def _conditions_differ_in_name(self) -> Params:
        taken = {ENSEMBLE: "the worst of several attacks"}
        for task, target in self.targets.items():
            sets = enumerate(target.test_sets)
            taken |= {one.suffix[1:]: f"targets.{task}.test_sets.{i}" for i, one in sets}
        for name in self.attacks:
            if name in taken:
                raise ValueError(
                    f"attacks.{name}: results have this name for {taken[name]}; rename the attack"
                )
        return self

    @model_validator(mode="after")
    def _no_test_set_twice(self) -> Params:
        lists = {f"targets.{name}.test_sets": one.test_sets for name, one in self.targets.items()}
        lists |= {f"attacks.{name}.test_sets": one.test_sets for name, one in self.attacks.items()}
        lists["representation.retrieval"] = self.representation.retrieval
        for key, test_sets in lists.items():
            seen: set[tuple[str, str, str, bool, str]] = set()
            for i, one in enumerate(test_sets):
                for language in one.languages:
                    place = (one.corpus, one.split, language, one.pairs, one.suffix)
                    if place in seen:
                        named = f"{one.corpus}{one.suffix} {one.split}"
                        raise ValueError(
                            f"{key}.{i}: {named} in {language} is listed twice; remove one"
                        )
                    seen.add(place)
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

    @model_validator(mode="after")
    def _one_primary(self) -> Params:
        primary = [name for name, claim in self.claims.items() if claim.primary]
        if len(primary) > 1:
            raise ValueError(
                f"claims: {', '.join(primary)} are all primary, but only one claim can be"
            )
        return self

    @model_validator(mode="after")
    def _contrasts_are_fair(self) -> Params:
        arms = self.intermediate.arms
        for i, (treated, control) in enumerate(self.analysis.contrasts):
            if treated not in arms or control not in arms:
                continue
            a, b = arms[treated], arms[control]
            if a.tasks and b.tasks and a.budget != b.budget and a.tasks != b.tasks:
                raise ValueError(
                    f"analysis.contrasts.{i}: {treated} and {control} differ in budget and data; "
                    "compare arms of one budget, or arms with the same data"
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
        for where, one in list(used):
            parallel = getattr(getattr(one, "perturbation", None), "parallel", None)
            if parallel is not None:
                used.append((f"{where}.perturbation.parallel", parallel))
        for name, encoder in self.encoders.items():
            for i, texts in enumerate(encoder.vocabulary or []):
                used.append((f"encoders.{name}.vocabulary.{i}", texts))
        return used

    def seen_by(self, arm: str) -> set[str]:
        """The languages of an arm's intermediate training; empty for a name that is not an arm."""
        definition = self.intermediate.arms.get(arm)
        tasks = definition.tasks.values() if definition else ()
        return {language for data in tasks for language in data.languages}

    def claims_of(self, *kinds: str) -> dict[str, Claim]:
        """The claims whose estimate is of these kinds."""
        return {name: claim for name, claim in self.claims.items() if claim.estimate.kind in kinds}

    def data_prepared(self) -> list[tuple[str, TaskData | TestSet]]:
        """The references that stage 01 loads, audits and takes the vocabulary from.

        Models train on them and are scored on them. The other measures of representation do not
        affect any model, so changing them makes no model stale: their stage loads them itself and
        leaves training data out of its probe's test.
        """
        return [
            (where, data)
            for where, data in self.data_used()
            if not where.startswith(("representation.", "encoders."))
            or where.startswith("representation.retrieval.")
        ]

    @property
    def synthetic(self) -> bool:
        """Whether any corpus of the run is synthetic."""
        return any(source.source == "mini" for source in self.corpora.values())
