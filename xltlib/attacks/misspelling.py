"""Spelling mistakes that people really make, from a maintained list.

The list is codespell's dictionary: English, mistakes found in source code, documentation and mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from textattack.shared import AttackedText

from xltlib.attacks.swap import CandidateSwap, in_case_of, is_whole_word
from xltlib.languages.codes import require_misspellings
from xltlib.languages.letter_case import lower


class Misspelling(CandidateSwap):
    """Replace a word by a common misspelling of it."""

    def __init__(self, language: str, seed: str, **options: int) -> None:
        super().__init__(language, seed, **options)
        self.known = misspelt(language)

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word's listed mistakes, in the seed's order."""
        word = text.words[index]
        found = list(self.known.get(lower(word, self.language), ()))
        self.rng(text, index).shuffle(found)
        yield from (in_case_of(mistake, word) for mistake in found)


@cache
def misspelt(language: str) -> Mapping[str, tuple[str, ...]]:
    """Maps lower-cased words to their misspellings.

    A misspelling of several words counts only for the first, which is the likeliest.

    Raises:
        InputError: there is no list for this language.
    """
    require_misspellings([language])
    text = files("codespell_lib").joinpath("data/dictionary.txt").read_text(encoding="utf-8")
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        mistake, _, words = line.partition("->")
        word = words.split(",")[0].strip()
        if is_whole_word(mistake) and is_whole_word(word):
            found[word].append(mistake)
    return {word: tuple(mistakes) for word, mistakes in found.items()}
