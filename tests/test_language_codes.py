"""A language is the same in all forms of its code, and every code of CLDR is safe to give."""

import pytest
from babel import Locale

from xltlib.artifacts import InputError
from xltlib.attacks.distractor import with_sentence
from xltlib.attacks.distractor_templates import false_sentence
from xltlib.attacks.keyboard import neighbours
from xltlib.attacks.lexicon import parallel
from xltlib.attacks.misspelling import misspelt
from xltlib.attacks.perturb import perturb
from xltlib.evaluation.answer_scoring import official
from xltlib.languages import LANGUAGES, find_language, script_of
from xltlib.languages.codes import closest, parse_code
from xltlib.params import CodeMixing


@pytest.mark.parametrize(
    ("code", "base", "script"),
    [
        ("en-US", "en", "Latin"),
        ("EN", "en", "Latin"),
        ("eng", "en", "Latin"),
        ("iw", "he", "Hebr"),
        ("in", "id", "Latin"),
        ("sh", "sr", "Latin"),
        ("sr", "sr", "Cyrillic"),
        ("sr-latn", "sr", "Latin"),
        ("sr_Latn_RS", "sr", "Latin"),
        ("az-Cyrl", "az", "Cyrillic"),
        ("uz-Cyrl-UZ", "uz", "Cyrillic"),
        ("pa_PK", "pa", "Arabic"),
        ("zh_TW", "zh", "Han"),
        ("hi-Latn", "hi", "Latin"),
        ("th-TH-u-ca-buddhist", "th", "Thai"),
        ("mga", "mga", "Latin"),
    ],
)
def test_codes_are_read_in_any_form(code, base, script):
    assert (parse_code(code).base, parse_code(code).script) == (base, script)
    found = find_language(code)
    assert (found.code, found.script) == (code, script)
    assert {script_of(letter) for letter in found.alphabet} == {script}


@pytest.mark.parametrize("code", ["", " en", "en-", "xx", "mul", "en-Abcd", "sr@latin"])
def test_other_texts_are_no_codes(code):
    with pytest.raises(InputError, match="no such code"):
        find_language(code)


def test_every_code_of_cldr_gives_letters_or_is_refused():
    refused = set()
    for code in Locale("en").languages:
        try:
            found = find_language(code)
        except InputError:
            refused.add(code)
        else:
            assert script_of(found.alphabet) == found.script, code
    # No spoken language, no Unicode letters, or no known script.
    assert refused == {"ase", "crr", "elx", "mul", "sux", "tlh", "zbl", "zxx"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_region_changes_no_alphabet(code):
    other = find_language(f"{code}_{parse_code(code).written}_001")
    assert (other.alphabet, other.script) == (LANGUAGES[code].alphabet, LANGUAGES[code].script)
    assert (other.rtl, other.unspaced) == (LANGUAGES[code].rtl, LANGUAGES[code].unspaced)


def test_the_closest_code_has_the_same_language_and_script():
    assert closest("de-AT", ["en", "de"]) == "de"
    assert closest("zh-TW", ["zh", "zh-Hant"]) == "zh-Hant"
    assert closest("zh-HK", ["zh"]) == "zh"
    assert closest("zh-CN", ["zh-Hant", "zh"]) == "zh"
    assert closest("pt-PT", ["pt-BR", "pt"]) == "pt"
    assert closest("he", ["iw"]) == "iw"
    assert closest("hi-Latn", ["hi"]) is None
    assert closest("sr-Latn", ["sr"]) is None


@pytest.mark.parametrize(
    ("code", "question", "stated"),
    [
        ("zh-CN", "北京在哪一年举办了奥运会？", "北京在1984年举办了奥运会。"),
        ("zh_Hans", "北京在哪一年举办了奥运会？", "北京在1984年举办了奥运会。"),
        ("zh-Hant", "誰的書？", "1984年的書。"),
        ("ja-JP", "東京はいつ首都になりましたか？", "東京は1984年首都になりました。"),
        ("th-TH", "กรุงเทพเป็นเมืองหลวงเมื่อไหร่", "กรุงเทพเป็นเมืองหลวง1984年"),
        ("de_AT", "Wann?", "1984年."),
    ],
)
def test_false_sentences_in_any_form_of_a_code(code, question, stated):
    assert false_sentence(code, question, "1984年", "statement") == stated


def test_false_sentences_are_in_the_characters_of_the_passage():
    assert "這個問題" in false_sentence("zh-TW", "誰？", "他")
    assert "这个问题" in false_sentence("zh-CN", "谁？", "他")


@pytest.mark.parametrize("code", ["zh-CN", "zh_TW", "ja-JP", "yue"])
def test_no_space_is_put_between_sentences_that_have_none(code):
    assert with_sentence("前文。", 3, "後文。", code) == "前文。後文。"


@pytest.mark.parametrize(
    ("code", "prediction", "gold"),
    [("de-AT", "der Hund", "Hund"), ("ar-EG", "البيت", "بيت"), ("zh-Hans", "北 京", "北京")],
)
def test_mlqa_scores_by_the_language(code, prediction, gold):
    assert official(code, "mlqa")(prediction, [gold]) == 1.0


@pytest.mark.parametrize(("code", "key"), [("de-AT", "ü"), ("tr-TR", "ı"), ("fr-CA", "q")])
def test_keyboards_are_those_of_the_language(code, key):
    assert neighbours(key, code) == neighbours(key, code[:2]) != ()


def test_lists_by_language_serve_all_its_regions():
    assert misspelt("en_GB") == misspelt("en")
    pairs = {"fi": [("talo", "house")], "zh": [("屋", "house")]}
    assert parallel(pairs, "en-US") == pairs
    assert parallel(pairs, "zh-TW") == {"zh": pairs["zh"]}
    answers = {"text": ["Ann"], "answer_start": [0]}
    row = {"id": "1", "language": "en-US", "question": "Who?", "context": "Ann saw a house"}
    settings = CodeMixing(kind="codemix", severity=1, lexicons={"en": ["unread"]})
    done = perturb([row | {"answers": answers}], settings, {"en": {"house": ["talo"]}})
    assert done.rows[0]["context"] == "Ann saw a talo"
