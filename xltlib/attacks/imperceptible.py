"""Characters that readers do not see (Boucher et al. 2022, arXiv 2106.09898).

The paper has four kinds. Invisible characters and reorderings are here, and look-alikes are in
`xltlib.attacks.homoglyph`. Deletions (a letter and a backspace) are left out, because most programs
display a backspace as a box.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

from textattack.shared import AttackedText

from xltlib.attacks.swap import CandidateSwap, is_whole_word
from xltlib.languages import graphemes, script_of

# They have no width and belong to the cluster before them, so words and graphemes stay whole:
# zero-width non-joiner and joiner, combining grapheme joiner, variation selector 1.
INVISIBLE = ("\u200c", "\u200d", "\u034f", "\ufe00")
# A reversed word between a direction override and its end is displayed like the original.
_LEFT_TO_RIGHT, _RIGHT_TO_LEFT, _END = "\u202d", "\u202e", "\u202c"
# Scripts whose letters neither join nor stack. In all others a joiner changes letters' shape.
# They are named as `script_of` names them.
_UNJOINED = frozenset(
    "Latin Greek Cyrillic Armn Geor Hebr Han Hiragana Katakana Hangul Bopo Thai Laoo Ethi "
    "Cher".split()
)


class Imperceptible(CandidateSwap):
    """Put invisible characters into a word, or reverse it under a direction override."""

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word in other code points."""
        yield from unseen(text.words[index], self.rng(text, index))

    def is_fit(self, candidate: str) -> bool:
        """One word, apart from direction controls around it."""
        return is_whole_word(candidate.strip(_LEFT_TO_RIGHT + _RIGHT_TO_LEFT + _END))


def unseen(word: str, rng: random.Random) -> Iterator[str]:
    """A word in other code points that look the same: reversed, then with invisible marks.

    Scripts that join or stack letters get no joiner, because it would change the letters' shape.
    """
    parts = graphemes(word)
    reversed_word = "".join(parts[::-1])
    override = _override(word)
    if override and len(parts) > 1 and graphemes(reversed_word) == parts[::-1]:
        yield f"{override}{reversed_word}{_END}"
    marks = INVISIBLE if script_of(word) in _UNJOINED else INVISIBLE[2:]
    yield "".join(part + rng.choice(marks) for part in parts)
    places = list(range(1, len(parts) + 1))
    rng.shuffle(places)
    for place in places:
        yield "".join([*parts[:place], rng.choice(marks), *parts[place:]])


def _override(word: str) -> str | None:
    """The control under which a reversed word looks like the original; None if there is none,
    because numbers or Latin letters in a word of a right-to-left script run left to right."""
    kinds = {unicodedata.bidirectional(char) for char in word}
    if not kinds & {"R", "AL"}:
        return _RIGHT_TO_LEFT
    return None if kinds & {"L", "EN", "AN"} else _LEFT_TO_RIGHT
