"""The claims of the study's sources as data: what is claimed, and what would show it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from xltlib.params.base import Name, Settings, known_languages

Robustness = Literal[
    "clean",
    "attacked",
    "change",
    "share kept",
    "effective robustness",
    "answered by all",
    "log-odds",
]
"""What is measured of arms: see `xltlib.analysis.robustness`."""


class ArmsEstimate(Settings):
    """Treated minus control arm, in languages that neither arm has trained on.

    A question counts once, with its mean over the conditions.
    """

    kind: Literal["arms"]
    """The kind of settings that the other keys belong to."""
    metric: Robustness
    """The measure of robustness; see docs/statistics.md."""
    contrast: tuple[Name, Name]
    """Treated and control arm."""
    conditions: Literal["static", "adaptive"] = "static"
    """Static sets, which every model reads alike, or adaptive attacks, which search against each
    model.
    """


class MethodsEstimate(Settings):
    """Robust methods minus standard training in generalised transfer, in points of accuracy."""

    kind: Literal["methods"]
    """The kind of settings that the other keys belong to."""
    corpora: Annotated[list[str], Field(min_length=1)]
    """Corpora whose pairs of languages are tested."""
    pairs: Literal["all pairs", "two languages", "one language", "English"] = "all pairs"
    """Which pairs of languages count."""


class DistanceEstimate(Settings):
    """How a robust method's gain in a pair of languages grows with their distance from English.

    In points of accuracy per 0.1 of URIEL+'s syntactic distance, mean of both languages.
    """

    kind: Literal["distance"]
    """The kind of settings that the other keys belong to."""
    corpora: Annotated[list[str], Field(min_length=1)]
    """Corpora whose pairs of languages are tested."""


class DistractorEstimate(Settings):
    """How often the worst of the distractors is the English one rather than the passage's language.

    In points: the difference of the two shares, where English is not the passage's language.
    """

    kind: Literal["distractor language"]
    """The kind of settings that the other keys belong to."""


Estimate = Annotated[
    ArmsEstimate | MethodsEstimate | DistanceEstimate | DistractorEstimate,
    Field(discriminator="kind"),
]


class Needs(Settings):
    """What an interval must rest on to answer: seeds, languages, and questions in all."""

    seeds: Annotated[int, Field(ge=3)] = 3
    """The least number of seeds."""
    languages: list[str] = []
    """Languages that must be in it."""
    questions: PositiveInt = 100
    """The least number of questions or items."""

    _languages = field_validator("languages")(known_languages)


class Claim(Settings):
    """A claim: its words, its source, what is measured, and the sign and size to be expected."""

    statement: str
    """The claim in a sentence."""
    source: str
    """The publication."""
    where: str | None = Field(None, description="section or table; unverified where it is missing")
    deviation: str | None = Field(None, description="how the test differs from what is claimed")
    as_stated: bool = Field(True, description="false: what is measured cannot settle the claim")
    estimate: Estimate
    """What is measured."""
    expected: Literal["above", "below", "not above"]
    """The sign of the effect; `not above`: an effect that would matter is ruled out."""
    size: PositiveFloat | None = None
    """The published size, in the measure's unit."""
    size_error: PositiveFloat | None = None
    """Its standard error, if the source gives one."""
    primary: bool = Field(False, description="the one confirmatory test; all others explore")
    needs: Needs = Needs()
    """What an interval must rest on to answer."""

    @property
    def cited(self) -> str:
        """The source, with where in it the claim stands."""
        return f"{self.source}, {self.where}" if self.where else f"{self.source} (unverified)"
