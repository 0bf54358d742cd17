"""Static test sets: every passage perturbed once; questions, golds and graphemes stay whole."""

import json
import random
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from xltlib.artifacts import InputError
from xltlib.attacks import perturb, static_set
from xltlib.attacks.distractor_templates import TEMPLATES, AlteredQuestions, false_sentence
from xltlib.attacks.distractor_templates import _all_known as known_templates
from xltlib.attacks.imperceptible import _UNJOINED, unseen
from xltlib.attacks.perturb import _outside
from xltlib.cli import app
from xltlib.corpora.squad_files import read_squad
from xltlib.corpora.squad_json import questions
from xltlib.languages import LANGUAGES, TYDI, graphemes, script_of, words
from xltlib.languages.alphabets import letters

NAMES = {code: LANGUAGES[code].name.lower() for code in TYDI}
NOISE = ("typo", "homoglyph", "imperceptible")
# At least this share of real questions gets another passage. Han, Hangul and Arabic have few
# look-alikes; a few passages are hardly longer than their answers.
LEAST = dict.fromkeys(NOISE, 0.96) | {"addonesent": 0.98}
FEW_LOOK_ALIKES = ("ar", "ko")

ALPHABETS = "".join(LANGUAGES[code].alphabet for code in ("en", "te", "th", "ko", "zh", "ar"))
TEXT = st.text(st.sampled_from(ALPHABETS + "   .,\u0301\u200d్ాి'১2") | st.characters(), max_size=80)


def row(context, *golds, question="Who?", language="en", identity="1"):
    places = [context.find(gold) for gold in golds]
    return {
        "id": identity,
        "language": language,
        "title": "",
        "question": question,
        "context": context,
        "answers": {"text": list(golds), "answer_start": places},
    }


def borders(text):
    return {0, *accumulate(map(len, graphemes(text)))}


def check(old, new):
    """The rules that hold for every kind."""
    assert new["question"] == old["question"]
    assert new["id"] == old["id"]
    assert new["answers"]["text"] == old["answers"]["text"]
    pairs = zip(
        old["answers"]["answer_start"],
        new["answers"]["answer_start"],
        old["answers"]["text"],
        strict=True,
    )
    for before, after, text in pairs:
        assert (before < 0) == (after < 0)
        if before >= 0:
            assert new["context"][after : after + len(text)] == text
            ends = {before, before + len(text)} & borders(old["context"])
            assert {place - before + after for place in ends} <= borders(new["context"])
        assert new["context"].count(text) >= old["context"].count(text)


@settings(max_examples=80, deadline=None)
@given(TEXT, st.integers(0, 5), st.sampled_from(NOISE), st.sampled_from(["en", "te", "th", "ko"]))
def test_any_text_keeps_its_golds_and_graphemes(text, seed, kind, language):
    spans = words(text)
    gold = text[slice(*spans[len(spans) // 2])] if spans else text[:1]
    old = row(text, gold, language=language)
    how = perturb.settings(kind, severity=0.5, seed=seed)
    (new,) = perturb.perturb([old], how).rows
    check(old, new)
    (again,) = perturb.perturb([old], how).rows
    assert again == new


@pytest.mark.parametrize("first", [80, pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [*NOISE, "addonesent"])
def test_the_dev_sets_of_tydi_qa(shared_data, kind, first):
    folder = shared_data / "tydiqa-goldp" / "tydiqa-goldp-v1.1-dev"
    for code in TYDI:
        rows = list(read_squad(folder / f"tydiqa-goldp-dev-{NAMES[code]}.json", code))[:first]
        done = perturb.perturb(rows, perturb.settings(kind))
        assert [one["id"] for one in done.rows] == [one["id"] for one in rows]
        for old, new in zip(rows, done.rows, strict=True):
            check(old, new)
        share = sum(done.changed) / len(rows)
        few = kind == "homoglyph" and code in FEW_LOOK_ALIKES
        assert share >= (0.1 if few else LEAST[kind]), f"{code}: {share:.1%}"


def test_severity_is_the_share_of_words():
    context = " ".join(f"word{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}" for i in range(100))
    for severity in (0.1, 0.4):
        (new,) = perturb.perturb([row(context)], perturb.settings("typo", severity=severity)).rows
        pairs = zip(context.split(), new["context"].split(), strict=True)
        assert sum(a != b for a, b in pairs) == round(100 * severity)


def test_a_row_does_not_depend_on_its_neighbours():
    rows = [row(f"Some words of passage number {i} here", identity=str(i)) for i in range(4)]
    how = perturb.settings("typo")
    together = perturb.perturb(rows, how).rows
    assert together[2] == perturb.perturb([rows[2]], how).rows[0]


def test_codemix_takes_phrases_and_keeps_the_case():
    lexicon = {"house": ["großes haus"], "the": ["das"]}
    how = perturb.settings("codemix", severity=1.0, lexicons={"en": ["unused"]})
    (new,) = perturb.perturb([row("The house of Ann", "Ann")], how, {"en": lexicon}).rows
    assert new["context"] == "Das großes haus of Ann"
    assert new["answers"]["answer_start"] == [new["context"].index("Ann")]


def test_misspellings_are_listed_ones_and_refuse_other_languages():
    how = perturb.settings("misspelling", severity=1.0)
    (new,) = perturb.perturb([row("Their achievement was definitely necessary")], how).rows
    assert new["context"].split()[1] != "achievement"
    with pytest.raises(InputError, match="misspelling: no list of misspellings in fi"):
        perturb.perturb([row("jotain", language="fi")], how)


def test_unseen_words_are_as_many_graphemes():
    for word in ("hello", "السلام", "ప్రపంచం", "สวัสดี", "안녕하세요", "世界", "дом"):
        found = list(unseen(word, random.Random(0)))
        assert found
        assert word not in found
        for one in found:
            plain = one.strip("\u202c\u202d\u202e")
            assert len(graphemes(plain)) == len(graphemes(word))


def test_scripts_without_joins_are_named_as_words_are():
    assert {script_of(letters(script)) for script in _UNJOINED} == _UNJOINED
    hebrew = "".join(unseen("ירושלים", random.Random(0)))
    assert {"\u200c", "\u200d"} & set(hebrew)


@pytest.mark.parametrize("language", sorted(known_templates()))
def test_templates_of_every_language(language):
    known = known_templates()[language]
    question = f"{known['question_words'][0]} X Y?"
    made = {name: false_sentence(language, question, "1931", name) for name in TEMPLATES}
    assert all("1931" in sentence for sentence in made.values())
    assert len(set(made.values())) == 3
    assert known["question_words"][0] not in made["statement"]
    assert "?" not in made["statement"]


def test_questions_are_altered_as_addsent_does():
    questions = ["When did Anna win?", "When did Boris win?", "Who won in 1990?"]
    altered = AlteredQuestions("en", questions)
    rng = random.Random(0)
    assert altered.altered("When did Anna win?", "Anna won.", rng) == "When did Boris win?"
    other = altered.altered("Who won in 1990?", "", rng)
    assert other != "Who won in 1990?"
    assert other.startswith("Who won in 19")


def test_words_of_an_answer_are_frozen_everywhere():
    context = "Ann saw Ann and Annie"
    spans = list(words(context))
    assert [context[a:b] for a, b in _outside(spans, context, ["Ann"])] == ["saw", "and"]


def test_a_copy_in_another_case_is_frozen_too():
    passage = "Solar Energy is what the council chose; they found solar energy cheap."
    for seed in range(8):
        noise = perturb.settings("typo", severity=0.5, seed=seed)
        (made,) = perturb.perturb([row(passage, "solar energy")], noise).rows
        assert made["context"] != passage
        assert made["context"].startswith("Solar Energy ")


def test_the_command_writes_a_squad_file_and_the_same_bytes_again(tmp_path):
    rows = [row("Anna lives in Paris with two cats", "Paris", identity=str(i)) for i in range(3)]
    perturb.save(tmp_path / "in.json", rows, {})
    command = ["perturb", "--data", str(tmp_path / "in.json"), "--kind", "typo", "--severity"]
    for name in ("a", "b"):
        done = CliRunner().invoke(app, [*command, "0.4", "--out", str(tmp_path / f"{name}.json")])
        assert done.exit_code == 0, done.output
        assert "3 questions, 3 (100.0%)" in done.output
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    back = list(read_squad(tmp_path / "a.json", "en", on_bad_offset="error"))
    assert [one["id"] for one in back] == ["0", "1", "2"]
    assert len({one["context"] for one in back}) == 3  # seeded by question, not by passage
    assert json.loads((tmp_path / "a.json").read_text())["about"]["severity"] == 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kind", "noise"], "known: codemix, addonesent, typo"),
        (["--kind", "addonesent", "--severity", "0.5"], "it has no severity"),
        (["--kind", "typo", "--severity", "2"], "severity"),
        (["--kind", "typo", "--lang", "xx"], "language 'xx': no such code"),
        (["--kind", "codemix"], "give --lexicon or --bitext"),
        (["--kind", "misspelling", "--lang", "fi"], "no list of misspellings in fi"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, options, message):
    perturb.save(tmp_path / "in.json", [row("Anna lives", "Anna")], {})
    paths = ["--data", str(tmp_path / "in.json"), "--out", str(tmp_path / "out.json")]
    done = CliRunner().invoke(app, ["perturb", *paths, *options])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert not (tmp_path / "out.json").exists()


def test_questions_without_an_answer_are_left_out_and_counted(tmp_path):
    rows = [
        row("Anna lives", "Anna"),
        row("Bo reads", "") | {"id": "blank"},
        row("Cy", identity=""),
    ]
    source, out = tmp_path / "in.json", tmp_path / "out.json"
    command = ["perturb", "--data", str(source), "--out", str(out), "--kind", "typo"]
    perturb.save(source, rows, {})
    done = CliRunner().invoke(app, command)
    assert "1 question, 1 (100.0%) with" in " ".join(done.output.split())
    assert "left out, without an answer: 2" in done.output
    assert [one.id for one in questions(out)] == ["1"]
    perturb.save(source, rows[1:], {})
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "no question has an answer" in " ".join(done.output.split())


SQUAD = {"id": "1", "question": "Who?", "answers": [{"text": "Paris", "answer_start": 3}]}


@pytest.mark.parametrize("other", ["de", "ka", "zh-Hant"])
@pytest.mark.parametrize("stated", ["title", "language"])
def test_a_static_set_is_read_by_language(tmp_path, other, stated):
    file = tmp_path / "set.json"
    data = []
    for code, context in (("en", "In Paris"), (other, "Em Paris")):
        paragraph = {"context": context, "qas": [SQUAD]}
        article = {"title": code} if stated == "title" else {"title": "A city"}
        paragraph |= {} if stated == "title" else {"language": code}
        data.append(article | {"paragraphs": [paragraph]})
    file.write_text(json.dumps({"version": "1.1", "data": data}))
    (found,) = static_set.read(file, other)
    assert found["context"] == "Em Paris"


@pytest.mark.parametrize("titles", [["Paris", "it"], ["", ""], ["French", "English"]])
def test_a_file_without_languages_has_one(tmp_path, titles):
    file = tmp_path / "set.json"
    data = [
        {"title": title, "paragraphs": [{"context": "In Paris", "qas": [SQUAD | {"id": str(i)}]}]}
        for i, title in enumerate(titles)
    ]
    file.write_text(json.dumps({"version": "1.1", "data": data}))
    assert [one["language"] for one in static_set.read(file, "fr")] == ["fr", "fr"]


def test_a_gold_answer_without_text_keeps_no_passage_as_it_is():
    rows = [row(f"{name} lives here", name, name) for name in ("Anna", "Bo", "Cy")]
    rows[0]["answers"] = {"text": ["Anna", " "], "answer_start": [0, 4]}
    done = perturb.perturb(rows, perturb.settings("addonesent", severity=None))
    assert done.changed == [True] * 3
