"""The base of all word transformations: candidates for the place of a word."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable

from textattack.shared import AttackedText
from textattack.transformations.word_swaps import WordSwap

from xltlib.attacks.passage import passage_of, words_within
from xltlib.languages import graphemes, min_word_length
from xltlib.languages.letter_case import upper


class CandidateSwap(WordSwap):
    """Replaces words by candidates; a subclass chooses them.

    The same seed gives the same candidates for a word in its place, regardless of earlier calls.
    Each example needs its own instance.

    Args:
        language: the code of the text's language.
        seed: any text, e.g. the example's id.
        candidates_per_word: the limit on candidates for a word.
        min_word_length: in graphemes; shorter words are not edited. None for the default of the
            word's script (`xltlib.languages.min_word_length`).
    """

    def __init__(
        self,
        language: str,
        seed: str,
        *,
        candidates_per_word: int = 4,
        min_word_length: int | None = None,
    ) -> None:
        super().__init__()
        self.language = language
        self.seed = seed
        self.candidates_per_word = candidates_per_word
        self.min_word_length = min_word_length

    @abstractmethod
    def candidates(self, text: AttackedText, index: int) -> Iterable[str]:
        """Candidates for the place of a word, best first; unfit ones are removed later."""

    def editable(self, text: AttackedText, index: int) -> bool:
        """Whether a word has any candidate; words without one are not even ranked.

        If `candidates` needs a forward pass, a subclass decides from the word alone.
        """
        return bool(self.fit(text, index))

    def long_enough(self, word: str) -> bool:
        """Whether a word is long enough to be edited."""
        least = min_word_length(word) if self.min_word_length is None else self.min_word_length
        return len(graphemes(word)) >= least

    def _get_transformations(
        self, current_text: AttackedText, indices_to_modify: Iterable[int]
    ) -> list[AttackedText]:
        passage = passage_of(current_text)
        return [
            text
            for index in sorted(indices_to_modify)
            for text in passage.with_candidates(index, self.fit(passage, index))
        ]

    def fit(self, text: AttackedText, index: int) -> list[str]:
        """The first fit candidates that differ from the word."""
        word = text.words[index]
        found: list[str] = []
        if not self.long_enough(word):
            return found
        for candidate in self.candidates(text, index):
            if candidate not in (word, *found) and self.is_fit(candidate):
                found.append(candidate)
            if len(found) == self.candidates_per_word:
                break
        return found

    def is_fit(self, candidate: str) -> bool:
        """Whether a candidate can replace a word; by default, whether it is one word."""
        return is_whole_word(candidate)

    def rng(self, text: AttackedText, index: int) -> random.Random:
        """Random numbers for one word in its place."""
        return random.Random(f"{self.seed} {index} {text.words[index]}")

    def extra_repr_keys(self) -> list[str]:
        return ["language", "candidates_per_word", "min_word_length"]


def context_span(text: AttackedText, index: int) -> tuple[int, int]:
    """The characters [start, end) of a word in the context."""
    passage = passage_of(text)
    return passage.spans[index - passage.question_words]


def is_whole_word(text: str) -> bool:
    """Whether a text is exactly one word, so that inserting it shifts no index."""
    return words_within(text) == ((0, len(text)),)


def is_phrase(text: str) -> bool:
    """Whether a text consists of one or more words from its first character to its last."""
    spans = words_within(text)
    return bool(spans) and (spans[0][0], spans[-1][1]) == (0, len(text))


def in_case_of(word: str, model: str, language: str = "en") -> str:
    """A word in the letter case of another: all capitals, a first capital, or unchanged.

    Args:
        language: the word's; "en" stands for all without rules of their own.
    """
    if model.isupper() and len(model) > 1:
        return upper(word, language)
    return upper(word[:1], language) + word[1:] if model[:1].isupper() else word
