"""Typing errors, grapheme by grapheme, in the word's own script and on its writers' keyboard."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from itertools import islice

from textattack.shared import AttackedText

from xltlib.attacks import keyboard
from xltlib.attacks.swap import CandidateSwap
from xltlib.languages import LANGUAGES, find_language, graphemes, script_of

EDITS = ("swap", "delete", "insert", "substitute")
_TRIES = 8  # draws per wanted candidate: short words have few different edits


class Typo(CandidateSwap):
    """Swap two neighbouring graphemes, delete one, insert a letter, or hit a neighbouring key.

    A key in the place of another changes one letter or mark inside its grapheme, of a Hangul
    syllable one jamo; a letter that is on no keyboard becomes one of the alphabet. Inserted letters
    come from the language's alphabet.
    """

    def editable(self, text: AttackedText, index: int) -> bool:
        """Any long enough word with letters can be mistyped."""
        word = text.words[index]
        return self.long_enough(word) and script_of(word) is not None

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """Misspellings of the word, as its letters and the seed have them."""
        found = misspellings(text.words[index], self.language, self.rng(text, index))
        yield from islice(found, _TRIES * self.candidates_per_word)


def misspellings(word: str, language: str, rng: random.Random) -> Iterator[str]:
    """Typing errors in a word without end; some leave it as it is. None for one without letters.

    Args:
        language: of the text; a foreign word is typed as in a language of its script.
    """
    parts, typed_in = graphemes(word), _typed_in(word, language)
    while typed_in is not None:
        yield _edit(rng, parts, typed_in)


def _typed_in(word: str, language: str) -> str | None:
    """The language that a word is typed in; None for a word without letters."""
    script = script_of(word)
    known = (code for code in (language, *LANGUAGES) if find_language(code).script == script)
    return None if script is None else next(known, language)


def _edit(rng: random.Random, parts: list[str], language: str) -> str:
    """One typing error; the clusters it does not touch stay whole, or the word comes back."""
    place, edited = rng.randrange(len(parts)), list(parts)
    edit = rng.choice(EDITS)
    letter = rng.choice(find_language(language).alphabet)
    letter = letter.upper() if parts[place].isupper() else letter
    if edit == "swap":
        other = place + 1 if place + 1 < len(parts) else place - 1
        edited[place], edited[other] = edited[other], edited[place]
    elif edit == "delete":
        del edited[place]
    elif edit == "insert":
        edited.insert(place, letter)
    else:
        edited[place] = _mistyped(rng, parts[place], language) or letter
    typo = "".join(edited)
    # Some neighbours fuse (Hangul jamo, Indic conjuncts): such an edit would split a grapheme.
    return typo if graphemes(typo) == edited else "".join(parts)


def _mistyped(rng: random.Random, grapheme: str, language: str) -> str | None:
    """A grapheme with one of its characters from a neighbouring key; None where none has any."""
    hangul = find_language(language).script == "Hangul"
    # A syllable is typed jamo by jamo; other letters are typed as they are composed.
    chars = list(unicodedata.normalize("NFD" if hangul else "NFC", grapheme))
    places = [i for i, char in enumerate(chars) if keyboard.neighbours(char, language)]
    if not places:
        return None
    place = rng.choice(places)
    chars[place] = rng.choice(keyboard.neighbours(chars[place], language))
    return unicodedata.normalize("NFC", "".join(chars))
