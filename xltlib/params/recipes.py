"""The settings of each recipe of `xltlib.attacks.recipes`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from xltlib.params.base import Settings, TestSet
from xltlib.params.values import (
    IS_MODEL,
    Count,
    Distinct,
    Fraction,
    LocalPath,
    ModelName,
    Repetitions,
    Seed,
    files_by_language,
    known_languages,
    without_repeats,
)

F1Unit = Literal["words", "characters", "segmented"]
"""The tokens of F1: split at white space as in SQuAD, graphemes, or words from a segmenter."""


class RecipeSettings(Settings):
    """The settings that every recipe has.

    `f1` only decides success: scores in the results are always the corpus's official ones.
    """

    kind: str
    """The recipe."""
    goal: Literal["untargeted", "targeted"] = "untargeted"
    """`untargeted`: the answer's F1 falls below `f1_threshold`; `targeted`: the model gives the
    answer to another question on the same passage (for a distractor: the false answer).
    """
    f1_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """An untargeted attack succeeds if F1 falls below this."""
    f1: F1Unit = "words"
    """The tokens of that F1. In languages without spaces or with attached particles, `characters`
    and `segmented` keep one extra particle from counting as a broken answer.
    """
    max_queries: Annotated[int, Field(ge=2, le=1_000_000)] = 200
    """Queries per example: each text that the model answers and each gradient is one."""
    seed: Seed = 0
    """Seed for the recipe's random choices."""


class WordSettings(RecipeSettings):
    """Recipes that replace words. At least one of the first three budgets must be set."""

    max_edited_words: Count | None = 4
    """The largest number of edited words."""
    max_edited_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest share of edited words."""
    max_edited_graphemes: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest share of the passage's graphemes that are in edited words; comparable across
    scripts.
    """
    max_grapheme_edits: Count | None = None
    """The largest total edit distance of all edited words."""
    min_similarity: Fraction | None = None
    """The least cosine similarity of the two passages' sentence vectors."""
    same_script: bool = False
    """Whether a replacement must keep the script of its word."""
    min_word_length: Count | None = None
    """Words with fewer graphemes are not edited. By default 1 for Han, 2 for syllabic scripts, 3
    for alphabets.
    """
    candidates_per_word: Count = 4
    """Replacements tried per word."""
    window_words: Count | None = None
    """Edit only words within this many words of an answer."""
    search: Literal["word-importance", "greedy", "beam"] = "word-importance"
    """`word-importance` edits words one by one, in the order of `ranking`; `greedy` tries all words
    at each step; `beam` does so from each of the best texts so far.
    """
    beam_width: Count = 4
    """Number of texts that a beam keeps."""
    ranking: Literal["delete", "gradient", "random"] = "delete"
    """The order of words: by how much their deletion costs the gold answer (`delete`, one query per
    word), by the norm of the loss's gradient (`gradient`, one query), or `random`.
    """
    ranking_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """The largest share of queries that `delete` may use."""
    surrogate: Annotated[ModelName | None, IS_MODEL] = None
    """Another model (folder or hub name) whose gradient ranks the words, without queries."""

    @model_validator(mode="after")
    def _bounded(self) -> WordSettings:
        budgets = (self.max_edited_words, self.max_edited_share)
        if budgets == (None, None) and self.max_edited_graphemes is None:
            raise ValueError(
                "nothing bounds the edits: set max_edited_words, max_edited_share or "
                "max_edited_graphemes"
            )
        if self.surrogate is not None and self.ranking != "gradient":
            raise ValueError("a surrogate ranks words by its gradient: set ranking: gradient")
        return self


class TypoSettings(WordSettings):
    """Typing errors."""

    kind: Literal["typo"] = "typo"
    """Selects which of the other keys apply."""


class HomoglyphSettings(WordSettings):
    """Letters that look alike."""

    kind: Literal["homoglyph"] = "homoglyph"
    """Selects which of the other keys apply."""


class ImperceptibleSettings(WordSettings):
    """Invisible characters, and words reversed by directional controls."""

    kind: Literal["imperceptible"] = "imperceptible"
    """Selects which of the other keys apply."""


class MisspellingSettings(WordSettings):
    """Common misspellings from codespell's list; English only."""

    kind: Literal["misspelling"] = "misspelling"
    """Selects which of the other keys apply."""


class SynonymSettings(WordSettings):
    """Neighbouring words, from lists or from the encoder's vocabulary, checked as in TextFooler.

    Without an encoder, set `min_window_similarity: null`.
    """

    kind: Literal["synonym"] = "synonym"
    """Selects which of the other keys apply."""
    same_script: bool = True
    """Whether a replacement must keep the script of its word."""
    candidates_per_word: Count = 50
    """Replacements tried per word."""
    min_window_similarity: Fraction | None = 0.9
    """The least cosine similarity of the 15 words around an edit to the original ones."""
    same_form: bool = True
    """Whether a replacement must keep the word's ending (TextFooler: its part of speech)."""
    neighbours: dict[str, LocalPath] = {}
    """JSON lists of words by language."""
    nearest: Count = 100
    """Neighbours per word from the encoder's vocabulary, in languages without a list."""
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """The least cosine similarity of such a neighbour."""

    _languages = field_validator("neighbours")(files_by_language)


class MaskedLMSettings(WordSettings):
    """Words that a masked language model predicts in context."""

    kind: Literal["mlm"] = "mlm"
    """Selects which of the other keys apply."""
    model: ModelName
    """The masked LM: a folder or a hub name."""
    edits: Annotated[list[Literal["replace", "insert", "merge"]], Field(min_length=1), Distinct] = [
        "replace"
    ]
    """CLARE's edits: replace a word, insert one after it, or merge it with the next. BAE only
    replaces.
    """
    same_script: bool = True
    """Whether a replacement must keep the script of its word."""


class CodeMixSettings(WordSettings):
    """Translations of words, from lexicons or from one induced from `parallel` text.

    Translations may have several words; each of them counts as an edited word.
    """

    kind: Literal["codemix"] = "codemix"
    """Selects which of the other keys apply."""
    lexicons: dict[str, Annotated[list[LocalPath], Distinct]] = {}
    """Files in MUSE's format (on each line a word, white space, and its translation), by the
    passage's language.
    """
    parallel: TestSet | None = None
    """Parallel text from which a lexicon is induced."""

    _languages = field_validator("lexicons")(files_by_language)


class HotFlipSettings(WordSettings):
    """Words of the vocabulary that the gradient favours (HotFlip)."""

    kind: Literal["hotflip"] = "hotflip"
    """Selects which of the other keys apply."""
    same_script: bool = True
    """Whether a replacement must keep the script of its word."""


class DistractorSettings(RecipeSettings):
    """Inserts one false sentence."""

    kind: Literal["distractor"] = "distractor"
    """Selects which of the other keys apply."""
    places: Annotated[list[Literal["start", "end", "between"]], Field(min_length=1), Distinct] = [
        "start",
        "end",
        "between",
    ]
    """Where the sentence may be inserted."""
    languages: Annotated[list[str], Field(min_length=1)] = ["passage"]
    """Languages of the sentence; `passage` and `question` stand for each example's own."""
    answers: Count = 3
    """Wrong answers tried with each template."""
    altered: bool = True
    """Whether the sentence answers a changed question, about something else, as in AddSent."""
    templates: Annotated[
        list[Literal["statement", "side by side", "answer"]], Field(min_length=1), Distinct
    ] = ["statement", "side by side", "answer"]
    """The forms that the sentence may take."""

    @field_validator("languages")
    @classmethod
    def _known_or_relative(cls, languages: list[str]) -> list[str]:
        known_languages([code for code in languages if code not in ("passage", "question")])
        return without_repeats(languages)


class TasaSettings(SynonymSettings):
    """Replaces words that the answer's sentence shares with the question, and adds a false copy.

    Words are replaced as in `synonym`. The copy of the sentence has another name or number and a
    wrong answer, and is added to the end of the passage.
    """

    kind: Literal["tasa"] = "tasa"  # type: ignore[assignment]
    """Selects which of the other keys apply."""
    answers: Count = 3
    """Wrong answers tried in the copy."""
    candidates_per_word: Count = 5
    """Replacements tried per word."""
    search: Literal["beam"] = "beam"
    """A beam over both kinds of edits."""
    beam_width: Count = 3
    """Number of texts that the beam keeps."""


class EmbeddingSettings(RecipeSettings):
    """Projected gradient ascent on the passage's word embeddings; no text changes.

    It does not bound attacks on text.
    """

    kind: Literal["embedding"] = "embedding"
    """Selects which of the other keys apply."""
    radius: Annotated[float, Field(gt=0, le=1000)]
    """The largest L2 norm of a token's perturbation."""
    step_size: Annotated[float, Field(gt=0, le=1000)]
    """Length of one ascent step."""
    steps: Repetitions = 5
    """Ascent steps."""
    restarts: Repetitions = 1
    """Number of ascents; all but the first begin at random points of the ball."""


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


def takes_gradients(recipe: RecipeSettings) -> bool:
    """Whether an attack takes gradients of the model under attack, or of one of its size."""
    white_box = isinstance(recipe, HotFlipSettings | EmbeddingSettings)
    return white_box or getattr(recipe, "ranking", None) == "gradient"
