"""What each recipe of `xltlib.attacks.recipes` may be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from xltlib.params.base import (
    IS_MODEL,
    Fraction,
    ModelName,
    Seed,
    Settings,
    TestSet,
    files_by_language,
    known_languages,
)

F1Unit = Literal["words", "characters", "segmented"]
"""The tokens of an F1: between white space as in SQuAD, graphemes, or words of a segmenter."""


class RecipeSettings(Settings):
    """What every recipe has: its goal, its budget of queries, and the seed of what it draws.

    An untargeted attack succeeds when the answer's F1 to the gold answers is under `f1_threshold`;
    a targeted one when the model predicts another question's answer from the same passage (for a
    distractor: the false one). `f1` is the unit in which success is judged; scores in the results
    stay the corpus's official ones. Where words are not spaced, or endings are written onto them,
    an answer one particle longer than the gold one has no white-space token in common with it:
    `characters` or `segmented` words do not call that broken.

    `max_queries` bounds the queries per example: one for each text that the model answers, one for
    each gradient.
    """

    kind: str
    goal: Literal["untargeted", "targeted"] = "untargeted"
    f1_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    f1: F1Unit = "words"
    max_queries: Annotated[int, Field(ge=2)] = 200
    seed: Seed = 0


class WordSettings(RecipeSettings):
    """Recipes that put words in the place of words: how many, which, and how far from the first.

    **Budgets of edits.** `max_edited_words` and `max_edited_share` count words,
    `max_edited_graphemes` is the share of the passage's graphemes that edited words make up, which
    is the same budget in every script; `max_grapheme_edits` bounds their edit distance;
    `min_similarity` is the least cosine of both contexts' sentence vectors. `window_words` keeps
    edits that near to an answer. Words shorter than `min_word_length` graphemes are left alone; by
    default the limit follows the script: 1 for Han, 2 for syllabic scripts, 3 for alphabets.

    **Search.** `word-importance` edits one word after another, in the order of `ranking`: those
    first whose deletion costs the gold answer most (`delete`, a query a word, at most
    `ranking_share` of the queries), those where the model's gradient is longest (`gradient`, one
    query; with `surrogate`, another model's gradient, which costs none), or in `random` order.
    `greedy` tries all words at each step; `beam` does so from the `beam_width` best texts so far.
    """

    max_edited_words: PositiveInt | None = 4
    max_edited_share: Annotated[float, Field(gt=0, le=1)] | None = None
    max_edited_graphemes: Annotated[float, Field(gt=0, le=1)] | None = None
    max_grapheme_edits: PositiveInt | None = None
    min_similarity: Fraction | None = None
    same_script: bool = False
    min_word_length: PositiveInt | None = None
    candidates_per_word: PositiveInt = 4
    window_words: PositiveInt | None = None
    search: Literal["word-importance", "greedy", "beam"] = "word-importance"
    beam_width: PositiveInt = 4
    ranking: Literal["delete", "gradient", "random"] = "delete"
    ranking_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    surrogate: Annotated[str | None, Field(description=IS_MODEL)] = None

    @model_validator(mode="after")
    def _bounded(self) -> WordSettings:
        budgets = (self.max_edited_words, self.max_edited_share)
        if budgets == (None, None) and self.max_edited_graphemes is None:
            raise ValueError(
                "nothing bounds the edits: set max_edited_words, max_edited_share or "
                "max_edited_graphemes"
            )
        if self.surrogate is not None and self.ranking != "gradient":
            raise ValueError("surrogate ranks by its gradient: set ranking: gradient")
        return self


class TypoSettings(WordSettings):
    """Typing errors."""

    kind: Literal["typo"] = "typo"


class HomoglyphSettings(WordSettings):
    """Letters that look alike."""

    kind: Literal["homoglyph"] = "homoglyph"


class ImperceptibleSettings(WordSettings):
    """Characters that a reader does not see, and words reversed under a control of direction."""

    kind: Literal["imperceptible"] = "imperceptible"


class MisspellingSettings(WordSettings):
    """Spelling mistakes that people really make: codespell's list, English only."""

    kind: Literal["misspelling"] = "misspelling"


class SynonymSettings(WordSettings):
    """Neighbouring words: lists by language, or the `nearest` words of the encoder's vocabulary.

    As in TextFooler, up to 50 candidates a word are checked: the words around each edit (15) keep
    a cosine of `min_window_similarity` to what stood there, and with `same_form` a word keeps its
    ending, in place of TextFooler's part of speech. Without an encoder set
    `min_window_similarity: null`.
    """

    kind: Literal["synonym"] = "synonym"
    same_script: bool = True
    candidates_per_word: PositiveInt = 50
    min_window_similarity: Fraction | None = 0.9
    same_form: bool = True
    neighbours: dict[str, Path] = {}
    nearest: PositiveInt = 100
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4

    _languages = field_validator("neighbours")(files_by_language)


class MaskedLMSettings(WordSettings):
    """Words that a masked language model would put there; `model` is a folder or a hub name.

    `edits` are CLARE's: a word is replaced, one is inserted behind it, or it is merged with the
    next one. BAE replaces only.
    """

    kind: Literal["mlm"] = "mlm"
    model: ModelName
    edits: Annotated[list[Literal["replace", "insert", "merge"]], Field(min_length=1)] = ["replace"]
    same_script: bool = True


class CodeMixSettings(WordSettings):
    """Translations of words: lexicons by the passage's language, or one induced from `parallel`.

    A lexicon is a file in MUSE's format: a word and its translation per line, white space between.
    Translations of several words are used, too, and each of these counts as an edited word.
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
    """A false sentence: where it may stand, in which languages, and how it is made.

    `passage` and `question` stand for the language of each example. With `altered` its question is
    about something else than the example's, as in AddSent; `answers` wrong answers are tried with
    each of the `templates`.
    """

    kind: Literal["distractor"] = "distractor"
    places: Annotated[list[Literal["start", "end", "between"]], Field(min_length=1)] = [
        "start",
        "end",
        "between",
    ]
    languages: Annotated[list[str], Field(min_length=1)] = ["passage"]
    answers: PositiveInt = 3
    altered: bool = True
    templates: Annotated[
        list[Literal["statement", "side by side", "answer"]], Field(min_length=1)
    ] = ["statement", "side by side", "answer"]

    @field_validator("languages")
    @classmethod
    def _known_or_relative(cls, languages: list[str]) -> list[str]:
        known_languages([code for code in languages if code not in ("passage", "question")])
        return languages


class TasaSettings(SynonymSettings):
    """Words of the answer's sentence that the question has too, and a false copy of the sentence.

    Words are replaced as in `synonym`; the copy has another name or number and each of `answers`
    wrong answers, and stands at the passage's end. The search is a beam over both kinds of edits.
    """

    kind: Literal["tasa"] = "tasa"  # type: ignore[assignment]
    answers: PositiveInt = 3
    candidates_per_word: PositiveInt = 5
    search: Literal["beam"] = "beam"
    beam_width: PositiveInt = 3


class EmbeddingSettings(RecipeSettings):
    """Projected gradient ascent on the passage's word embeddings: no text changes.

    Lengths are L2 norms of a token's perturbation, as in robust training. Ascents after the first
    of `restarts` begin at random points of the ball. It bounds no attack on text.
    """

    kind: Literal["embedding"] = "embedding"
    radius: PositiveFloat
    step_size: PositiveFloat
    steps: PositiveInt = 5
    restarts: PositiveInt = 1


Recipe = Annotated[
    TypoSettings
    | HomoglyphSettings
    | ImperceptibleSettings
    | MisspellingSettings
    | SynonymSettings
    | MaskedLMSettings
    | CodeMixSettings
    | HotFlipSettings
    | DistractorSettings
    | TasaSettings
    | EmbeddingSettings,
    Field(discriminator="kind"),
]
