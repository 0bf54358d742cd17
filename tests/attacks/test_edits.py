"""A static set as edits: the same passages, and none of the corpus's text in the file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltlib.artifacts import InputError
from xltlib.attacks import edits

CLEAN = "Ada Lovelace wrote the first programme in 1843. আদা লাভলেস. 彼女は1815年に生まれた。"
ATTACKED = "Ada Lovelace wrote teh first porgramme in 1843. আদা লাভলেস. 彼女は1815年に生まれた。"
ROW = {
    "id": "q1",
    "question": "When?",
    "context": CLEAN,
    "answers": {"text": ["1843"], "answer_start": [CLEAN.index("1843")]},
}


@given(st.text(), st.text())
def test_edits_turn_any_text_into_any_other(clean, other):
    assert edits.edited(clean, edits.between(clean, other)) == other


@pytest.fixture
def static_set(tmp_path):
    qa = {"id": "q1", "question": "When?", "answers": [], "clean_context": CLEAN}
    paragraph = {"context": ATTACKED, "qas": [qa]}
    value = {"about": {"seed": 1}, "data": [{"title": "en", "paragraphs": [paragraph]}]}
    file = tmp_path / "static_set.json"
    file.write_text(json.dumps(value))
    return file


def test_a_static_set_travels_without_its_text(static_set, tmp_path):
    file = tmp_path / "edits.json"
    assert edits.save(static_set, file) == 1
    assert "Lovelace" not in file.read_text("utf-8")
    (made,) = edits.made(file, "en", [ROW, ROW | {"id": "q2"}])
    assert made["context"] == ATTACKED
    (start,) = made["answers"]["answer_start"]
    assert ATTACKED[start:].startswith("1843")
    assert edits.made(file, "fi", [ROW]) == []


def test_another_version_of_the_corpus_is_refused(static_set, tmp_path):
    file = tmp_path / "edits.json"
    edits.save(static_set, file)
    with pytest.raises(
        InputError, match=r"the passage of question q1 is not the one that was edited"
    ):
        edits.made(file, "en", [ROW | {"context": CLEAN + " More."}])


def test_edits_that_were_changed_are_refused(static_set, tmp_path):
    file = tmp_path / "edits.json"
    edits.save(static_set, file)
    file.write_text(file.read_text("utf-8").replace("teh", "the"))
    with pytest.raises(InputError, match="q1 do not give the passage that they were made from"):
        edits.made(file, "en", [ROW])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"edits": {"en": {"q1": {"clean": "", "edited": ""}}}}, "en.q1.edits: Field required"),
        (
            {"edits": {"en": {"q1": {"clean": "", "edited": "", "edits": [[0, "a", "b"]]}}}},
            "valid integer",
        ),
        ({"edits": []}, "edits: Input should be a valid dictionary"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, value, message):
    file = tmp_path / "edits.json"
    file.write_text(json.dumps(value))
    with pytest.raises(InputError, match=message):
        edits.made(file, "en", [ROW])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"data": [{"title": "en", "paragraphs": [{"qas": [{}]}]}]},
            r"not the static set of an attack \(data\.0\.paragraphs\.0\.context: Field required\)",
        ),
        ([], r"not the static set of an attack \(Input should be a valid dictionary"),
        ({"data": [{"title": [], "paragraphs": []}]}, r".*\(data\.0\.title: Input should be a"),
        ({"data": []}, "contains no questions"),
    ],
)
def test_a_file_that_is_no_static_set_is_refused(tmp_path, value, message):
    file = tmp_path / "squad.json"
    file.write_text(json.dumps(value))
    with pytest.raises(InputError, match=rf"squad\.json: {message}"):
        edits.save(file, tmp_path / "edits.json")
    assert not (tmp_path / "edits.json").exists()


def test_a_static_set_is_not_replaced_by_its_edits(static_set):
    before = static_set.read_bytes()
    with pytest.raises(InputError, match=r"static_set\.json: this file is the input"):
        edits.save(static_set, static_set.parent / "." / static_set.name)
    assert static_set.read_bytes() == before


def test_a_question_of_two_corpora_is_refused(static_set, tmp_path):
    value = json.loads(static_set.read_text())
    value["data"][0]["paragraphs"] *= 2
    static_set.write_text(json.dumps(value))
    with pytest.raises(
        InputError, match=r"static_set\.json: question 'q1' \('en'\) is there twice"
    ):
        edits.save(static_set, tmp_path / "edits.json")
    assert not (tmp_path / "edits.json").exists()
