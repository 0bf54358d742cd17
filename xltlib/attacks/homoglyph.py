"""Letters that look alike (Unicode Technical Standard 39, through confusable-homoglyphs)."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from functools import cache

from confusable_homoglyphs import confusables
from textattack.shared import AttackedText

from xltlib.attacks.swap import CandidateSwap
from xltlib.languages import graphemes


class Homoglyph(CandidateSwap):
    """Replace a word's letters by look-alikes: all of them, or one at a time.

    Combining marks and grapheme boundaries are unchanged.
    """

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """Look-alikes of the word, the most changed first."""
        yield from look_alike_words(text.words[index], self.rng(text, index))


def look_alike_words(word: str, rng: random.Random) -> Iterator[str]:
    """A word with all letters that have look-alikes changed, then one letter at a time.

    Fully changed words come first because they are the strongest: a limit on candidates must not
    cut them off.
    """
    places = [i for i, char in enumerate(word) if look_alikes(char)]
    chosen = {i: rng.choice(look_alikes(word[i])) for i in places}
    rng.shuffle(places)
    everything = "".join(chosen.get(i, char) for i, char in enumerate(word))
    for changed in [everything, *(word[:i] + chosen[i] + word[i + 1 :] for i in places)]:
        if changed != word and len(graphemes(changed)) == len(graphemes(word)):
            yield changed


@cache
def look_alikes(char: str) -> tuple[str, ...]:
    """The single characters of the same case that a letter can be mistaken for."""
    if not char.isalpha():
        return ()
    found = confusables.is_confusable(char, greedy=True) or [{"homoglyphs": []}]
    others = {one["c"] for one in found[0]["homoglyphs"] if len(one["c"]) == 1}
    category = unicodedata.category(char)
    # Most tokenizers normalise compatibility forms (bold, full width), so they are no attack.
    return tuple(
        sorted(
            other
            for other in others
            if unicodedata.category(other) == category
            and unicodedata.normalize("NFKC", other) == other
        )
    )
