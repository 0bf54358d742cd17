"""Words and graphemes in every script: nothing split inside a cluster, nothing lost."""

import logging
from itertools import accumulate

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from xltlib.languages import (
    LANGUAGES,
    SYNTACTIC_DISTANCE,
    grapheme_spans,
    graphemes,
    script_of,
    words,
)

ISO_639_3 = {
    **{"ar": "arb", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "ekk"},
    **{"fi": "fin", "fr": "fra", "hi": "hin", "ht": "hat", "id": "ind", "it": "ita", "ja": "jpn"},
    **{"ko": "kor", "qu": "quz", "ro": "ron", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel"},
    **{"th": "tha", "tr": "tur", "ur": "urd", "vi": "vie", "zh": "cmn"},
}
SCRIPTS = {
    "Telugu": "హైదరాబాద్ నగరంలోని క్ష్మ",
    "Bengali": "বাংলাদেশের রাজধানী ঢাকা ক্ষ্ম",
    "vocalised Arabic": "كَتَبَ الوَلَدُ الدَّرْسَ ٱلرَّحْمَٰنِ",
    "Korean with hanja": "서울(漢城)은 大韓民國의 首都이다",
    "Thai": "กรุงเทพมหานครเป็นเมืองหลวง น้ำ",
    "mixed": "iPhone의 가격은 ₹99,999이고 Москва́ naïve می‌خواهم 👩‍👩‍👧 e\u0301",
}
SAMPLES = "".join(SCRIPTS.values())
TEXT = st.text(st.sampled_from(SAMPLES) | st.characters(exclude_categories=["Cs"]), max_size=40)


@given(text=TEXT)
def test_words_are_in_order_and_end_where_clusters_end(text):
    borders = {0, *accumulate(map(len, graphemes(text)))}
    last = 0
    for start, end in words(text):
        assert last <= start < end
        assert {start, end} <= borders
        last = end


@given(lines=st.lists(TEXT.map(lambda text: text.replace("\r", "")), max_size=4))
def test_the_words_of_a_line_do_not_depend_on_other_lines(lines):
    found, begin = [], 0
    for line in lines:
        found += [(begin + start, begin + end) for start, end in words(line)]
        begin += len(line) + 1
    assert words("\n".join(lines)) == tuple(found)


@given(text=TEXT)
def test_graphemes_make_up_the_text(text):
    assert "".join(graphemes(text)) == text


@given(text=TEXT)
def test_every_character_is_in_its_grapheme_span(text):
    spans = grapheme_spans(text)
    assert len(spans) == len(text)
    assert all(start <= i < end for i, (start, end) in enumerate(spans))
    assert "".join(text[a:b] for a, b in dict.fromkeys(spans)) == text


def test_grapheme_spans_keep_accents_and_end_where_words_meet_in_a_conjunct():
    text = "Malmo\u0308"
    assert grapheme_spans(text)[-2:] == ((4, 6), (4, 6))
    town, suffix = "ధర్మసాగర్", "లో"
    assert len(town) in {end for _, end in grapheme_spans(town + suffix)}


@given(text=TEXT)
def test_no_letter_or_number_is_outside_a_word(text):
    inside = {i for start, end in words(text) for i in range(start, end)}
    assert {i for i, c in enumerate(text) if regex.match(r"[\p{L}\p{N}]", c)} <= inside


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_word_begins_with_a_mark(name):
    text = SCRIPTS[name]
    assert words(text)
    for start, _ in words(text):
        assert not regex.match(r"\p{M}", text[start])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("హైదరాబాద్ నగరం", ["హైదరాబాద్", "నగరం"]),
        ("ঢাকা বাংলাদেশের।", ["ঢাকা", "বাংলাদেশের"]),
        ("كَتَبَ الوَلَدُ", ["كَتَبَ", "الوَلَدُ"]),
        ("서울은 大韓", ["서울은", "大", "韓"]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("don't (stop)", ["don't", "stop"]),
    ],
)
def test_known_words(text, expected):
    assert [text[a:b] for a, b in words(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("กรุงเทพเป็นเมืองหลวงของประเทศไทย", ["กรุงเทพ", "เป็น", "เมือง", "หลวง", "ของ", "ประเทศไทย"]),
        (
            "東京は2019年に日本の首都です。",
            ["東京", "は", "2019", "年", "に", "日本", "の", "首都", "です"],
        ),
        ("北京是首都", ["北京", "是", "首都"]),
        ("ភ្នំពេញគឺជារាជធានី", ["ភ្នំពេញ", "គឺជា", "រាជធានី"]),
        ("ວຽງຈັນເປັນນະຄອນຫຼວງ", ["ວຽງຈັນ", "ເປັນ", "ນະຄອນຫຼວງ"]),
    ],
)
def test_dictionaries_cut_scripts_without_spaces(text, expected):
    assert [text[a:b] for a, b in words(text)] == expected


def test_alphabets_hold_whole_letters_of_their_script():
    for language in LANGUAGES.values():
        assert graphemes(language.alphabet) == list(language.alphabet), language.code
        assert {script_of(letter) for letter in language.alphabet} == {language.script}


def test_distances_are_those_of_uriel(monkeypatch):
    # The package configures logging when it is imported, and logs every distance.
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    logging.disable(logging.INFO)
    from urielplus.urielplus import URIELPlus

    codes = {code: ISO_639_3[code] for code in LANGUAGES if code != "en"}
    uriel = URIELPlus()
    found = {code: uriel.new_distance("syntactic", ["eng", iso]) for code, iso in codes.items()}
    logging.disable(logging.NOTSET)
    assert found | {"en": 0.0} == SYNTACTIC_DISTANCE
