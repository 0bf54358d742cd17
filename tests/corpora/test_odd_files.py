"""Files that people's tools have stumbled over: read right, or refused by name."""

import json
import time

import pytest
from datasets import Dataset
from pydantic import ValidationError

from xltlib import corpora
from xltlib.attacks.lexicon import read_lexicon
from xltlib.corpora.answer_spans import nearest_place, stripped_span
from xltlib.corpora.squad_files import is_answerable, read_squad
from xltlib.params import CorpusSource
from xltlib.text_files import InputError

CONTEXT = "Her boat is blue, and so is the sea."
ANSWERS = [{"text": "blue", "answer_start": 12}]


def question(identity="a", context=CONTEXT, **changes):
    """A paragraph with one question."""
    qa = {"id": identity, "question": "Which colour?", "answers": ANSWERS} | changes
    return {"context": context, "qas": [qa]}


def squad(*paragraphs, title="Boats"):
    return {"data": [{"title": title, "paragraphs": list(paragraphs)}]}


@pytest.fixture
def read(tmp_path):
    """A function that writes a file and reads its questions."""

    def write_and_read(content, name="mine.json", **options):
        path = tmp_path / name
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_squad(path, "en", **options)

    return write_and_read


def local(folder, **options):
    return CorpusSource(source="local", folder=folder, **options)


# --- the same questions, whatever they are wrapped in ---


def test_a_byte_order_mark_changes_nothing(read):
    plain = json.dumps(squad(question()))
    assert read(b"\xef\xbb\xbf" + plain.encode()).to_list() == read(plain).to_list()


ROW = {
    "id": "a",
    "title": "Boats",
    "context": CONTEXT,
    "question": "Which colour?",
    "answers": {"text": ["blue"], "answer_start": [12]},
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", json.dumps(ROW)),
        ("rows.jsonl", json.dumps(ROW) + "\n\n"),
        ("one.json", json.dumps(ROW)),
        ("list.json", json.dumps([ROW])),
        ("flat.json", json.dumps({"data": [ROW]})),
        ("flat.json", json.dumps({"data": [ROW | {"answers": ANSWERS}]}, indent=2)),
        ("articles.json", json.dumps(squad(question())["data"])),
    ],
)
def test_rows_of_questions_are_read_as_squads_are(read, name, content):
    assert read(content, name).to_list() == read(squad(question())).to_list()


def test_json_lines_are_known_by_their_content_too(read):
    rows = read("\n".join(json.dumps(ROW | {"id": str(i)}) for i in range(3)), "mine.json")
    assert rows["id"] == ["0", "1", "2"]
    with pytest.raises(InputError, match=r"mine\.jsonl: line 2: question 'b' lacks 'context'"):
        read(json.dumps(ROW) + '\n{"id": "b", "answers": []}', "mine.jsonl")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_a_key_twice_in_one_row_is_named_with_its_line(read, name):
    twice = json.dumps(ROW)[:-1] + ', "context": "It is blue."}'
    for content, line in (([twice, ROW], 1), ([ROW, twice], 2)):
        rows = [row if isinstance(row, str) else json.dumps(row) for row in content]
        with pytest.raises(InputError, match=rf"line {line}: .* repeats the key 'context'"):
            read("\n".join(rows), name)


# --- odd fields ---


@pytest.mark.parametrize(("title", "shown"), [(None, ""), (1984, "1984"), ("", "")])
def test_a_title_is_optional(read, title, shown):
    assert read(squad(question(), title=title))["title"] == [shown]
    body = squad(question())
    del body["data"][0]["title"]
    assert read(body)["title"] == [""]


@pytest.mark.parametrize("start", [float("inf"), float("nan"), 12.0, True, "12", None, [12]])
def test_an_offset_is_a_whole_number(read, start):
    answers = [{"text": "blue", "answer_start": start}]
    with pytest.raises(InputError, match=r"question 'a': 'answer_start' must be a whole number"):
        read(squad(question(answers=answers)))


def test_an_offset_too_large_for_a_number_is_named_with_its_question(read):
    text = json.dumps(squad(question())).replace("12", "1e999")
    with pytest.raises(InputError, match=r"question 'a': 'answer_start' must be .* .found inf"):
        read(text)


@pytest.mark.parametrize(("start", "place"), [(-1, 12), (-(10**30), 12), (10**30, 12), (3, 12)])
def test_a_wrong_offset_is_moved_and_counted(read, start, place):
    (row,) = read(squad(question(answers=[{"text": "blue", "answer_start": start}])))
    assert (row["answers"]["answer_start"], row["wrong_offsets"]) == ([place], 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": ["x"]}, r"data\[0\] is not an object .found 'x'"),
        ({"data": [{"paragraphs": "x"}]}, r"data\[0\]: 'paragraphs' must be a list of objects"),
        ({"data": [{"paragraphs": ["x"]}]}, r"'paragraphs' must be a list of objects"),
        ({"data": [{"paragraphs": [{"context": "x", "qas": {}}]}]}, r"paragraphs\[0\]: 'qas'"),
        (squad(question(answers="blue")), "question 'a': 'answers' must be a list"),
        (squad(question(answers=["blue"])), "question 'a': 'answers' must be a list"),
        (squad(question(answers={"text": ["x"]})), "'answers' must hold two lists"),
        (squad(question(question=None)), "question 'a': 'question' must be a string .found None"),
        (squad(question(identity=None)), "a question's 'id' must be a string or a whole number"),
        (squad(question(is_impossible="no")), "'is_impossible' must be true or false"),
        (squad(question(), title=["x"]), r"'title' must be a string .found \['x'\]"),
        ("5", "no list of articles or rows"),
        ({"rows": []}, "no list of articles or rows"),
    ],
)
def test_what_stands_in_the_wrong_place_is_named(read, content, message):
    with pytest.raises(InputError, match=message) as error:
        read(content)
    assert "mine.json" in str(error.value)


def test_half_a_surrogate_pair_is_named(read):
    with pytest.raises(InputError, match=r"mine\.json: lone surrogate '\\ud83d' in"):
        read(squad(question(context="\ud83d " + CONTEXT)))


def test_messages_stay_short_whatever_they_quote(read):
    long = "x" * 70_000
    for paragraph in (
        question(identity=long, answers=[]),
        question(answers=[{"text": long, "answer_start": long}]),
        question(question=[long]),
    ):
        with pytest.raises(InputError) as error:
            read(squad(paragraph))
        assert len(str(error.value)) < 700


def test_ids_are_unique(read):
    with pytest.raises(InputError, match=r"1 id is shared by several rows: 'a'. Give every row"):
        read(squad(question(), question(), question("b")))
    many = [question(str(i // 2)) for i in range(40)]
    with pytest.raises(InputError, match=r"20 ids .*'4' and 15 more"):
        read(squad(*many))


def test_questions_without_an_answer_are_refused_or_kept_as_such(read):
    file = squad(
        question(), question("b", answers=[]), question("c", is_impossible=True, answers=ANSWERS)
    )
    with pytest.raises(InputError, match=r"2 of 3 questions have no answer, e\.g\. 'b'"):
        read(file)
    rows = read(file, unanswerable="keep")
    assert [is_answerable(row) for row in rows] == [True, False, False]
    assert rows[2]["answers"] == {"text": [], "answer_start": []}
    assert sum(rows["wrong_offsets"]) == 0


def test_a_text_keeps_the_marks_that_tools_use_themselves(read):
    context = "A <SPLIT> or [SEP] </s> is text. " + CONTEXT
    (row,) = read(squad(question(context=context, answers=[{"text": "blue", "answer_start": 45}])))
    assert (row["context"], row["wrong_offsets"]) == (context, 0)


def test_a_gold_answer_may_be_all_article(read):
    (row,) = read(squad(question(context="Grade: A.", answers=[{"text": "A", "answer_start": 7}])))
    assert row["answers"] == {"text": ["A"], "answer_start": [7]}


# --- where an answer stands ---


def test_the_nearest_place_is_found_in_time_that_grows_with_the_passage_only():
    assert [nearest_place("a-a-a", "a", start) for start in (-5, 0, 1, 2, 3, 4, 99)] == [
        *(0, 0, 0, 2, 2, 4, 4)
    ]
    assert nearest_place("aaa", "aa", 1) == 1
    assert nearest_place("abc", "x", 1) == nearest_place("abc", "", 1) == -1
    assert nearest_place("abc", "abcd", 2) == -1
    started = time.process_time()
    for text, start in (("e", 10**5), ("y" + "e" * 10**5, 5), ("e" * 10**5 + "y", 2 * 10**5)):
        for shift in range(20):
            nearest_place("e" * 200_000, text, start + shift)
    assert time.process_time() - started < 2


def test_a_span_leaves_out_white_space_around_an_answer():
    assert stripped_span(10, " ab \n") == (11, 13)
    assert stripped_span(0, "ab") == (0, 2)


# --- lines ---


def test_only_a_line_feed_ends_a_line_of_a_corpus(tmp_path):
    sentences = ["Hallo\u2028zusammen.", "Zwei\x0c.\x85"]
    (tmp_path / "tatoeba.deu-eng.deu").write_text("\n".join(sentences) + "\n", encoding="utf-8")
    (tmp_path / "tatoeba.deu-eng.eng").write_bytes(b"\xef\xbb\xbfHello all.\r\nTwo.\r\n")
    rows = corpora.load("tatoeba", local(tmp_path), "de", "test")
    assert rows["query"] == sentences
    assert rows["candidate"] == ["Hello all.", "Two."]
    row = {"premise": "Ta\u2028ja", "choice1": "A.", "choice2": "B.", "question": "effect"}
    rows = [row | {"label": 0, "idx": 1}, row | {"premise": "T\x85", "label": 1, "idx": 2}]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "val.et.jsonl").write_text(text, encoding="utf-8")
    found = corpora.load("xcopa", local(tmp_path), "et", "dev")
    assert found["premise"] == ["Ta\u2028ja", "T\x85"]


def test_only_a_line_feed_ends_a_line_of_a_lexicon(tmp_path):
    path = tmp_path / "fr-en.txt"
    path.write_text("chien\x0cdog\nmaison house\u2028home\n", encoding="utf-8")
    assert read_lexicon(path) == {"chien": ["dog"], "maison": ["house\u2028home"]}


# --- treebanks ---

REST = "\t_" * 6


def test_conllu_as_treebanks_have_it(tmp_path):
    text = (
        "# newdoc id = d1\r\n#\r\n# sent_id = s1\r\n# text = Vámonos # 9 000\r\n"
        f"1-2\tVámonos\t_\t_{REST}\r\n1\tVamos\t_\tVERB{REST}\r\n2\tnos\t_\tPRON{REST}\r\n"
        f"3\t#\t_\tSYM{REST}\r\n4\t9 000\t_\tNUM{REST}\r\n4.1\tnada\t_\t_{REST}\r\n\r\n\r\n"
        f"# text = Sí\r\n1\tSí\t_\tINTJ{REST}\r\n\r\n"
        f"1\tNo\t_\tINTJ{REST}\r\n\r\n#sent_id = s3\r\n1\tTres\t_\tNUM{REST}"
    )
    (tmp_path / "es_x-ud-test.conllu").write_text("\ufeff" + text, encoding="utf-8", newline="")
    rows = corpora.load("udpos", local(tmp_path), "es", "test")
    assert rows["tokens"] == [["Vamos", "nos", "#", "9 000"], ["Sí"], ["No"], ["Tres"]]
    assert rows["tags"][0] == ["VERB", "PRON", "SYM", "NUM"]
    assert rows["id"] == [
        "es-s1",
        "es-sentence-000002",
        "es-sentence-000003",
        "es-s3",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"2\tvez\t_\t_{REST}", "line 3: 'vez' is tagged '_', which is not a universal tag"),
        (f"2\tvez\t_\tNN{REST}", "line 3: 'vez' is tagged 'NN'"),
        ("2  vez  _  NOUN", "line 3 has 1 column, not 10 separated by tabs"),
    ],
)
def test_a_word_without_its_tag_is_named(tmp_path, line, message):
    text = f"# sent_id = a\n1\tOtra\t_\tPRON{REST}\n{line}\n"
    (tmp_path / "es_x-ud-test.conllu").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        corpora.load("udpos", local(tmp_path), "es", "test")


def test_two_treebanks_may_share_ids_and_one_may_not_have_an_id_twice(tmp_path):
    text = f"# sent_id = a\n1\tOtra\t_\tPRON{REST}\n"
    for name in ("x", "y"):
        (tmp_path / f"es_{name}-ud-test.conllu").write_text(text, encoding="utf-8")
    rows = corpora.load("udpos", local(tmp_path), "es", "test")
    assert rows["id"] == ["es_x-ud-test-a", "es_y-ud-test-a"]
    (tmp_path / "fi_x-ud-dev.conllu").write_text(f"{text}\n{text}", encoding="utf-8")
    with pytest.raises(InputError, match="1 id is shared by several rows: 'fi-a'"):
        corpora.load("udpos", local(tmp_path), "fi", "dev")


# --- TyDi QA, XNLI: as they are published ---


def tydi(folder, name, *ids):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(squad(*map(question, ids))), encoding="utf-8")


@pytest.mark.parametrize("below", ["", "tydiqa-goldp-v1.1-dev"])
@pytest.mark.parametrize(
    "names",
    [
        {"ar": "tydiqa-goldp-dev-arabic.json", "ko": "tydiqa-goldp-dev-korean.json"},
        {"ar": "tydiqa.goldp.ar.dev.json", "ko": "tydiqa.goldp.ko.dev.json"},
    ],
)
def test_tydiqa_has_a_file_per_language(tmp_path, below, names):
    tydi(tmp_path / below, names["ar"], "arabic-1", "arabic-2")
    tydi(tmp_path / below, names["ko"], "korean-1")
    for split in ("dev", "test"):
        assert corpora.load("tydiqa", local(tmp_path), "ko", split)["id"] == ["korean-1"]
    assert corpora.load("tydiqa", local(tmp_path), "ar", "dev")["id"] == ["arabic-1", "arabic-2"]
    (path,) = corpora.files("tydiqa", local(tmp_path), "ar", "dev")
    assert path == tmp_path / below / names["ar"]
    with pytest.raises(InputError, match=r"no file here matches .*tydiqa-goldp-dev-telugu.json"):
        corpora.load("tydiqa", local(tmp_path), "te", "dev")


def test_tydiqa_training_file_of_one_language_is_not_taken_for_another(tmp_path):
    tydi(tmp_path / "tydiqa-goldp-v1.1-train", "tydiqa.goldp.en.train.json", "english-1")
    assert corpora.load("tydiqa", local(tmp_path), "en", "train")["id"] == ["english-1"]
    with pytest.raises(InputError, match="no file here matches"):
        corpora.load("tydiqa", local(tmp_path), "fi", "train")
    tydi(tmp_path, "tydiqa-goldp-v1.1-train.json", "english-7", "finnish-1")
    assert corpora.load("tydiqa", local(tmp_path), "fi", "train")["id"] == ["finnish-1"]
    tydi(tmp_path, "tydiqa-goldp-v1.1-dev.json", "english-7")
    with pytest.raises(InputError, match="contains no questions in fi, only in en"):
        corpora.load("tydiqa", local(tmp_path), "fi", "dev")


HEADER = "language\tgold_label\tsentence1_parse\tsentence1\tsentence2\tpromptID\tpairID\tgenre"


def test_xnlis_own_file_of_all_languages(tmp_path):
    labels = ("entailment", "neutral", "contradiction")
    lines = [HEADER]
    # German has its pairs in another order.
    for code, order in (("ar", (0, 1, 2)), ("de", (2, 0, 1))):
        lines += [
            f'{code}\t{labels[i]}\t(p)\t"{code} p\t{code} h{i}\t9\t{i}\tfiction' for i in order
        ]
    (tmp_path / "XNLI-1.0").mkdir()
    path = tmp_path / "XNLI-1.0" / "xnli.dev.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ar, de = (corpora.load("xnli", local(tmp_path), code, "dev") for code in ("ar", "de"))
    assert ar["id"] == de["id"] == [f"xnli-dev-{i:06d}" for i in range(3)]
    assert ar["label"] == de["label"] == [0, 1, 2]
    assert de["sentence1"][0] == '"de p'
    assert de["sentence2"] == ["de h0", "de h1", "de h2"]
    with pytest.raises(InputError, match="contains no rows in sw"):
        corpora.load("xnli", local(tmp_path), "sw", "dev")
    path.write_text("\n".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(InputError, match="the 2 pairs in de do not match the 3 in ar"):
        corpora.load("xnli", local(tmp_path), "de", "dev")


def test_xnlis_translated_training_set(tmp_path):
    folder = tmp_path / "XNLI-MT-1.0" / "multinli"
    folder.mkdir(parents=True)
    text = "premise\thypo\tlabel\nP\tH\tcontradictory\nP\tI\tneutral\n"
    (folder / "multinli.train.sw.tsv").write_text(text, encoding="utf-8")
    rows = corpora.load("xnli", local(tmp_path), "sw", "train")
    assert (rows["sentence2"], rows["label"]) == (["H", "I"], [2, 1])


XNLI = "genre\tlabel\tsentence1_sw\tsentence2_sw\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (XNLI + "g\tmaybe\tp\th", "line 2 has the label 'maybe', not one of entailment"),
        (XNLI + "g\tneutral\tp", "line 2 has 3 columns, line 1 has 4 .found 'g"),
        ("a\tb\n", "line 1 must be XNLI's columns"),
        ("g\tneutral\tp\th\n" * 2, "line 1 must be XNLI's columns for sw, e.g. genre, label"),
        (XNLI.replace("sw", "en"), r"line 1 must be .* sentence2_sw .found 'genre"),
        (XNLI, "contains no rows"),
        ("language\tlabel\n", "line 1 lacks one of the columns language, sentence1"),
    ],
)
def test_a_bad_line_of_xnli_is_named(tmp_path, text, message):
    (tmp_path / "xnli.dev.sw.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        corpora.load("xnli", local(tmp_path), "sw", "dev")


def test_parts_of_pawsx_dev_share_no_english_sentence_and_are_the_same_in_all_languages(tmp_path):
    # Pairs 1 and 3 share a sentence; 2 is empty in German.
    english = ["a\tb\t1", "c\td\t0", "e\tb\t1", "f\tg\t0"]
    german = ["A\tB\t1", "\t\t0", "E\tB2\t1", "F\tG\t0"]
    for code, rows in (("en", english), ("de", german)):
        (tmp_path / code).mkdir()
        text = "".join(f"{i}\t{row}\n" for i, row in enumerate(rows, start=1))
        (tmp_path / code / "dev_2k.tsv").write_text(
            f"id\tsentence1\tsentence2\tlabel\n{text}", encoding="utf-8"
        )
    source = local(tmp_path, cut_after=2)
    ids = {
        (code, part): corpora.load("pawsx", source, code, f"dev-{part}")["id"]
        for code in ("en", "de")
        for part in ("first", "rest")
    }
    assert ids["en", "first"] == ["pawsx-dev-1", "pawsx-dev-2", "pawsx-dev-3"]
    assert ids["de", "first"] == ["pawsx-dev-1", "pawsx-dev-3"]
    assert ids["en", "rest"] == ids["de", "rest"] == ["pawsx-dev-4"]
    files = corpora.files("pawsx", source, "de", "dev-first")
    assert [path.parent.name for path in files] == ["de", "en"]
    for wrong in (None, 3):
        with pytest.raises(InputError, match="give 1 to 2 groups of pairs"):
            corpora.load("pawsx", local(tmp_path, cut_after=wrong), "en", "dev-rest")


# --- folders, splits, memory ---


def test_a_folder_or_a_split_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        corpora.load("xquad", local(tmp_path / "absent"), "en", "all")
    (tmp_path / "xquad.en.json").mkdir()
    with pytest.raises(InputError, match=r"no file here matches .*xquad\.en\.json"):
        corpora.load("xquad", local(tmp_path), "en", "all")
    with pytest.raises(InputError, match=r"no split 'dev' in local; available: all, train, test"):
        corpora.files("xquad", local(tmp_path), "en", "dev")
    assert corpora.files("xquad", CorpusSource(source="mini"), "en", "train") == []
    with pytest.raises(ValidationError, match="a path cannot contain NUL"):
        local(tmp_path / "a\0b")


def test_a_split_is_read_once_until_its_file_changes(tmp_path):
    path = tmp_path / "xquad.en.json"
    path.write_text(json.dumps(squad(question())), encoding="utf-8")
    first = corpora.load("xquad", local(tmp_path), "en", "all")
    assert corpora.load("xquad", local(tmp_path), "en", "all") is first
    path.write_text(json.dumps(squad(question(), question("b"))), encoding="utf-8")
    assert len(corpora.load("xquad", local(tmp_path), "en", "all")) == 2


def test_a_data_set_that_is_a_script_on_the_hub_is_explained(monkeypatch):
    from xltlib.corpora import hub

    def script(*_, **__):
        raise RuntimeError("Dataset scripts are no longer supported, but found mlqa.py")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "load_dataset", script)
    with pytest.raises(InputError, match=r"facebook/mlqa.* scripts .*source: local"):
        corpora.load("mlqa", CorpusSource(source="hub"), "de", "dev")


def test_a_damaged_parquet_file_is_named(tmp_path):
    (tmp_path / "xquad.en").mkdir()
    path = tmp_path / "xquad.en" / "validation-0.parquet"
    path.write_bytes(b"PAR1 cut short")
    with pytest.raises(InputError, match=r"validation-0\.parquet: not a complete Parquet file"):
        corpora.load("xquad", local(tmp_path), "en", "all")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a Git LFS pointer, not the",
        ),
        (b"\x1f\x8b\x08\x00rest", "compressed with gzip. Unpack it"),
        (b"PK\x03\x04rest", "a zip archive. Unpack it"),
        (b"PAR1rest", "a Parquet file, where text is expected"),
    ],
)
@pytest.mark.parametrize("name", ["mine.json", "en-de.txt"])
def test_files_that_are_no_text_are_named_with_their_own_remedy(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: {message}"):
        read_lexicon(path) if name.endswith(".txt") else read_squad(path, "en")


def test_a_blank_answer_is_no_answer(read):
    blank = [{"text": " ", "answer_start": 3}, {"text": "", "answer_start": 0}]
    rows = read(squad(question(answers=blank), question("b", answers=[*blank, *ANSWERS])))
    assert [is_answerable(row) for row in rows] == [False, True]


PAIRS = {"id": [1, 2], "sentence1": ["a", "b"], "sentence2": ["c", "d"], "label": [0, 1]}
ANSWERED = {"id": ["1", "2"], "context": ["a b", "c"], "question": ["q", "q"]}
ANSWERED |= {"answers": [{"text": ["b"], "answer_start": [2]}, {"text": [], "answer_start": []}]}


@pytest.mark.parametrize(
    ("corpus", "split", "file", "columns", "message"),
    [
        ("pawsx", "dev", "en/validation", {"x": [1]}, "lacks id, sentence1, sentence2, label .it "),
        ("pawsx", "dev", "en/validation", PAIRS | {"label": [0, -1]}, "row 1: the label .*-1"),
        ("pawsx", "dev", "en/validation", PAIRS | {"label": [2, 0]}, "row 0: the label .*found 2"),
        ("pawsx", "dev", "en/validation", PAIRS | {"sentence1": ["a", None]}, "row 1 lacks a sent"),
        ("squad", "dev", "plain_text/validation", {"id": ["1"]}, "lacks context, question, answer"),
        ("squad", "dev", "plain_text/validation", ANSWERED, "1 of 2 questions has no answer"),
        (
            "squad",
            "dev",
            "plain_text/validation",
            ANSWERED | {"context": ["a b", None]},
            "row 1: question '2': 'context' must be a string .found None",
        ),
        (
            "wikiann",
            "dev",
            "en/validation",
            {"tokens": [["a"], ["b"]], "ner_tags": [[0], [-1]]},
            r"row 1: ner_tags must be one of O, B-PER.*found \[-1\] for \['b'\]",
        ),
        (
            "wikiann",
            "dev",
            "en/validation",
            {"tokens": [["a", "b"]], "ner_tags": [[0]]},
            "row 0: ner_tags must be one of .* for each token",
        ),
        ("tatoeba", "test", "tatoeba.swh/validation", {"x": [1]}, "lacks source_sentence, target"),
    ],
)
def test_a_data_set_of_the_hub_is_checked_as_files_are(
    tmp_path, corpus, split, file, columns, message
):
    path = tmp_path / f"{file}-0.parquet"
    path.parent.mkdir()
    Dataset.from_dict(columns).to_parquet(path)
    with pytest.raises(InputError, match=message):
        corpora.load(corpus, local(tmp_path), "sw" if corpus == "tatoeba" else "en", split)


@pytest.mark.parametrize("header", ["1\ta\tb\t0", "id\tsentence2\tsentence1\tlabel"])
def test_pawsx_without_its_header_loses_no_row(tmp_path, header):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "dev_2k.tsv").write_text(f"{header}\n2\tc\td\t1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"dev_2k\.tsv: line 1 must be id, sentence1, sentence2"):
        corpora.load("pawsx", local(tmp_path), "en", "dev")


def test_a_treebank_without_its_words_is_refused(tmp_path):
    """Some are published so, for reasons of copyright."""
    text = f"# sent_id = a\n1\t_\t_\tNOUN{REST}\n"
    (tmp_path / "ar_nyuad-ud-test.conllu").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"nyuad.*line 2 has a tag without a word"):
        corpora.load("udpos", local(tmp_path), "ar", "test")


def test_every_pud_treebank_is_only_in_its_own_split(tmp_path):
    for name in ("gsd", "pud", "pudluw"):
        text = f"# sent_id = {name}\n1\tOtra\t_\tPRON{REST}\n"
        (tmp_path / f"ja_{name}-ud-test.conllu").write_text(text, encoding="utf-8")
    assert corpora.load("udpos", local(tmp_path), "ja", "test")["id"] == ["ja-gsd"]
