"""Neighbouring letters on the keyboards of many scripts.

The layouts in `keyboards.json` come from the package simple-keyboard-layouts (the file has its
version): three rows of letters, plain and shifted, with keys that type no letter left empty.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files

from xltlib.languages import find_language
from xltlib.languages.codes import closest

# Each row of keys is half a key to the right of the row above.
_BESIDE = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))

_LAST_MODERN_END = "\u11c2"  # later ones are Old Hangul and do not compose into syllables


@cache
def _layouts() -> dict[str, list[list[str]]]:
    text = files("xltlib.attacks").joinpath("keyboards.json").read_text(encoding="utf-8")
    return json.loads(text)["layouts"]


@cache
def neighbours(char: str, language: str) -> tuple[str, ...]:
    """The characters on the keys beside a character's, in the same layer and of the same kind,
    sorted.

    The neighbours of a letter are letters, and those of a mark are marks. The neighbours of a final
    Hangul jamo are those that can end a syllable.

    Args:
        char: one character; Hangul as conjoining jamo.
        language: the language whose keyboard is used, or else one of a language in the same script.
    """
    layouts = _layouts()
    script = find_language(language).script
    same = (code for code in layouts if find_language(code).script == script)
    layout = layouts.get(closest(language, layouts) or next(same, ""), [])
    typed = _moved(char, "JONGSEONG", "CHOSEONG") or char
    found = {other for layer in layout for other in _beside(typed, layer)}
    if typed != char:
        ends = {_moved(other, "CHOSEONG", "JONGSEONG") or "" for other in found}
        found = {other for other in ends if other <= _LAST_MODERN_END}
    return tuple(sorted(other for other in found if other and _sort(other) == _sort(char)))


def _beside(char: str, rows: list[str]) -> set[str]:
    keys = {
        (row, column): key
        for row, line in enumerate(rows)
        for column, key in enumerate(line.split(" "))
    }
    places = [place for place, key in keys.items() if key == char]
    around = [(row + down, column + right) for row, column in places for down, right in _BESIDE]
    return {keys[place] for place in around if keys.get(place)}


def _sort(char: str) -> str:
    """Letter or mark; for conjoining jamo also the position in a syllable."""
    name = unicodedata.name(char, "")
    jamo = next((part for part in ("CHOSEONG", "JUNGSEONG", "JONGSEONG") if part in name), "")
    return unicodedata.category(char)[0] + jamo


def _moved(char: str, place: str, other: str) -> str | None:
    """The jamo of the same sound in another position of the syllable; None if there is none."""
    name = unicodedata.name(char, "")
    if place not in name:
        return None
    try:
        return unicodedata.lookup(name.replace(place, other))
    except KeyError:
        return None
