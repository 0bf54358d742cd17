"""Typing errors, grapheme by grapheme, in the word's own script."""

from __future__ import annotations

import random
from collections.abc import Iterable

from textattack.shared import AttackedText
from textattack.transformations.word_swaps import WordSwap

from xltlib.languages import LANGUAGES, graphemes, script_of, words

EDITS = ("swap", "delete", "insert", "substitute")
_TRIES = 8  # draws for each wanted candidate; short words have few different edits


class Typo(WordSwap):
    """Swap two neighbouring graphemes, delete one, insert a letter, or replace one by a letter.

    Letters come from the language's alphabet, or for a foreign word from another language of its
    script. The same seed gives the same candidates for a word, whatever was asked before.

    Args:
        language: code of the text's language.
        seed: any text, e.g. the example's id.
        candidates_per_word: different typos to try on a word.
        min_word_length: in graphemes; shorter words are left alone.
    """

    def __init__(
        self, language: str, seed: str, *, candidates_per_word: int = 4, min_word_length: int = 3
    ) -> None:
        super().__init__()
        self.language = language
        self.seed = seed
        self.candidates_per_word = candidates_per_word
        self.min_word_length = min_word_length

    def _get_transformations(
        self, current_text: AttackedText, indices_to_modify: Iterable[int]
    ) -> list[AttackedText]:
        return [
            current_text.replace_word_at_index(index, typo)
            for index in sorted(indices_to_modify)
            for typo in self.candidates(current_text.words[index], index)
        ]

    def candidates(self, word: str, index: int) -> list[str]:
        """Different misspellings of a word at a place; fewer, or none, where it allows no more."""
        parts = graphemes(word)
        letters = self._letters(word)
        if len(parts) < self.min_word_length or letters is None:
            return []
        rng = random.Random(f"{self.seed} {index} {word}")
        found: list[str] = []
        for _ in range(_TRIES * self.candidates_per_word):
            typo = _edit(rng, parts, letters)
            if typo not in (word, *found) and is_whole_word(typo):
                found.append(typo)
            if len(found) == self.candidates_per_word:
                break
        return found

    def _letters(self, word: str) -> str | None:
        """The alphabet to type a word with, "" for a script without one, None without letters."""
        script = script_of(word)
        if script is None:
            return None
        languages = (LANGUAGES[self.language], *LANGUAGES.values())
        return next((one.alphabet for one in languages if one.script == script), "")

    def extra_repr_keys(self) -> list[str]:
        return ["language", "candidates_per_word", "min_word_length"]


def _edit(rng: random.Random, parts: list[str], letters: str) -> str:
    """One typing error; the clusters it does not touch stay whole, or the word comes back."""
    place, edited = rng.randrange(len(parts)), list(parts)
    edit = rng.choice(EDITS if letters else EDITS[:2])
    if edit == "swap":
        other = place + 1 if place + 1 < len(parts) else place - 1
        edited[place], edited[other] = edited[other], edited[place]
    elif edit == "delete":
        del edited[place]
    else:
        letter = rng.choice(letters)
        letter = letter.upper() if parts[place].isupper() else letter
        edited[place : place + (edit == "substitute")] = [letter]
    typo = "".join(edited)
    # Some neighbours fuse (Hangul jamo, Indic conjuncts): such an edit would split a grapheme.
    return typo if graphemes(typo) == edited else "".join(parts)


def is_whole_word(text: str) -> bool:
    """Whether a text is exactly one word, so that putting it in shifts no word's index."""
    return words(text) == ((0, len(text)),)
