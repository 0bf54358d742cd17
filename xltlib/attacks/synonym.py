"""Words of a near meaning: from a list, or from an encoder's word embeddings."""

from __future__ import annotations

from collections.abc import Iterator

from textattack.shared import AttackedText

from xltlib.attacks.swap import CandidateSwap, in_case_of
from xltlib.languages import graphemes
from xltlib.training.robust.neighbours import Neighbours


class Synonym(CandidateSwap):
    """Put a neighbour in the place of a word, in the word's letter case.

    A neighbour that is another form of the same word (it shares three quarters of its letters from
    the beginning) is none: "museums" is no synonym of "museum".

    Args:
        neighbours: words to their neighbours, the nearest first. Looked up as it stands, then in
            lower case.
    """

    def __init__(self, language: str, seed: str, neighbours: Neighbours, **options: int) -> None:
        super().__init__(language, seed, **options)
        self.neighbours = neighbours

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word's neighbours, nearest first."""
        word = text.words[index]
        for near in self.neighbours.get(word) or self.neighbours.get(word.lower(), ()):
            if not same_stem(word, near):
                yield in_case_of(near, word)


def same_stem(word: str, other: str) -> bool:
    """Whether two words begin alike for three quarters of the shorter one's graphemes."""
    one, two = graphemes(word.casefold()), graphemes(other.casefold())
    shared = 0
    while shared < min(len(one), len(two)) and one[shared] == two[shared]:
        shared += 1
    return 4 * shared >= 3 * min(len(one), len(two))
