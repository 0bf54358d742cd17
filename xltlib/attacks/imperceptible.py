"""Characters that a reader does not see (Boucher et al. 2022, arXiv 2106.09898).

Of the paper's four kinds, invisible characters and reorderings are here. Look-alikes are
`xltlib.attacks.homoglyph`; deletions (a letter and a backspace) are left out, because a backspace
shows as a box in most programs that display text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from textattack.shared import AttackedText

from xltlib.attacks.swap import CandidateSwap, is_whole_word
from xltlib.languages import LANGUAGES, graphemes, script_of

# Zero width, and part of the cluster before them, so that no word and no grapheme falls apart:
# zero-width non-joiner and joiner, combining grapheme joiner, variation selector 1.
INVISIBLE = ("\u200c", "\u200d", "\u034f", "\ufe00")
# A reversed word between an override of the direction and its end is displayed as it was.
_LEFT_TO_RIGHT, _RIGHT_TO_LEFT, _END = "\u202d", "\u202e", "\u202c"
# Scripts whose letters change their shape beside one of these characters: it would be seen.
_SHAPED = ("Arabic", "Bengali", "Devanagari", "Tamil", "Telugu")
_RTL = {language.script for language in LANGUAGES.values() if language.rtl}


class Imperceptible(CandidateSwap):
    """Put invisible characters into a word, or reverse it under an override of its direction."""

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word in other code points."""
        yield from unseen(text.words[index], self.rng(text, index))

    def is_fit(self, candidate: str) -> bool:
        """One word, controls of direction around it aside."""
        return is_whole_word(candidate.strip(_LEFT_TO_RIGHT + _RIGHT_TO_LEFT + _END))


def unseen(word: str, rng: random.Random) -> Iterator[str]:
    """A word in other code points that are displayed alike: reversed, then with invisible marks.

    In scripts that join or stack letters no joiner is put in, because it would change their shape.
    """
    parts = graphemes(word)
    reversed_word = "".join(parts[::-1])
    if len(parts) > 1 and graphemes(reversed_word) == parts[::-1]:
        override = _LEFT_TO_RIGHT if script_of(word) in _RTL else _RIGHT_TO_LEFT
        yield f"{override}{reversed_word}{_END}"
    marks = INVISIBLE[2:] if script_of(word) in _SHAPED else INVISIBLE
    yield "".join(part + rng.choice(marks) for part in parts)
    places = list(range(1, len(parts) + 1))
    rng.shuffle(places)
    for place in places:
        yield "".join([*parts[:place], rng.choice(marks), *parts[place:]])
