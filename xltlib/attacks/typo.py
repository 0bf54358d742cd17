"""Typing errors, grapheme by grapheme, in the word's own script and on its writers' keyboard."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

from textattack.shared import AttackedText

from xltlib.attacks import keyboard
from xltlib.attacks.swap import CandidateSwap
from xltlib.languages import LANGUAGES, find_language, graphemes, script_of

EDITS = ("swap", "delete", "insert", "substitute")
_TRIES = 8  # draws for each wanted candidate; short words have few different edits


class Typo(CandidateSwap):
    """Swap two neighbouring graphemes, delete one, insert a letter, or hit a neighbouring key.

    A key in the place of another changes one letter or mark inside its grapheme, of a Hangul
    syllable one jamo; a letter that is on no keyboard becomes one of the alphabet. Inserted letters
    come from the language's alphabet. A foreign word is typed as in a language of its script.
    """

    def editable(self, text: AttackedText, index: int) -> bool:
        """Any long enough word with letters can be mistyped."""
        word = text.words[index]
        return self.long_enough(word) and script_of(word) is not None

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """Misspellings of the word, as its letters and the seed have them."""
        word = text.words[index]
        parts, language = graphemes(word), self._language(word)
        if language is None:
            return
        rng = self.rng(text, index)
        for _ in range(_TRIES * self.candidates_per_word):
            yield _edit(rng, parts, language)

    def _language(self, word: str) -> str | None:
        """The language that the word is typed in; None for a word without letters."""
        script = script_of(word)
        codes = (self.language, *LANGUAGES)
        known = (code for code in codes if find_language(code).script == script)
        return None if script is None else next(known, self.language)


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
