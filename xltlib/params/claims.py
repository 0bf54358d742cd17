"""The claims of the study's sources as data: what is claimed, and what would show it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, field_validator, model_validator

from xltlib.params.base import Settings
from xltlib.params.values import Contrast, Count, Distinct, known_languages

Robustness = Literal[
    "clean",
    "attacked",
    "change",
    "share kept",
    "effective robustness",
    "answered by all",
    "log-odds",
]
"""Measures of arms: see `xltlib.analysis.robustness`."""


class ArmsEstimate(Settings):
    """Treated minus control arm, in languages that neither arm has trained on.

    The equally weighted mean over the conditions, of a macro mean over languages in each.
    """

    kind: Literal["arms"]
    """Selects which of the other keys apply."""
    metric: Robustness
    """The measure of robustness; see docs/statistics.md."""
    contrast: Contrast
    """Treated and control arm."""
    conditions: Literal["static", "adaptive"] = "static"
    """Static sets, which are the same for every model, or adaptive attacks, which search against
    each model.
    """


class MethodsEstimate(Settings):
    """Robust methods minus standard training in generalised transfer, in points of accuracy."""

    kind: Literal["methods"]
    """Selects which of the other keys apply."""
    corpora: Annotated[list[str], Field(min_length=1), Distinct]
    """Corpora whose pairs of languages are tested."""
    pairs: Literal["all pairs", "two languages", "one language", "English"] = "all pairs"
    """Which pairs of languages count."""


class DistanceEstimate(Settings):
    """How a robust method's gain on a pair of languages grows with their distance from English.

    In points of accuracy per 0.1 of URIEL+'s syntactic distance, averaged over both languages.
    """

    kind: Literal["distance"]
    """Selects which of the other keys apply."""
    corpora: Annotated[list[str], Field(min_length=1), Distinct]
    """Corpora whose pairs of languages are tested."""


class DistractorEstimate(Settings):
    """How much more often the worst distractor is in English than in the passage's language.

    In points: the difference of the two shares, for passages that are not in English.
    """

    kind: Literal["distractor language"]
    """Selects which of the other keys apply."""


Estimate = Annotated[
    ArmsEstimate | MethodsEstimate | DistanceEstimate | DistractorEstimate,
    Field(discriminator="kind"),
]


class VariedNeeds(Settings):
    """More seeds, if training runs differ a lot."""

    above: PositiveFloat
    """The standard deviation of the estimate over seeds above which more are needed."""
    seeds: Annotated[int, Field(ge=3, le=10_000)]
    """The least number of seeds then."""


class Needs(Settings):
    """The minimum data that an interval needs for an answer: seeds, languages and questions."""

    seeds: Annotated[int, Field(ge=3, le=10_000)] = 3
    """The least number of seeds."""
    varied: VariedNeeds | None = None
    """The number of seeds needed if training runs differ a lot."""
    languages: list[str] = []
    """Languages that must be included."""
    questions: Count = 100
    """The least number of questions or items, in total."""

    _languages = field_validator("languages")(known_languages)


class Claim(Settings):
    """A claim: its wording, its source, what is measured, and the expected sign and size."""

    statement: str
    """The claim in one sentence."""
    source: str
    """The publication."""
    where: str | None = None
    """The section or table of the publication; a claim without it is unverified."""
    deviation: str | None = None
    """How the test differs from what is claimed."""
    as_stated: bool = True
    """`false` if what is measured cannot settle the claim."""
    estimate: Estimate
    """What is measured."""
    expected: Literal["above", "below", "not above"]
    """The sign of the effect; `not above` means that an effect that would matter is ruled out."""
    size: PositiveFloat | None = None
    """The published size, in the measure's unit."""
    size_error: PositiveFloat | None = None
    """Its standard error, if the source gives one."""
    primary: bool = False
    """The one confirmatory test; every other claim is secondary."""
    needs: Needs = Needs()
    """The minimum data that an interval needs in order to answer the claim."""

    @model_validator(mode="after")
    def _primary_is_one_test(self) -> Claim:
        if self.primary and self.estimate.kind in ("methods", "distance"):
            raise ValueError(
                f"primary: the primary claim is one test, and {self.estimate.kind!r} has one for "
                "each method; choose another claim"
            )
        if self.primary and not self.as_stated:
            raise ValueError(
                "primary: a claim that is not tested as stated answers nothing; choose another "
                "claim"
            )
        return self

    @property
    def cited(self) -> str:
        """The source, with the place of the claim in it."""
        return f"{self.source}, {self.where}" if self.where else f"{self.source} (unverified)"
