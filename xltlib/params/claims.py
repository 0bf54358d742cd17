"""The claims of the study's sources as data: what is claimed, and what would show it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from xltlib.params.base import Name, Settings, known_languages


class ArmsEstimate(Settings):
    """Treated minus control arm, zero-shot languages, in points of F1.

    `change` is what the attacks do to F1: the difference in differences.
    """

    kind: Literal["arms"]
    metric: Literal["clean", "attacked", "change"]
    contrast: tuple[Name, Name]


class MethodsEstimate(Settings):
    """Robust methods minus standard training in generalised transfer, in points of accuracy."""

    kind: Literal["methods"]
    corpora: Annotated[list[str], Field(min_length=1)]
    pairs: Literal["all pairs", "two languages", "one language", "English"] = "all pairs"


class DistanceEstimate(Settings):
    """How a robust method's gain in a pair of languages grows with their distance from English.

    In points of accuracy per 0.1 of URIEL+'s syntactic distance, mean of both languages.
    """

    kind: Literal["distance"]
    corpora: Annotated[list[str], Field(min_length=1)]


class DistractorEstimate(Settings):
    """How often the worst of the distractors is the English one rather than the passage's language.

    In points: the difference of the two shares, where English is not the passage's language. Both
    hold the question's own words; only the words around them are English (Rosenthal et al. 2021
    have the whole sentence translated).
    """

    kind: Literal["distractor language"]


Estimate = Annotated[
    ArmsEstimate | MethodsEstimate | DistanceEstimate | DistractorEstimate,
    Field(discriminator="kind"),
]


class Needs(Settings):
    """What a profile must have to answer: seeds, and languages in which TyDi QA is attacked."""

    seeds: PositiveInt = 3
    attacked_languages: list[str] = []

    _languages = field_validator("attacked_languages")(known_languages)


class Claim(Settings):
    """A claim: its words, its source, what is measured, and the sign and size to be expected.

    `size` is the published one in points; without it, an effect must reach the smallest one that
    matters to the analysis. `not above`: an effect of that size is ruled out.
    """

    statement: str
    source: str
    estimate: Estimate
    expected: Literal["above", "below", "not above"]
    size: PositiveFloat | None = None
    needs: Needs = Needs()
