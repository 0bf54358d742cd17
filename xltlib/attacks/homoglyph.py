"""Letters that look alike (Unicode Technical Standard 39, through confusable-homoglyphs)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache

from confusable_homoglyphs import confusables
from textattack.shared import AttackedText

from xltlib.attacks.swap import CandidateSwap
from xltlib.languages import graphemes


class Homoglyph(CandidateSwap):
    """Put look-alikes in the place of a word's letters: of one letter each, then of all of them.

    Marks stay, and so does every grapheme's border.
    """

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word with one letter changed, in the seed's order of letters; then with all."""
        word, rng = text.words[index], self.rng(text, index)
        places = [i for i, char in enumerate(word) if look_alikes(char)]
        chosen = {i: rng.choice(look_alikes(word[i])) for i in places}
        rng.shuffle(places)
        everything = "".join(chosen.get(i, char) for i, char in enumerate(word))
        for changed in [*(word[:i] + chosen[i] + word[i + 1 :] for i in places), everything]:
            if len(graphemes(changed)) == len(graphemes(word)):
                yield changed


@cache
def look_alikes(char: str) -> tuple[str, ...]:
    """The letters that a letter can be taken for: one character each, of the same letter case."""
    if not char.isalpha():
        return ()
    found = confusables.is_confusable(char, greedy=True) or [{"homoglyphs": []}]
    others = {one["c"] for one in found[0]["homoglyphs"] if len(one["c"]) == 1}
    category = unicodedata.category(char)
    # Compatibility forms (bold, full width) are normalised away by most tokenisers: no attack.
    return tuple(
        sorted(
            other
            for other in others
            if unicodedata.category(other) == category
            and unicodedata.normalize("NFKC", other) == other
        )
    )
