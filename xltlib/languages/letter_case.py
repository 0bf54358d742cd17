"""Capital and small letters, by the rules of the text's language.

In Turkish and Azeri, I is the capital of ı, and İ that of i (Unicode's SpecialCasing).
"""

from __future__ import annotations

from functools import cache

from xltlib.languages.codes import closest

_LOWER = str.maketrans("Iİ", "ıi")
_UPPER = str.maketrans("iı", "İI")


@cache
def _has_dotless_i(language: str) -> bool:
    return closest(language, ["az", "tr"]) is not None


def lower(text: str, language: str) -> str:
    """A text in small letters."""
    if not _has_dotless_i(language):
        return text.lower()
    small = text.translate(_LOWER).lower()
    # A capital that was written as a letter and its dot, by us or by another program.
    return small.replace("ı\u0307", "i").replace("i\u0307", "i")


def upper(text: str, language: str) -> str:
    """A text in capitals."""
    return text.translate(_UPPER).upper() if _has_dotless_i(language) else text.upper()


def folded(text: str, language: str) -> str:
    """A text without its letter case, for comparisons."""
    return lower(text, language).casefold()
