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
        ({"data": []}, "contains no questions"),
        ({"data": [{"paragraphs": [{"qas": [{"id": "a"}]}]}]}, "'a' lacks 'context'"),
        ({"data": "text"}, "no list of articles or rows under `data`"),
        ({"qa": {"answers": []}}, "1 of 1 question has no answer, e.g. 'english-1-0'"),
        ({"qa": {"answers": [{"text": "red"}]}}, "lacks 'answer_start'"),
        ({"answer": {"text": None}}, "'text' must be a string .found None."),
        ({"answer": {"answer_start": 900}}, "answer_start 900 is past the end"),
        ({"answer": {"answer_start": 3}}, "answer_start 3 is not the answer"),
    ],
)
def test_bad_files_are_named_with_the_question(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as error:
        squad_files.read_squad(squad(tmp_path, **changes), "en", on_bad_offset="error")
    assert "f.json" in str(error.value)


def test_a_truncated_file_is_named(tmp_path):
    path = squad(tmp_path)
    path.write_text(path.read_text()[:60])
    with pytest.raises(InputError, match=r"f\.json: not complete JSON"):
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
    source = CorpusSource(source="local", folder=tmp_path, cut_after=2)
    train, test = (corpora.load("xquad", source, "de", split) for split in ("train", "test"))
    assert (train["id"], test["id"]) == ([f"q{i}" for i in range(4)], ["q4", "q5"])
    # The first answer was published with a wrong offset.
    assert train[0]["answers"]["answer_start"] == [0]
    assert train["wrong_offsets"] == [1, 0, 0, 0]
    with pytest.raises(
        InputError, match=r"cut_after: 3, but there are 3 articles in de\. Give 1 to"
    ):
        corpora.load("xquad", source.model_copy(update={"cut_after": 3}), "de", "train")


def test_xnli_and_udpos_read_the_hubs_layout(tmp_path):
    (tmp_path / "sw").mkdir()
    pairs = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [0, 2]}
    Dataset.from_dict(pairs).to_parquet(tmp_path / "sw" / "validation-0.parquet")
    source = CorpusSource(source="local", folder=tmp_path)
    assert corpora.load("xnli", source, "sw", "dev").to_list() == [
        {
            "id": f"xnli-dev-{i:06d}",
            "language": "sw",
            "sentence1": pairs["premise"][i],
            "sentence2": pairs["hypothesis"][i],
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
        ("swag", "en", "train", "no corpus 'swag'; available: .*tydiqa"),
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
    with pytest.raises(InputError, match=rf"corpora\.arcd: no source {source}; available: local"):
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


def source_of(folder):
    return CorpusSource(source="local", folder=folder)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_xnli_dev_is_cut_between_premises(tmp_path):
    lines = [f"g\tneutral\tp{i // 3}\th{i}" for i in range(12)]
    write(
        tmp_path / "xnli.dev.en.tsv",
        "\n".join(["genre\tlabel\tsentence1_en\tsentence2_en", *lines]),
    )
    source = source_of(tmp_path).model_copy(update={"cut_after": 3})
    first, rest = (corpora.load("xnli", source, "en", f"dev-{part}") for part in ("first", "rest"))
    assert (len(first), len(rest)) == (9, 3)
    assert not set(first["sentence1"]) & set(rest["sentence1"])
    assert rest["id"][0] == "xnli-dev-000009"
    for wrong in (None, 4):
        with pytest.raises(InputError, match="give 1 to 3 premises"):
            corpora.load("xnli", source.model_copy(update={"cut_after": wrong}), "en", "dev-rest")
    with pytest.raises(InputError, match="no split 'test-first'"):
        corpora.load("xnli", source, "en", "test-first")


def test_pawsx_is_the_same_from_the_publisher_and_the_hub_without_its_empty_pairs(tmp_path):
    rows = [(1, "a b", "b a", 0), (2, "", "x", 1), (3, "c", "c", 1)]
    lines = ["\t".join(map(str, row)) for row in rows]
    write(tmp_path / "de" / "test_2k.tsv", "\n".join(["id\tsentence1\tsentence2\tlabel", *lines]))
    found = corpora.load("pawsx", source_of(tmp_path), "de", "test")
    assert found["id"] == ["pawsx-test-1", "pawsx-test-3"]
    assert found["label"] == [0, 1]
    hub = tmp_path / "hub" / "de"
    hub.mkdir(parents=True)
    columns = dict(
        zip(("id", "sentence1", "sentence2", "label"), zip(*rows, strict=True), strict=True)
    )
    Dataset.from_dict(columns).to_parquet(hub / "test-00000-of-00001.parquet")
    again = corpora.load("pawsx", source_of(tmp_path / "hub"), "de", "test")
    assert again.to_list() == found.to_list()
    write(tmp_path / "ja" / "dev_2k.tsv", "id\tsentence1\tsentence2\tlabel\n1\ta\tb\tyes")
    with pytest.raises(InputError, match=r"dev_2k\.tsv: line 2 has the label 'yes', not 0 or 1"):
        corpora.load("pawsx", source_of(tmp_path), "ja", "dev")


XCOPA = {"premise": "P", "choice1": "A", "choice2": "B", "question": "cause", "label": 1, "idx": 4}


def test_xcopa_is_the_same_from_the_publisher_and_the_hub(tmp_path):
    write(tmp_path / "data" / "sw" / "val.sw.jsonl", json.dumps(XCOPA))
    found = corpora.load("xcopa", source_of(tmp_path), "sw", "dev")
    (row,) = found
    assert row == {
        "id": "xcopa-dev-0004",
        "language": "sw",
        "premise": "P",
        "question": "What was the cause?",
        "choices": ["A", "B"],
        "label": 1,
    }
    (tmp_path / "hub" / "sw").mkdir(parents=True)
    Dataset.from_list([XCOPA]).to_parquet(tmp_path / "hub" / "sw" / "validation-0.parquet")
    assert corpora.load("xcopa", source_of(tmp_path / "hub"), "sw", "dev").to_list() == [row]
    write(tmp_path / "test.th.jsonl", json.dumps(XCOPA | {"question": "why"}))
    with pytest.raises(InputError, match=r"'question' must be one of cause, effect"):
        corpora.load("xcopa", source_of(tmp_path), "th", "test")


def test_siqa_joins_rows_and_labels(tmp_path):
    row = {"context": "C", "question": "Q", "answerA": "a", "answerB": "b", "answerC": "c"}
    write(tmp_path / "train.jsonl", "\n".join([json.dumps(row)] * 2))
    write(tmp_path / "train-labels.lst", "3\n1\n")
    found = corpora.load("siqa", source_of(tmp_path), "en", "train")
    assert found["label"] == [2, 0]
    assert found[0]["choices"] == ["a", "b", "c"]
    write(tmp_path / "train-labels.lst", "3\n")
    with pytest.raises(InputError, match=r"1 label, but train\.jsonl has 2 rows"):
        corpora.load("siqa", source_of(tmp_path), "en", "train")


def test_wikiann_reads_the_publishers_lines_and_the_hubs_numbers(tmp_path):
    write(tmp_path / "sw" / "dev", "sw:Dar\tB-LOC\nsw:es\tI-LOC\n\nsw:na\tO\n")
    found = corpora.load("wikiann", source_of(tmp_path), "sw", "dev")
    assert found["tokens"] == [["Dar", "es"], ["na"]]
    assert found["tags"] == [["B-LOC", "I-LOC"], ["O"]]
    (tmp_path / "hub" / "sw").mkdir(parents=True)
    numbers = Dataset.from_dict({"tokens": found["tokens"], "ner_tags": [[5, 6], [0]]})
    numbers.to_parquet(tmp_path / "hub" / "sw" / "validation-0.parquet")
    assert corpora.load("wikiann", source_of(tmp_path / "hub"), "sw", "dev").to_list() == list(
        found
    )
    write(tmp_path / "fi" / "dev", "fi:Oulu LOC\n")
    with pytest.raises(InputError, match="line 1 must be a token, a tab and one of O, B-PER"):
        corpora.load("wikiann", source_of(tmp_path), "fi", "dev")


def test_squad_and_mlqa_read_their_publishers_files(tmp_path):
    squad(tmp_path, "train-v1.1.json")
    assert len(corpora.load("squad", source_of(tmp_path), "en", "train")) == 1
    (tmp_path / "test").mkdir()
    squad(tmp_path / "test", "test-context-de-question-de.json")
    (row,) = corpora.load("mlqa", source_of(tmp_path), "de", "test")
    assert row["language"] == "de"
    with pytest.raises(
        InputError, match="no split 'train' in local; available: dev, dev-question-en"
    ):
        corpora.load("mlqa", source_of(tmp_path), "de", "train")


def test_tatoeba_is_read_in_pairs(tmp_path):
    write(tmp_path / "tatoeba.swh-eng.swh", "Habari\nNdiyo\n")
    write(tmp_path / "tatoeba.swh-eng.eng", "Hello\nYes\n")
    rows = corpora.load("tatoeba", source_of(tmp_path), "sw", "test")
    assert list(zip(rows["query"], rows["candidate"], strict=True)) == [
        ("Habari", "Hello"),
        ("Ndiyo", "Yes"),
    ]
    (tmp_path / "tatoeba.swh").mkdir()
    columns = {"source_sentence": rows["query"], "target_sentence": rows["candidate"]}
    Dataset.from_dict(columns).to_parquet(tmp_path / "tatoeba.swh" / "validation-0.parquet")
    assert corpora.load("tatoeba", source_of(tmp_path), "sw", "test").to_list() == list(rows)
    write(tmp_path / "tatoeba.fin-eng.fin", "a\nb\n")
    write(tmp_path / "tatoeba.fin-eng.eng", "a\n")
    with pytest.raises(InputError, match=r"has 2 lines, but .* has 1"):
        corpora.load("tatoeba", source_of(tmp_path), "fi", "test")


def test_lareqa_gives_a_question_its_answer_sentence_and_keeps_the_others_as_candidates(tmp_path):
    paragraph = {
        "context": "It rains. The sky is red. Night falls.",
        "sentence_breaks": [[0, 9], [10, 25], [26, 38]],
        "qas": [
            {"id": "q", "question": "Which?", "answers": [{"text": "red", "answer_start": 21}]}
        ],
    }
    file = tmp_path / "en.json"
    write(file, json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    rows = corpora.load("lareqa", source_of(tmp_path), "en", "test")
    assert rows[0]["candidate"] == "The sky is red."
    assert sorted(zip(rows["query"][1:], rows["candidate"][1:], strict=True)) == [
        ("", "It rains."),
        ("", "Night falls."),
    ]
    (question,) = paragraph["qas"]
    question["answers"] = [{"text": "red", "answer_start": 0}]  # a wrong offset
    write(file, json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    assert corpora.load("lareqa", source_of(tmp_path), "en", "test").to_list() == list(rows)
    for key, value, message in (
        (
            "qas",
            [question | {"answers": [{"text": "blue", "answer_start": 21}]}],
            "'blue' does not",
        ),
        ("sentence_breaks", [[10, 25], [0, 9]], "'sentence_breaks' must be .* in order"),
        ("sentence_breaks", None, "its paragraph's 'sentence_breaks'"),
    ):
        write(file, json.dumps({"data": [{"paragraphs": [paragraph | {key: value}]}]}))
        with pytest.raises(InputError, match=message):
            corpora.load("lareqa", source_of(tmp_path), "en", "test")


BMLAMA = "Prompt\tAns\tCandidate Ans\tSubject\nX lies in <mask>.\tRome\tVenice, Rome\tX\n"


def test_bmlama_keeps_the_order_of_its_candidates(tmp_path):
    write(tmp_path / "en.tsv", BMLAMA)
    assert corpora.load("bmlama53", source_of(tmp_path), "en", "test").to_list() == [
        {
            "id": "bmlama-00000",
            "language": "en",
            "prompt": "X lies in <mask>.",
            "candidates": ["Venice", "Rome"],
            "answer": "Rome",
        }
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BMLAMA.replace("Ans\t", "Answer\t"), r"en\.tsv: line 1 must be Prompt"),
        (BMLAMA.replace("<mask>", "[MASK]"), r"en\.tsv: line 2 must be .* with one <mask>"),
        (BMLAMA.replace("Rome\tV", "Rome V"), r"en\.tsv: line 2 must be Prompt, Ans"),
    ],
)
def test_a_bad_line_of_bmlama_is_named(tmp_path, text, message):
    write(tmp_path / "en.tsv", text)
    with pytest.raises(InputError, match=message):
        corpora.load("bmlama53", source_of(tmp_path), "en", "test")


def test_bmlama_has_one_split(tmp_path):
    with pytest.raises(InputError, match="bmlama53: no split 'dev' in local; available: test"):
        corpora.load("bmlama53", source_of(tmp_path), "en", "dev")


def test_every_corpus_names_a_kind_that_something_can_train_or_measure():
    from xltlib.study.preflight import MEASURED_ON
    from xltlib.tasks import TASKS

    measured = {kind for kinds in MEASURED_ON.values() for kind in kinds}
    assert {corpus.kind for corpus in corpora.CORPORA.values()} == {*TASKS, *measured}
