"""What all transformations of words have in common: a word in, other words for its place out."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable

from textattack.shared import AttackedText
from textattack.transformations.word_swaps import WordSwap

from xltlib.attacks.passage import passage_of
from xltlib.languages import graphemes, min_word_length, words


class CandidateSwap(WordSwap):
    """Puts candidates in the place of words; a subclass says which.

    The same seed gives the same candidates for a word in its place, whatever was asked before.
    An instance serves one example.

    Args:
        language: code of the text's language.
        seed: any text, e.g. the example's id.
        candidates_per_word: at most so many for a word.
        min_word_length: in graphemes; shorter words are left alone. None goes by the word's script
            (`xltlib.languages.min_word_length`).
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
        """Words for the place of a word, the most wanted first; unfit ones are left out later."""

    def editable(self, text: AttackedText, index: int) -> bool:
        """Whether there is anything to put in a word's place; words without are not even ranked.

        Where `candidates` costs a model's pass, a subclass answers from the word alone.
        """
        return bool(self.fit(text, index))

    def long_enough(self, word: str) -> bool:
        """Whether a word may be edited by its length."""
        least = min_word_length(word) if self.min_word_length is None else self.min_word_length
        return len(graphemes(word)) >= least

    def _get_transformations(
        self, current_text: AttackedText, indices_to_modify: Iterable[int]
    ) -> list[AttackedText]:
        return [
            current_text.replace_word_at_index(index, candidate)
            for index in sorted(indices_to_modify)
            for candidate in self.fit(current_text, index)
        ]

    def fit(self, text: AttackedText, index: int) -> list[str]:
        """The first fit candidates that are other words."""
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
        """Whether a candidate can stand in a word's place; by default, whether it is one word."""
        return is_whole_word(candidate)

    def rng(self, text: AttackedText, index: int) -> random.Random:
        """Random numbers for one word in its place."""
        return random.Random(f"{self.seed} {index} {text.words[index]}")

    def extra_repr_keys(self) -> list[str]:
        return ["language", "candidates_per_word", "min_word_length"]


def context_span(text: AttackedText, index: int) -> tuple[int, int]:
    """Where a word of a question and context stands in the context: characters [start, end)."""
    passage = passage_of(text)
    return passage.spans[index - passage.question_words]


def is_whole_word(text: str) -> bool:
    """Whether a text is exactly one word, so that putting it in shifts no word's index."""
    return words(text) == ((0, len(text)),)


def is_phrase(text: str) -> bool:
    """Whether a text is one word or several, from its first character to its last."""
    spans = words(text)
    return bool(spans) and (spans[0][0], spans[-1][1]) == (0, len(text))


def in_case_of(word: str, model: str) -> str:
    """A word in the letter case of another: capitals, a first capital, or as it is."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word
