"""What is measured on trained models, and how it is analysed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, field_validator

from xltlib.params.base import Settings, TestSet
from xltlib.params.values import (
    Contrast,
    Count,
    Distinct,
    Name,
    Precision,
    Repetitions,
    Seed,
    files_by_language,
)

Points = Annotated[float, Field(ge=0, le=100)]


class EvaluationSettings(Settings):
    """How trained models answer their test sets."""

    batch_size: Count = 32
    """Windows or texts per forward pass."""
    precision: Precision = "float32"
    """Precision of the model."""


class RepresentationSettings(Settings):
    """Measures of each arm's representations; a measure without a test set is left out."""

    retrieval: list[TestSet] = []
    """Test sets for translation or answer retrieval; a bitext also gives alignment."""
    probe: TestSet | None = None
    """Tagged sentences for a probe of the encoder; at most `max_examples`, half of them for
    training.
    """
    cloze: TestSet | None = None
    """Prompts, for encoders with a masked-LM head."""
    rank_consistency: TestSet | None = None
    """A parallel span-QA corpus, for RankC of the fine-tuned models."""
    rotation: TestSet | None = None
    """Span QA in languages that have a bitext with English under `retrieval`."""
    batch_size: Count = 64
    """Texts per forward pass."""

    @field_validator("probe", "cloze", "rank_consistency")
    @classmethod
    def _several_languages(cls, test_set: TestSet | None) -> TestSet | None:
        if test_set is not None and len(test_set.languages) < 2:
            raise ValueError("compares languages, so `languages` needs two or more")
        return test_set

    @property
    def asks_models(self) -> bool:
        """Whether any measure needs a fine-tuned model."""
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
    """How the cost of robust training is measured: methods take steps in turn, in one process."""

    rounds: Repetitions = 5
    """Optimiser steps measured per method."""


class SmallestEffects(Settings):
    """The smallest effects that would matter, each in its measure's own unit."""

    f1: PositiveFloat = Field(2.0, description="points of F1, clean or under attack")
    kept: PositiveFloat = Field(3.0, description="points of the share of clean F1 kept")
    accuracy: PositiveFloat = Field(1.0, description="points of accuracy")
    share: PositiveFloat = Field(5.0, description="points of a share of questions")
    log_odds: PositiveFloat = Field(0.2, description="natural log-odds of the gold answer")
    slope: PositiveFloat = Field(0.1, description="points of accuracy per 0.1 of distance")


class Published(Settings):
    """Published F1, to compare with that of the arm without intermediate training."""

    source: Annotated[str, Field(min_length=1)]
    """Who published it, for which model, and where."""
    encoders: Annotated[list[Name], Distinct] | None = None
    """Keys of the encoders that it is compared with; by default all."""
    corpus: str
    """The test set, by its name in tables."""
    f1: Annotated[dict[str, Points], Field(min_length=1)]
    """F1 in points by language."""
    within: PositiveFloat | None = None
    """The run says whether the averages agree within this many points; without it, it only shows
    them.
    """

    _languages = field_validator("f1")(files_by_language)


class AnalysisSettings(Settings):
    """How results are compared."""

    level: Annotated[float, Field(gt=0, le=0.99)] = 0.95
    """Confidence level of intervals. Three seeds cannot support more than 0.99."""
    smallest_effects: SmallestEffects = SmallestEffects()
    """The smallest effects that would matter."""
    largest_english_loss: PositiveFloat = 2.0
    """If an arm's English F1 on the target task is more than this many points below that of the
    arm without intermediate training, its intermediate training did not work, and claims about
    it are not answered.
    """
    published: Annotated[list[Published], Distinct] = []
    """Published scores to compare with."""
    contrasts: Annotated[list[Contrast], Field(min_length=1), Distinct] = [
        ("multilingual", "english"),
        ("multilingual", "none"),
        ("english", "none"),
        ("multilingual+targets", "multilingual"),
    ]
    """Pairs of arms: treated, control."""
    seed: Seed = 0
    """Seed for random draws in the analysis."""
