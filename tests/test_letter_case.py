"""Letter case follows the language, and so do the words that are looked up by it."""

from __future__ import annotations

import sys

import pytest
from textattack.shared import AttackedText

from xltlib.attacks.codemix import CodeMix
from xltlib.attacks.lexicon import read_lexicon
from xltlib.attacks.perturb import perturb
from xltlib.attacks.swap import in_case_of
from xltlib.attacks.synonym import Synonym
from xltlib.languages.letter_case import folded, lower, upper
from xltlib.params import CodeMixing


@pytest.mark.parametrize("language", ["tr", "tr-TR", "az_Latn_AZ"])
def test_dotted_and_dotless_i_are_two_letters(language):
    for capital, small in (("İSTANBUL", "istanbul"), ("IRMAK", "ırmak"), ("IŞIK", "ışık")):
        assert lower(capital, language) == small
        assert upper(small, language) == capital
    for odd in ("I\u0307stanbul", "i\u0307stanbul"):
        assert lower(odd, language) == "istanbul"


def test_other_languages_keep_unicodes_rules():
    for number in range(sys.maxunicode + 1):
        char = chr(number)
        assert (lower(char, "en"), upper(char, "en")) == (char.lower(), char.upper())
        assert folded(char, "az-Cyrl") == char.casefold()


LEXICON = {"istanbul": ["constantinople"], "ırmak": ["river"], "ışık": ["light"]}


@pytest.mark.parametrize(
    ("word", "translation"),
    [("İstanbul", "Constantinople"), ("Irmak", "River"), ("IŞIK", "LIGHT")],
)
def test_turkish_words_are_found_in_lists(tmp_path, word, translation):
    text = AttackedText(f"{word} var")
    assert CodeMix("tr", "1", LEXICON).fit(text, 0) == [translation]
    row = {"id": "1", "language": "tr", "question": "Ne?", "context": f"{word} 1951"}
    row["answers"] = {"text": ["1951"], "answer_start": [len(word) + 1]}
    settings = CodeMixing(kind="codemix", severity=1, lexicons={"tr": ["unread"]})
    done = perturb([row], settings, {"tr": LEXICON})
    assert done.rows[0]["context"] == f"{translation} 1951"
    file = tmp_path / "tr-en.txt"
    file.write_text(f"{word} Thing\n", encoding="utf-8")
    assert set(read_lexicon(file, "tr")) <= set(LEXICON)
    near = {small: [small[::-1]] for small in LEXICON}
    assert Synonym("tr", "1", near, same_form=False).fit(text, 0)


def test_a_word_in_another_case_is_no_synonym():
    text = AttackedText("İstanbul var")
    near = {"istanbul": ["istanbullu", "izmir"]}
    assert Synonym("tr", "1", near, same_form=False).fit(text, 0) == ["İzmir"]


def test_capitals_are_those_of_the_replacement_s_language():
    assert in_case_of("izmir", "Ankara", "tr") == "İzmir"
    assert in_case_of("ırmak", "DENİZ", "tr") == "IRMAK"
    assert in_case_of("island", "İstanbul") == "Island"
