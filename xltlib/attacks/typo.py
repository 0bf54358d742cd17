"""Typing errors, grapheme by grapheme, in the word's script and on the keyboard of its language."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from itertools import islice

from textattack.shared import AttackedText

from xltlib.attacks import keyboard
from xltlib.attacks.swap import CandidateSwap
from xltlib.languages import LANGUAGES, find_language, graphemes, script_of
from xltlib.languages.codes import parse_code
from xltlib.languages.letter_case import upper

EDITS = ("swap", "delete", "insert", "substitute")
_TRIES = 8  # draws per wanted candidate, because short words have few different edits


class Typo(CandidateSwap):
    """Swap two neighbouring graphemes, delete one, insert a letter, or hit a neighbouring key.

    A neighbouring key changes one letter or mark inside a grapheme, or one jamo of a Hangul
    syllable. A letter that is on no keyboard becomes another letter of the alphabet. Inserted
    letters come from the language's alphabet.
    """

    def editable(self, text: AttackedText, index: int) -> bool:
        """Any long enough word with letters can be mistyped."""
        word = text.words[index]
        return self.long_enough(word) and script_of(word) is not None

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """Misspellings of the word, determined by its letters and the seed."""
        found = misspellings(text.words[index], self.language, self.rng(text, index))
        yield from islice(found, _TRIES * self.candidates_per_word)


def misspellings(word: str, language: str, rng: random.Random) -> Iterator[str]:
    """An endless stream of typing errors in a word, some of which leave it unchanged; empty if it
    has no letters.

    Args:
        language: the text's language; a word in another script is typed as in a language of that
            script.
    """
    parts, typed_in = graphemes(word), _typed_in(word, language)
    while typed_in is not None:
        yield _edit(rng, parts, typed_in)


def _typed_in(word: str, language: str) -> str | None:
    """The language in which a word is typed; None for a word without letters."""
    script, text = script_of(word), parse_code(language)
    if script is None or script == text.script:
        return None if script is None else language
    known = (code for code, one in LANGUAGES.items() if one.script == script)
    own = text.in_script(script)
    return own if script in text.scripts else next(known, own)


def _edit(rng: random.Random, parts: list[str], language: str) -> str:
    """A word with one typing error, or unchanged if the error would break another grapheme
    cluster."""
    place, edited = rng.randrange(len(parts)), list(parts)
    edit = rng.choice(EDITS)
    letter = rng.choice(find_language(language).alphabet)
    letter = upper(letter, language) if parts[place].isupper() else letter
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
    # Some neighbours fuse (Hangul jamo, Indic conjuncts), and the edit would split a grapheme.
    return typo if graphemes(typo) == edited else "".join(parts)


def _mistyped(rng: random.Random, grapheme: str, language: str) -> str | None:
    """A grapheme with one character from a neighbouring key; None if no character has one."""
    hangul = find_language(language).script == "Hangul"
    # A syllable is typed jamo by jamo; other letters are typed in composed form.
    chars = list(unicodedata.normalize("NFD" if hangul else "NFC", grapheme))
    places = [i for i, char in enumerate(chars) if keyboard.neighbours(char, language)]
    if not places:
        return None
    place = rng.choice(places)
    chars[place] = rng.choice(keyboard.neighbours(chars[place], language))
    return unicodedata.normalize("NFC", "".join(chars))
