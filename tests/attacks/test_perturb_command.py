"""`xlt perturb` replaces no file that it reads, and takes the language that a file states."""

import json

import pytest
from typer.testing import CliRunner

from xltlib.cli import app

RUNNER = CliRunner()
CONTEXT = "The mason Ann Lee built the ancient bridge across the quiet river."


def squad(file, *names, language=None):
    paragraphs = [
        {
            "context": CONTEXT,
            "qas": [
                {
                    **{"id": name, "question": "Who built the bridge?"},
                    "answers": [{"text": "Ann Lee", "answer_start": 10}],
                }
            ],
        }
        | ({"language": language} if language else {})
        for name in names
    ]
    file.write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))
    return file


def perturb(data, out, *more):
    arguments = ["perturb", "--data", str(data), "--kind", "typo", "--out", str(out), *more]
    return RUNNER.invoke(app, arguments)


def test_the_file_that_is_read_is_not_replaced(tmp_path):
    file = squad(tmp_path / "a.json", "q1")
    before = file.read_bytes()
    done = perturb(file, tmp_path / "." / "a.json")
    assert done.exit_code == 2
    assert "this file is an input; give another" in " ".join(done.output.split())
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("names", "stated", "lang", "code"),
    [
        (("swahili-1-0", "swahili-2-0"), None, "en", "sw"),
        (("english-1-0", "finnish-2-0"), None, "en", "fi"),
        (("q1",), "ko", "en", "ko"),
    ],
)
def test_a_file_of_another_language_is_refused(tmp_path, names, stated, lang, code):
    file = squad(tmp_path / "a.json", *names, language=stated)
    done = perturb(file, tmp_path / "b.json", "--lang", lang)
    assert done.exit_code == 2
    assert f"is in {code}, not in {lang}" in " ".join(done.output.split())
    assert not (tmp_path / "b.json").exists()


def test_a_file_that_states_its_own_language_or_none_is_perturbed(tmp_path):
    for name, stated in (
        ("swahili-1-0", None),
        ("swahili-1", "sw"),
        ("q1", "sw_KE"),
        ("english-1", None),
    ):
        file = squad(tmp_path / "a.json", name, language=stated)
        done = perturb(file, tmp_path / "b.json", "--lang", "sw")
        assert done.exit_code == 0, done.output


def test_questions_keep_their_order_whatever_their_titles(tmp_path):
    file = squad(tmp_path / "a.json", "q0", "q1", "q2", "q3")
    content = json.loads(file.read_text())
    paragraphs = content["data"][0]["paragraphs"]
    content["data"] = [
        {"title": "odd" if i % 2 else "even", "paragraphs": [one]}
        for i, one in enumerate(paragraphs)
    ]
    file.write_text(json.dumps(content))
    assert perturb(file, tmp_path / "b.json").exit_code == 0
    written = json.loads((tmp_path / "b.json").read_text())["data"]
    found = [qa["id"] for one in written for part in one["paragraphs"] for qa in part["qas"]]
    assert found == ["q0", "q1", "q2", "q3"]


def test_an_encoder_that_nothing_needs_is_refused(tmp_path):
    file = squad(tmp_path / "a.json", "q1")
    done = perturb(file, tmp_path / "b.json", "--encoder", "me5-small")
    assert done.exit_code == 2
    assert "--encoder aligns the words of --bitext" in " ".join(done.output.split())
