"""The attacks of a profile, and what each recipe of `xltlib.attacks.recipes` may be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from xltlib.params.base import (
    Fraction,
    ModelName,
    Name,
    Precision,
    Seed,
    Settings,
    TestSet,
    files_by_language,
    known_languages,
)


class RecipeSettings(Settings):
    """What every recipe has: its goal, its budget of queries, and the seed of what it draws.

    An untargeted attack succeeds when the answer's F1 to the gold answers is under `f1_threshold`;
    a targeted one when the model predicts another question's answer from the same passage (for a
    distractor: the false one).
    """

    goal: Literal["untargeted", "targeted"] = "untargeted"
    f1_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    max_queries: PositiveInt = 200
    seed: Seed = 0


class WordSettings(RecipeSettings):
    """Recipes that put words in the place of words: how many, which, and how far from the first.

    `window_words` keeps edits that near to an answer; `max_grapheme_edits` bounds the edit distance
    to the first context; `min_similarity` is the least cosine of both contexts' sentence vectors.
    `word-importance` edits one word after another, those first whose deletion costs the gold answer
    most probability (or in random order); `greedy` tries all words at each step.
    """

    max_edited_words: PositiveInt = 4
    max_edited_share: Annotated[float, Field(gt=0, le=1)] | None = None
    max_grapheme_edits: PositiveInt | None = None
    min_similarity: Fraction | None = None
    same_script: bool = False
    min_word_length: PositiveInt = 3
    candidates_per_word: PositiveInt = 4
    window_words: PositiveInt | None = None
    search: Literal["word-importance", "greedy"] = "word-importance"
    ranking: Literal["delete", "random"] = "delete"


class TypoSettings(WordSettings):
    """Typing errors."""

    kind: Literal["typo"] = "typo"


class HomoglyphSettings(WordSettings):
    """Letters that look alike."""

    kind: Literal["homoglyph"] = "homoglyph"


class SynonymSettings(WordSettings):
    """Neighbouring words: lists by language, or the encoder's own `nearest` words."""

    kind: Literal["synonym"] = "synonym"
    same_script: bool = True
    neighbours: dict[str, Path] = {}
    nearest: PositiveInt = 8
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4

    _languages = field_validator("neighbours")(files_by_language)


class MaskedLMSettings(WordSettings):
    """Words that a masked language model would put there; `model` is a folder or a hub name."""

    kind: Literal["mlm"] = "mlm"
    model: ModelName
    same_script: bool = True


class CodeMixSettings(WordSettings):
    """Translations of words: lexicons by the passage's language, or one induced from `parallel`.

    A lexicon is a file in MUSE's format: a word and its translation a line, white space between.
    """

    kind: Literal["codemix"] = "codemix"
    lexicons: dict[str, list[Path]] = {}
    parallel: TestSet | None = None

    _languages = field_validator("lexicons")(files_by_language)

    @model_validator(mode="after")
    def _a_source(self) -> CodeMixSettings:
        if not self.lexicons and self.parallel is None:
            raise ValueError("codemix needs `lexicons` by language, or `parallel` text")
        return self


class HotFlipSettings(WordSettings):
    """Words of the vocabulary that the gradient points to."""

    kind: Literal["hotflip"] = "hotflip"
    same_script: bool = True


class DistractorSettings(RecipeSettings):
    """A false sentence: where it may stand, and in which languages.

    `passage` and `question` stand for the language of each example.
    """

    kind: Literal["distractor"] = "distractor"
    places: Annotated[list[Literal["start", "end", "between"]], Field(min_length=1)] = [
        "start",
        "end",
        "between",
    ]
    languages: Annotated[list[str], Field(min_length=1)] = ["passage"]
    answers: PositiveInt = 3

    @field_validator("languages")
    @classmethod
    def _known_or_relative(cls, languages: list[str]) -> list[str]:
        known_languages([code for code in languages if code not in ("passage", "question")])
        return languages


class EmbeddingSettings(RecipeSettings):
    """Projected gradient ascent on the passage's word embeddings: no text changes.

    Lengths are L2 norms of a token's perturbation, as in robust training.
    """

    kind: Literal["embedding"] = "embedding"
    radius: PositiveFloat
    step_size: PositiveFloat
    steps: PositiveInt = 5


Recipe = Annotated[
    TypoSettings
    | HomoglyphSettings
    | SynonymSettings
    | MaskedLMSettings
    | CodeMixSettings
    | HotFlipSettings
    | DistractorSettings
    | EmbeddingSettings,
    Field(discriminator="kind"),
]


class EngineSettings(Settings):
    """How queries are answered; in float32 none of it changes an outcome.

    `at_once` examples are attacked side by side. With `precision: bf16` a faster copy of the model
    guides the search, and whether it succeeded is decided in float32. With `guide_words` the guide
    reads only so many words on either side of the answer, and the whole passage decides. Batches
    of 16 keep in the caches of a processor; a GPU wants 128.
    """

    at_once: PositiveInt = 16
    batch_size: PositiveInt = 16
    precision: Precision = "float32"
    guide_words: PositiveInt | None = None

    @model_validator(mode="after")
    def _guide(self) -> EngineSettings:
        if self.guide_words is not None and self.precision == "float32":
            raise ValueError("guide_words needs a guide: set precision: bf16")
        return self


class AttackSettings(Settings):
    """One attack on the models of one target task; the same examples for every arm and seed.

    `arms` names those that are attacked; without it, all are.
    """

    target: Name
    arms: Annotated[list[Name], Field(min_length=1)] | None = None
    test_sets: Annotated[list[TestSet], Field(min_length=1)]
    examples_per_language: PositiveInt
    seed: Seed = 0
    recipe: Recipe
    engine: EngineSettings = EngineSettings()
