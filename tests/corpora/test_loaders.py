"""Every source gives the same columns; bad files are named, and nothing is silently dropped."""

import json
import time

import pytest
from datasets import Dataset
from datasets.utils import are_progress_bars_disabled

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.corpora import squad_files
from xltlib.params import CorpusSource


def squad(tmp_path, name="f.json", **changes):
    """A SQuAD file of one question, with one thing changed."""
    answer = {"text": "red", "answer_start": 11} | changes.pop("answer", {})
    qa = {"id": "english-1-0", "question": "Which?", "answers": [answer]} | changes.pop("qa", {})
    paragraph = {"context": "The sky is red tonight, red.", "qas": [qa]}
    path = tmp_path / name
    body = {"data": [{"title": "Sky", "paragraphs": [paragraph]}]} | changes
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


def test_a_good_file_reads(tmp_path):
    rows = squad_files.read_squad(squad(tmp_path), "en")
    assert rows[0] == {
        "id": "english-1-0",
        "language": "en",
        "title": "Sky",
        "context": "The sky is red tonight, red.",
        "question": "Which?",
        "answers": {"text": ["red"], "answer_start": [11]},
        "wrong_offsets": 0,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": []}, "holds no question"),
        ({"data": [{"paragraphs": [{"qas": [{}]}]}]}, "lacks 'context'"),
        ({"data": "text"}, "not SQuAD 1.1 JSON"),
        ({"qa": {"answers": []}}, "english-1-0 has no answer"),
        ({"qa": {"answers": [{"text": "red"}]}}, "lacks 'answer_start'"),
        ({"answer": {"text": None}}, "lacks a text .None is none."),
        ({"answer": {"answer_start": 900}}, "answer_start 900 is past the end"),
        ({"answer": {"answer_start": 3}}, "answer_start 3 is not where"),
    ],
)
def test_bad_files_are_named_with_the_question(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as error:
        squad_files.read_squad(squad(tmp_path, **changes), "en", on_bad_offset="error")
    assert "f.json" in str(error.value)


def test_a_truncated_file_is_named(tmp_path):
    path = squad(tmp_path)
    path.write_text(path.read_text()[:60])
    with pytest.raises(InputError, match=r"f\.json: not a complete JSON"):
        squad_files.read_squad(path, "en")


@pytest.mark.parametrize(("start", "repaired"), [(9, 11), (25, 24), (900, 24)])
def test_a_wrong_offset_moves_to_the_nearest_occurrence_and_is_counted(tmp_path, start, repaired):
    path = squad(tmp_path, answer={"answer_start": start})
    rows = squad_files.read_squad(path, "en")
    assert rows[0]["answers"]["answer_start"] == [repaired]
    assert rows["wrong_offsets"] == [1]


def test_an_answer_that_is_nowhere_is_kept_for_scoring(tmp_path):
    path = squad(tmp_path, answer={"text": "blue"})
    rows = squad_files.read_squad(path, "en")
    assert rows[0]["answers"] == {"text": ["blue"], "answer_start": [-1]}
    assert rows["wrong_offsets"] == [1]


def test_tydiqa_is_the_same_from_the_publisher_and_from_the_hubs_layout(tmp_path):
    squad(tmp_path, "tydiqa-goldp-v1.1-dev.json")
    source = CorpusSource(source="local", folder=tmp_path)
    rows = corpora.load("tydiqa", source, "en", "dev")
    hub = tmp_path / "hub" / "secondary_task"
    hub.mkdir(parents=True)
    plain = rows.remove_columns("language")
    plain.to_parquet(hub / "validation-00000-of-00001.parquet")
    again = corpora.load(
        "tydiqa", CorpusSource(source="local", folder=tmp_path / "hub"), "en", "dev"
    )
    assert again.to_list() == rows.to_list()
    assert corpora.fingerprint(again) == corpora.fingerprint(rows)


def test_xquad_is_cut_by_passage_in_the_hubs_layout_which_has_no_titles(tmp_path):
    (tmp_path / "xquad.de").mkdir()
    rows = [
        {
            "id": f"q{i}",
            "context": f"passage {i // 2}",
            "question": "?",
            "answers": {"text": ["passage"], "answer_start": [0 if i else 3]},
        }
        for i in range(6)
    ]
    Dataset.from_list(rows).to_parquet(tmp_path / "xquad.de" / "validation-00000.parquet")
    source = CorpusSource(source="local", folder=tmp_path, train_articles=2)
    train, test = (corpora.load("xquad", source, "de", split) for split in ("train", "test"))
    assert (train["id"], test["id"]) == ([f"q{i}" for i in range(4)], ["q4", "q5"])
    # The first answer was published with a wrong offset.
    assert train[0]["answers"]["answer_start"] == [0]
    assert train["wrong_offsets"] == [1, 0, 0, 0]
    with pytest.raises(InputError, match="3 leaves no test article; de has 3"):
        corpora.load("xquad", source.model_copy(update={"train_articles": 3}), "de", "train")


def test_xnli_and_udpos_read_the_hubs_layout(tmp_path):
    (tmp_path / "sw").mkdir()
    pairs = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [0, 2]}
    Dataset.from_dict(pairs).to_parquet(tmp_path / "sw" / "validation-0.parquet")
    source = CorpusSource(source="local", folder=tmp_path)
    assert corpora.load("xnli", source, "sw", "dev").to_list() == [
        {
            "id": f"xnli-dev-{i:06d}",
            "language": "sw",
            "premise": pairs["premise"][i],
            "hypothesis": pairs["hypothesis"][i],
            "label": pairs["label"][i],
        }
        for i in range(2)
    ]
    (tmp_path / "udpos.German").mkdir()
    words = {"tokens": [["Hallo", "Welt"]], "pos_tags": [["INTJ", "NOUN"]]}
    Dataset.from_dict(words).to_parquet(tmp_path / "udpos.German" / "train-0.parquet")
    (row,) = corpora.load("udpos", source, "de", "train").to_list()
    assert row == {
        "id": "de-train-000000",
        "language": "de",
        "tokens": ["Hallo", "Welt"],
        "tags": ["INTJ", "NOUN"],
    }


@pytest.mark.parametrize(
    ("name", "language", "split", "message"),
    [
        ("squad", "en", "train", "no corpus 'squad'; there are: tydiqa"),
        ("tydiqa", "xx", "train", "no language 'xx'"),
        ("xquad", "en", "dev", "no split 'dev'"),
        ("xnli", "en", "train", "no file here matches"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, name, language, split, message):
    source = CorpusSource(source="local", folder=tmp_path)
    with pytest.raises(InputError, match=message):
        corpora.load(name, source, language, split)


@pytest.mark.parametrize("source", ["hub", "mini"])
def test_a_corpus_that_only_its_publisher_has_says_so(source):
    with pytest.raises(InputError, match=r"corpora\.arcd: only source: local"):
        corpora.load("arcd", CorpusSource(source=source), "ar", "test")


def test_loading_leaves_the_progress_bars_of_datasets_as_they_were(tmp_path):
    squad(tmp_path, "tydiqa-goldp-v1.1-dev.json")
    before = are_progress_bars_disabled()
    corpora.load("tydiqa", CorpusSource(source="local", folder=tmp_path), "en", "dev")
    assert are_progress_bars_disabled() == before


def test_a_missing_folder_is_named(tmp_path):
    source = CorpusSource(source="local", folder=tmp_path / "absent")
    with pytest.raises(InputError, match="absent: no such folder"):
        corpora.load("xnli", source, "en", "train")


def test_the_hub_without_a_network_fails_within_five_seconds(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    started = time.monotonic()
    with pytest.raises(InputError, match=r"cannot be reached.*HF_HUB_OFFLINE=1.*source: local"):
        corpora.load("tydiqa", CorpusSource(source="hub"), "en", "dev")
    assert time.monotonic() - started < 5


def test_the_hub_offline_without_a_cache_is_explained(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match=r"data set google/xquad.*cannot be loaded"):
        corpora.load("xquad", CorpusSource(source="hub"), "en", "all")
