"""The study's languages, and the segmentation of their text into words and graphemes.

Python's own `\\w` excludes combining marks, so it breaks words of Telugu, Bengali and vocalised
Arabic. Here a word is a run of letters, numbers and marks, joiners included, that begins and ends
at a grapheme cluster boundary (Unicode Standard Annex 29, through the `regex` package). In scripts
without spaces between words, ICU's dictionaries find the boundaries.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import accumulate, pairwise

import regex
from icu4py.breakers import WordBreaker

from xltlib.artifacts import InputError
from xltlib.languages import alphabets
from xltlib.languages.codes import SCRIPT_NAMES, LanguageCode, parse_code


@dataclass(frozen=True)
class Language:
    """A language: ISO 639-1 code, English name, main script, and the letters of its alphabet.

    `unspaced`: written without spaces between words.
    """

    code: str
    name: str
    script: str
    alphabet: str
    rtl: bool = False
    unspaced: bool = False


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("en", "English", "Latin", alphabets.LATIN),
        Language("ar", "Arabic", "Arabic", alphabets.ARABIC, rtl=True),
        Language("bn", "Bengali", "Bengali", alphabets.BENGALI),
        Language("fi", "Finnish", "Latin", alphabets.LATIN + "äö"),
        Language("id", "Indonesian", "Latin", alphabets.LATIN),
        Language("ko", "Korean", "Hangul", alphabets.HANGUL),
        Language("ru", "Russian", "Cyrillic", alphabets.CYRILLIC),
        Language("sw", "Swahili", "Latin", alphabets.LATIN),
        Language("te", "Telugu", "Telugu", alphabets.TELUGU),
        Language("bg", "Bulgarian", "Cyrillic", alphabets.BULGARIAN),
        Language("de", "German", "Latin", alphabets.LATIN + "äöüß"),
        Language("el", "Greek", "Greek", alphabets.GREEK),
        Language("es", "Spanish", "Latin", alphabets.LATIN + "ñáéíóú"),
        Language("et", "Estonian", "Latin", alphabets.LATIN + "äõöü"),
        Language("fr", "French", "Latin", alphabets.LATIN + "éèêàçùôî"),
        Language("hi", "Hindi", "Devanagari", alphabets.DEVANAGARI),
        Language("ht", "Haitian Creole", "Latin", alphabets.LATIN + "èò"),
        Language("it", "Italian", "Latin", alphabets.LATIN + "àèéìòù"),
        Language("ja", "Japanese", "Hiragana", alphabets.KANA, unspaced=True),
        Language("qu", "Quechua", "Latin", alphabets.LATIN + "ñ"),
        Language("ro", "Romanian", "Latin", alphabets.LATIN + "ăâîșț"),
        Language("ta", "Tamil", "Tamil", alphabets.TAMIL),
        Language("th", "Thai", "Thai", alphabets.THAI, unspaced=True),
        Language("tr", "Turkish", "Latin", "abcçdefgğhıijklmnoöprsştuüvyz"),
        Language("ur", "Urdu", "Arabic", alphabets.ARABIC + "پٹچڈڑژکگںھہیے", rtl=True),
        Language("vi", "Vietnamese", "Latin", alphabets.LATIN + "ăâđêôơư"),
        Language("zh", "Chinese", "Han", alphabets.HAN, unspaced=True),
    )
}

TYDI = ("en", "ar", "bn", "fi", "id", "ko", "ru", "sw", "te")
"""The nine languages of TyDi QA GoldP."""

SYNTACTIC_DISTANCE = {
    **{"en": 0.0, "ar": 0.5681, "bg": 0.4032, "bn": 0.5936, "de": 0.3582, "el": 0.4769},
    **{"es": 0.3936, "et": 0.3931, "fi": 0.5052, "fr": 0.4204, "hi": 0.5508, "ht": 0.4821},
    **{"id": 0.4995, "it": 0.4154, "ja": 0.6287, "ko": 0.5870, "qu": 0.6667, "ro": 0.4477},
    **{"ru": 0.4525, "sw": 0.6930, "ta": 0.6594, "te": 0.6726, "th": 0.5325, "tr": 0.6848},
    **{"ur": 0.5910, "vi": 0.5212, "zh": 0.5275},
}
"""Syntactic distance from English, 0 to 1: URIEL+ (urielplus 1.3.2, angular distance over the
features that both languages have). Copied, because the package writes into its own folder."""

# A mark cannot begin a word; ZWNJ, ZWJ and single apostrophes stay inside one.
_WORD = regex.compile(
    r"[\p{L}\p{N}_]\p{M}*+(?:[\u200c\u200d]*[\p{L}\p{N}\p{M}_]++|['’](?=\p{L}))*[\u200c\u200d]*"
)
_GRAPHEME = regex.compile(r"\X")
# Within a cluster, only a conjunct has a letter after a mark.
_IN_CONJUNCT = regex.compile(r"(?<=[\p{M}\u200d])\p{L}")
UNSPACED_SCRIPTS = ("Han", "Hiragana", "Katakana", "Thai", "Laoo", "Khmr", "Mymr")
"""Scripts written without spaces between words, as `script_of` names them."""
# ICU has dictionaries for them.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_SCRIPTS = {
    script: regex.compile(rf"\p{{Script={script}}}")
    for script in (*sorted({language.script for language in LANGUAGES.values()}), "Katakana")
}


def graphemes(text: str) -> list[str]:
    """The grapheme clusters of a text; joined, they give the text again."""
    return _GRAPHEME.findall(text)


@lru_cache(maxsize=1024)
def grapheme_spans(text: str) -> tuple[tuple[int, int], ...]:
    """For every character, the span (start, end) of the grapheme cluster that contains it.

    Unlike in `graphemes`, each consonant of an Indic conjunct is its own cluster, as in Unicode
    before 15.1, because a word and its suffix can meet inside a conjunct (Telugu ధర్మసాగర్ + లో).
    """
    spans: list[tuple[int, int]] = []
    for match in _GRAPHEME.finditer(text):
        cuts = [cut.start() for cut in _IN_CONJUNCT.finditer(text, *match.span())]
        borders = [match.start(), *cuts, match.end()]
        for start, end in pairwise(borders):
            spans += [(start, end)] * (end - start)
    return tuple(spans)


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[tuple[int, int], ...]:
    """Character spans (start, end) of the words of a text, in order.

    ICU's dictionaries segment Chinese, Japanese, Thai, Lao, Khmer and Burmese.
    """
    # A word boundary inside a cluster moves to the cluster's edge.
    borders = {0, *accumulate(map(len, graphemes(text)))}
    spans: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        while start not in borders:
            start -= 1
        while end not in borders:
            end += 1
        if spans and start < spans[-1][1]:  # one cluster, two matches: one word
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    if not _UNSPACED.search(text):
        return tuple(spans)
    return tuple(_split_unspaced(text, spans, borders))


def _split_unspaced(
    text: str, spans: list[tuple[int, int]], borders: set[int]
) -> Iterator[tuple[int, int]]:
    """Cut the runs of letters that have some of an unspaced script where ICU ends a word."""
    unspaced = [_UNSPACED.search(text, *span) is not None for span in spans]
    runs = [text[start:end] for (start, end), cut in zip(spans, unspaced, strict=True) if cut]
    # One breaker reads all runs, because making one takes longer than most readings; a line feed
    # always ends a word. One locale serves all, because ICU chooses the dictionary by script.
    segments = iter(WordBreaker("\n".join(runs), "en"))
    for (start, end), cut in zip(spans, unspaced, strict=True):
        if not cut:
            yield start, end
            continue
        first = last = start
        while last < end:
            last += len(next(segments))
            if last in borders:
                yield first, last
                first = last
        next(segments, None)  # the line feed


_ALPHABETIC = ("Latin", "Cyrillic", "Greek", "Arabic", "Geor", "Armn", "Hebr")


def script_of(text: str) -> str | None:
    """The script of the first letter, as a name or ISO 15924 code; None if there is no letter."""
    return next((script for char in text if (script := _script_of_letter(char))), None)


@lru_cache(maxsize=65536)
def _script_of_letter(char: str) -> str | None:
    for script, pattern in _SCRIPTS.items():
        if pattern.match(char):
            return script
    if not char.isalpha():
        return None
    return next((code for code, one in _other_scripts().items() if one.match(char)), None)


@cache
def _other_scripts() -> dict[str, regex.Pattern[str]]:
    """Patterns for the scripts that no language of the study uses."""
    from babel import Locale

    found = {}
    for code in sorted(Locale("en").scripts):
        if code not in SCRIPT_NAMES and code not in ("Thai", "Zyyy", "Zinh"):
            try:
                found[code] = regex.compile(rf"\p{{Script={code}}}")
            except regex.error:  # a code without characters, such as Zsym
                continue
    return found


def min_word_length(word: str) -> int:
    """The fewest graphemes that a word of this script must have to be edited.

    Three in alphabets, where shorter words are mostly function words; two where a grapheme is a
    syllable; one in Han, where most words are one or two characters.
    """
    script = script_of(word)
    if script == "Han":
        return 1
    return 3 if script is None or script in _ALPHABETIC else 2


@cache
def find_language(code: str) -> Language:
    """A language by its code: one of the table above, or any other that CLDR knows.

    A language outside the table, or in another script than in the table, gets the alphabet of the
    table's first language in its script, or else the letters of the script.

    Raises:
        InputError: CLDR does not know the code, or Unicode has no letters of its script.
    """
    if code in LANGUAGES:
        return LANGUAGES[code]
    from babel import Locale

    parsed = parse_code(code)
    own = LANGUAGES.get(parsed.base)
    if own is not None and own.script == parsed.script != "Han":
        return replace(own, code=code)
    alphabet = _alphabet(parsed)
    if not alphabet:
        raise InputError(
            f"language {code!r}: Unicode has no letters of its script, {parsed.written}; give a "
            "code with another script, e.g. en-Latn"
        )
    name = Locale("en").languages[parsed.base]
    rtl = unicodedata.bidirectional(alphabet[0]) in ("R", "AL")
    unspaced = bool(_UNSPACED.match(alphabet[0]))
    return Language(code, name, parsed.script, alphabet, rtl, unspaced)


def _alphabet(code: LanguageCode) -> str:
    if code.script == "Han":
        if code.base == "ja":
            return alphabets.KANJI
        return alphabets.HAN if code.written == "Hans" else alphabets.TRADITIONAL_HAN
    alike = (one.alphabet for one in LANGUAGES.values() if one.script == code.script)
    return next(alike, None) or alphabets.letters(code.script)
