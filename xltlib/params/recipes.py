"""The settings of each recipe of `xltlib.attacks.recipes`."""

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
    """What every recipe has.

    Scores in the results stay the corpus's official ones, whatever `f1` judges success by.
    """

    kind: str
    """The recipe."""
    goal: Literal["untargeted", "targeted"] = "untargeted"
    """`untargeted`: the answer's F1 falls below `f1_threshold`; `targeted`: the model gives another
    question's answer from the same passage (for a distractor: the false one).
    """
    f1_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """An untargeted attack succeeds below this F1."""
    f1: F1Unit = "words"
    """The tokens of that F1. Where words are not spaced or endings are written onto them,
    `characters` or `segmented` words do not call an answer with one more particle broken.
    """
    max_queries: Annotated[int, Field(ge=2)] = 200
    """Queries per example: one for each text that the model answers, one for each gradient."""
    seed: Seed = 0
    """Seed of what the recipe draws."""


class WordSettings(RecipeSettings):
    """Recipes that replace words. At least one of the first three budgets must be set."""

    max_edited_words: PositiveInt | None = 4
    """The most words to edit."""
    max_edited_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest share of words to edit."""
    max_edited_graphemes: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest share of the passage's graphemes in edited words: the same budget in every
    script.
    """
    max_grapheme_edits: PositiveInt | None = None
    """The largest edit distance over all edited words."""
    min_similarity: Fraction | None = None
    """The least cosine of the two passages' sentence vectors."""
    same_script: bool = False
    """A replacement keeps the script of its word."""
    min_word_length: PositiveInt | None = None
    """Shorter words, in graphemes, are left alone. By default 1 for Han, 2 for syllabic scripts, 3
    for alphabets.
    """
    candidates_per_word: PositiveInt = 4
    """Replacements tried per word."""
    window_words: PositiveInt | None = None
    """Edit only words within this many words of an answer."""
    search: Literal["word-importance", "greedy", "beam"] = "word-importance"
    """`word-importance` edits one word after another; `greedy` tries all words at each step, `beam`
    from the best texts so far.
    """
    beam_width: PositiveInt = 4
    """Texts that a beam keeps."""
    ranking: Literal["delete", "gradient", "random"] = "delete"
    """The order of words: those whose deletion costs the gold answer most (`delete`, one query per
    word), those where the loss's gradient is longest (`gradient`, one query), or `random`.
    """
    ranking_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """The largest share of queries that `delete` may use."""
    surrogate: Annotated[str | None, IS_MODEL] = None
    """A model (folder or hub name) whose gradient ranks words instead; it costs no queries."""

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
    """The kind of settings that the other keys belong to."""


class HomoglyphSettings(WordSettings):
    """Letters that look alike."""

    kind: Literal["homoglyph"] = "homoglyph"
    """The kind of settings that the other keys belong to."""


class ImperceptibleSettings(WordSettings):
    """Characters that a reader does not see, and words reversed by directional controls."""

    kind: Literal["imperceptible"] = "imperceptible"
    """The kind of settings that the other keys belong to."""


class MisspellingSettings(WordSettings):
    """Common spelling mistakes from codespell's list; English only."""

    kind: Literal["misspelling"] = "misspelling"
    """The kind of settings that the other keys belong to."""


class SynonymSettings(WordSettings):
    """Neighbouring words, from lists or from the encoder's vocabulary, checked as in TextFooler.

    Without an encoder set `min_window_similarity: null`.
    """

    kind: Literal["synonym"] = "synonym"
    """The kind of settings that the other keys belong to."""
    same_script: bool = True
    """A replacement keeps the script of its word."""
    candidates_per_word: PositiveInt = 50
    """Replacements tried per word."""
    min_window_similarity: Fraction | None = 0.9
    """The least cosine of the 15 words around an edit to what stood there."""
    same_form: bool = True
    """A word keeps its ending, in place of TextFooler's part of speech."""
    neighbours: dict[str, Path] = {}
    """JSON lists of words by language."""
    nearest: PositiveInt = 100
    """Neighbours per word from the encoder's vocabulary, in languages without a list."""
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """The least cosine of such a neighbour."""

    _languages = field_validator("neighbours")(files_by_language)


class MaskedLMSettings(WordSettings):
    """Words that a masked language model would put there."""

    kind: Literal["mlm"] = "mlm"
    """The kind of settings that the other keys belong to."""
    model: ModelName
    """The masked LM: a folder or a hub name."""
    edits: Annotated[list[Literal["replace", "insert", "merge"]], Field(min_length=1)] = ["replace"]
    """CLARE's edits: a word is replaced, one is inserted behind it, or it is merged with the next.
    BAE replaces only.
    """
    same_script: bool = True
    """A replacement keeps the script of its word."""


class CodeMixSettings(WordSettings):
    """Translations of words, from lexicons or from one induced from `parallel` text.

    Translations of several words are used too; each of these counts as an edited word.
    """

    kind: Literal["codemix"] = "codemix"
    """The kind of settings that the other keys belong to."""
    lexicons: dict[str, list[Path]] = {}
    """Files in MUSE's format (a word, white space, its translation, per line) by the passage's
    language.
    """
    parallel: TestSet | None = None
    """Text from which a lexicon is induced."""

    _languages = field_validator("lexicons")(files_by_language)

    @model_validator(mode="after")
    def _a_source(self) -> CodeMixSettings:
        if not self.lexicons and self.parallel is None:
            raise ValueError("codemix needs `lexicons` by language, or `parallel` text")
        return self


class HotFlipSettings(WordSettings):
    """Words of the vocabulary that the gradient points to."""

    kind: Literal["hotflip"] = "hotflip"
    """The kind of settings that the other keys belong to."""
    same_script: bool = True
    """A replacement keeps the script of its word."""


class DistractorSettings(RecipeSettings):
    """One false sentence."""

    kind: Literal["distractor"] = "distractor"
    """The kind of settings that the other keys belong to."""
    places: Annotated[list[Literal["start", "end", "between"]], Field(min_length=1)] = [
        "start",
        "end",
        "between",
    ]
    """Where it may stand."""
    languages: Annotated[list[str], Field(min_length=1)] = ["passage"]
    """Its languages; `passage` and `question` stand for those of each example."""
    answers: PositiveInt = 3
    """Wrong answers tried with each template."""
    altered: bool = True
    """Its question is about something other than the example's, as in AddSent."""
    templates: Annotated[
        list[Literal["statement", "side by side", "answer"]], Field(min_length=1)
    ] = ["statement", "side by side", "answer"]
    """The forms that the sentence may take."""

    @field_validator("languages")
    @classmethod
    def _known_or_relative(cls, languages: list[str]) -> list[str]:
        known_languages([code for code in languages if code not in ("passage", "question")])
        return languages


class TasaSettings(SynonymSettings):
    """Words that the answer's sentence shares with the question, and a false copy of that sentence.

    Words are replaced as in `synonym`; the copy has another name or number and a wrong answer, and
    stands at the end of the passage.
    """

    kind: Literal["tasa"] = "tasa"  # type: ignore[assignment]
    """The kind of settings that the other keys belong to."""
    answers: PositiveInt = 3
    """Wrong answers tried in the copy."""
    candidates_per_word: PositiveInt = 5
    """Replacements tried per word."""
    search: Literal["beam"] = "beam"
    """A beam over both kinds of edits."""
    beam_width: PositiveInt = 3
    """Texts that the beam keeps."""


class EmbeddingSettings(RecipeSettings):
    """Projected gradient ascent on the passage's word embeddings: no text changes.

    It bounds no attack on text.
    """

    kind: Literal["embedding"] = "embedding"
    """The kind of settings that the other keys belong to."""
    radius: PositiveFloat
    """L2 norm of a token's perturbation."""
    step_size: PositiveFloat
    """Length of an ascent step."""
    steps: PositiveInt = 5
    """Ascent steps."""
    restarts: PositiveInt = 1
    """Ascents; all but the first begin at random points of the ball."""


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
