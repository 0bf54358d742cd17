"""The letters of the study's languages, and those of any other script.

Letters only, no marks: an inserted letter must stand on its own. Sources: CLDR main exemplar sets
for Latin, Cyrillic, Greek and Arabic; the Unicode blocks' consonants and vowels for the Indic
scripts and Thai.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import regex


def _span(first: str, last: str) -> str:
    """All characters from the first to the last."""
    return "".join(map(chr, range(ord(first), ord(last) + 1)))


LATIN = _span("a", "z")
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
BENGALI = "অআইঈউঊএঐওঔকখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ"
DEVANAGARI = "अआइईउऊएऐओऔकखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह"
TAMIL = "அஆஇஈஉஊஎஏஐஒஓஔகஙசஞடணதநபமயரலவழளறன"
TELUGU = "అఆఇఈఉఊఎఏఐఒఓఔకఖగఘఙచఛజఝఞటఠడఢణతథదధనపఫబభమయరలవశషసహళ"
CYRILLIC = _span("а", "я") + "ё"
BULGARIAN = _span("а", "я").replace("ы", "").replace("э", "")
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
# Letters that words have beside those of the alphabet, by language (CLDR main exemplars).
ALSO_WRITTEN = {
    "el": "άέήίόύώϊϋΐΰς",
    "es": "ü",
    "fr": "âëïœæûüÿ",
    "vi": "".join(
        unicodedata.normalize("NFC", vowel + tone)
        for vowel in "aăâeêioôơuưy"
        for tone in "\u0300\u0301\u0303\u0309\u0323"
    ),
}
THAI = _span("ก", "ฮ")
HANGUL = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호"
# The most frequent characters: of Chinese, simplified and traditional, and of Japanese newspapers
# (KANJIDIC).
HAN = "的一是不了人我在有他这中大来上国个到说们"
TRADITIONAL_HAN = "的一是不了人我在有他這中大來上國個到說們"
KANJI = "日一国会人年大十二本中長出三同時政事自行"
KANA = _span("あ", "ん")


@cache
def letters(script: str) -> str:
    """The lower-case and caseless letters of a script's first block, without marks; "" if Unicode
    has none.

    Args:
        script: a name or ISO 15924 code.
    """
    try:
        found = regex.findall(rf"\p{{Script={script}}}", _all_letters())
    except regex.error:  # a code without characters, such as Zsym
        return ""
    found = [char for char in found if unicodedata.normalize("NFC", char) == char]
    return "".join(char for char in found if ord(char) < ord(found[0]) + 0x100)


@cache
def _all_letters() -> str:
    everything = map(chr, range(sys.maxunicode + 1))
    return "".join(char for char in everything if unicodedata.category(char) in ("Ll", "Lo"))
