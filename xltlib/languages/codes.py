"""Language codes in all their forms, read as CLDR does.

One language has many codes: zh-TW is zh_Hant_TW, iw is he, and sh is sr-Latn. Tables by language
are therefore looked up with `closest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

from xltlib.artifacts import InputError

# ISO 15924 codes of the scripts that the project calls by a name, the plain code first; other
# scripts keep their code.
SCRIPT_NAMES = {
    **{"Arab": "Arabic", "Aran": "Arabic", "Beng": "Bengali", "Cyrl": "Cyrillic"},
    **{"Cyrs": "Cyrillic", "Deva": "Devanagari", "Grek": "Greek", "Hang": "Hangul"},
    **{"Jamo": "Hangul", "Kore": "Hangul", "Hani": "Han", "Hanb": "Han", "Hans": "Han"},
    **{"Hant": "Han", "Hira": "Hiragana", "Hrkt": "Hiragana", "Jpan": "Hiragana"},
    **{"Kana": "Katakana", "Latn": "Latin", "Latf": "Latin", "Latg": "Latin"},
    **{"Taml": "Tamil", "Telu": "Telugu"},
}
_ISO_CODES = {name: code for code, name in reversed(SCRIPT_NAMES.items())}
# Writing systems of several scripts, with those besides the main one.
_BESIDES = {"Jpan": ("Han", "Katakana"), "Kore": ("Han",)}


@dataclass(frozen=True)
class LanguageCode:
    """A language code in its parts.

    `base`: the language alone, in CLDR's preferred form; `written`: the ISO 15924 code of its
    script, the likely one if the code states none; `region`: None if the code states none.
    """

    base: str
    written: str
    region: str | None

    @property
    def script(self) -> str:
        """The script, as `xltlib.languages.script_of` names it."""
        return SCRIPT_NAMES.get(self.written, self.written)

    @property
    def scripts(self) -> tuple[str, ...]:
        """All scripts of its writing system, the main one first, e.g. three for Japanese."""
        return (self.script, *_BESIDES.get(self.written, ()))

    def in_script(self, script: str) -> str:
        """The code of the same language in a script, given by name, e.g. ja-Hani."""
        return f"{self.base}-{_ISO_CODES.get(script, script)}"


@cache
def parse_code(code: str) -> LanguageCode:
    """A code in its parts, whatever its case and separators, also if it is deprecated.

    Raises:
        InputError: CLDR knows no such language or script.
    """
    from babel import Locale
    from babel.core import get_global, parse_locale

    # A single character begins an extension, such as -u-ca-buddhist.
    subtags = takewhile(lambda part: len(part) != 1, re.split("[-_]", code))
    try:
        if "@" in code:  # POSIX: sr@latin
            raise ValueError(code)
        base, region, script = parse_locale("_".join(subtags))[:3]
        if base in get_global("language_aliases"):
            alias = get_global("language_aliases")[base]
            base, other_region, other_script = parse_locale(alias)[:3]
            region, script = region or other_region, script or other_script
    except ValueError:
        raise _unknown(code) from None
    likely = get_global("likely_subtags")
    whole = likely.get(f"{base}_{region}") or likely.get(base)
    script = script or (whole.split("_")[1] if whole else "")
    known = Locale("en")
    if script not in known.scripts or base not in known.languages:
        raise _unknown(code)
    return LanguageCode(base, script, region)


def _unknown(code: str) -> InputError:
    return InputError(
        f"language {code!r}: no such code; give a two-letter ISO 639-1 code or another that "
        "CLDR knows, e.g. en, sw, ka"
    )


MISSPELT = ("en",)
"""The languages with a list of misspellings (codespell's)."""


def require_misspellings(languages: Iterable[str]) -> None:
    """Refuse languages without a list of misspellings.

    Raises:
        InputError: names them.
    """
    lacking = [code for code in languages if closest(code, MISSPELT) is None]
    if lacking:
        raise InputError(
            f"misspelling: no list of misspellings in {', '.join(lacking)}; available: "
            f"{', '.join(MISSPELT)}. Use typo in other languages."
        )


def closest(code: str, known: Iterable[str]) -> str | None:
    """The known code that is closest to a code, for tables by language.

    It has the same language and script, and if there are several, the same variant of the script
    or the same region. None if there is none.
    """
    known = list(known)
    if code in known:
        return code
    wanted = parse_code(code)

    def nearness(one: str) -> tuple[bool, bool, bool]:
        found = parse_code(one)
        same_region = found.region == wanted.region
        return found.written == wanted.written, same_region, found.region is None

    alike = [
        one
        for one in known
        if (found := parse_code(one)).base == wanted.base and found.script == wanted.script
    ]
    return max(alike, key=nearness, default=None)
