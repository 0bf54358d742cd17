"""Sheets for annotators: nothing tells attacked texts from clean ones, and they are read back."""

import numpy as np
import pandas as pd
import pytest

from xltlib.artifacts import InputError
from xltlib.attacks import annotation

RESULTS = pd.DataFrame(
    [
        {
            "language": "en",
            "id": str(i),
            "question": f"Who is number {i}?",
            "context": f'Number {i} is "Ann",\nsaid Bob.',
            "attacked_context": f'Nmuber {i} is "Ann",\nsaid Bob.' if i < 4 else "the same",
            "answers": {"text": ["Ann"], "answer_start": [13]},
        }
        for i in range(5)
    ]
)
RESULTS.loc[4, "context"] = "the same"


def fill(file, name, answers, readable="4"):
    sheet = annotation._read(file, ["item"])
    sheet["answer"], sheet["readable"] = answers, readable
    filled = file.with_name(f"{name}{file.suffix}")
    annotation._write(filled, sheet)
    return filled


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_sheet_goes_out_blind_and_comes_back(tmp_path, ending):
    file = tmp_path / f"sheet.{ending}"
    key = annotation.write_sheet(file, RESULTS)
    sheet = annotation._read(file, ["item"])
    assert len(sheet) == 8  # four changed examples, twice
    assert not {"version", "id", "golds"} & set(sheet)
    assert set(sheet["passage"]) == {*RESULTS["context"][:4], *RESULTS["attacked_context"][:4]}
    first = fill(file, "ann", "Ann")
    second = fill(file, "bob", ["Ann"] * 7 + ["-"])
    judged = annotation.read_sheets([first, second], key)
    assert len(judged) == 16
    table = annotation.agreement(judged).set_index("version")
    assert table["items"].tolist() == [4, 4]
    assert sorted(table["answered"]) == [87.5, 100.0]
    assert (table["readable"] == 4).all()
    assert np.isnan(table["kappa"].max()) or table["kappa"].max() <= 1


@pytest.mark.parametrize("gold", ["👨‍👩‍👧", "The", "€"])
def test_a_copied_answer_without_words_is_right(tmp_path, gold):
    file = tmp_path / "sheet.csv"
    gold_is = [{"text": [gold], "answer_start": [0]}] * len(RESULTS)
    key = annotation.write_sheet(file, RESULTS.assign(answers=gold_is))
    judged = annotation.read_sheets([fill(file, "ann", f"{gold} ")], key)
    assert annotation.agreement(judged)["answered"].tolist() == [100, 100]
    judged = annotation.read_sheets([fill(file, "bob", "€?")], key)
    assert annotation.agreement(judged)["answered"].tolist() == [0, 0]


def test_a_sheet_replaces_a_blank_one_and_nothing_else(tmp_path):
    file = tmp_path / "sheet.csv"
    annotation.write_sheet(file, RESULTS)
    annotation.write_sheet(file, RESULTS)
    filled = fill(file, "ann", "Ann")
    other = tmp_path / "questions.csv"
    other.write_text("id,question\n1,Who?\n")
    for taken in (filled, other):
        before = taken.read_bytes()
        with pytest.raises(InputError, match="not a blank sheet; what is in it would be lost"):
            annotation.write_sheet(taken, RESULTS)
        assert taken.read_bytes() == before
    with pytest.raises(
        InputError, match=r"sheet\.xlsx: not a sheet\. Give a name that ends in \.csv or \.tsv"
    ):
        annotation.write_sheet(tmp_path / "sheet.xlsx", RESULTS)


def test_kappa_is_cohens_for_two_and_fleiss_for_three():
    two = np.array([[1, 1], [0, 0], [1, 0], [0, 0]])
    assert annotation._kappa(two) == pytest.approx(0.5)  # p_o 0.75, p_e 0.5
    three = np.array([[1, 1, 1], [0, 0, 0], [1, 1, 1]])
    assert annotation._kappa(three) == pytest.approx(1.0)
    assert np.isnan(annotation._kappa(np.ones((3, 2), dtype=int)))


def test_what_is_wrong_with_a_sheet_is_said(tmp_path):
    file = tmp_path / "sheet.csv"
    key = annotation.write_sheet(file, RESULTS, limit=2)
    assert len(annotation._read(file, ["item"])) == 4
    with pytest.raises(InputError, match="no answer; copy it from the passage, or write - if"):
        annotation.read_sheets([fill(file, "a", "")], key)
    with pytest.raises(InputError, match="readable is '9'; give 1 to 5"):
        annotation.read_sheets([fill(file, "a", "Ann", "9")], key)
    short = tmp_path / "short.csv"
    annotation._write(short, annotation._read(file, ["item"]).head(1))
    with pytest.raises(InputError, match=r"lacks items of .*key\.csv \(3, "):
        annotation.read_sheets([short], key)
    with pytest.raises(InputError, match="must have one column answer, not 0"):
        annotation.read_sheets([key], key)
    with pytest.raises(InputError, match="nothing to judge"):
        annotation.write_sheet(file, RESULTS.tail(1))


KEY = """item,language,id,version,golds
a,en,1,clean,"[""Ann""]"
b,en,1,attacked,"[""Ann""]"
"""
SHEET = "item,answer,readable\na,Ann,5\nb,-,3\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SHEET + "a,Ann,5\n", "1 id is shared by several rows: 'a'"),
        (SHEET + "c,Ann,5\n", r"has items that are not in .*key\.csv \(1, e\.g\. 'c'"),
        (SHEET.replace("Ann,5", "Ann,5,6"), "row 2 has 4 cells, but the header has 3"),
        (
            SHEET.replace(",", ";"),
            r"must have one column item, not 0 .*'item;answer;readable'.*commas between",
        ),
        (SHEET.replace("answer,", "answer,answer,"), "must have one column answer, not 2"),
        (SHEET.replace("Ann,", '"Ann,'), "the sheet cannot be read .unexpected end of data"),
        (SHEET.replace("Ann", "A\0n"), "not a text file: line 2 contains a NUL character"),
        (SHEET.encode("utf-16"), "is UTF-16"),
        (SHEET.replace("Ann", "Anné").encode("latin-1"), "not UTF-8: byte 0xe9 in line 2"),
        ("", "must have one column item, not 0"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_named_with_the_remedy(tmp_path, content, message):
    key, sheet = tmp_path / "key.csv", tmp_path / "ann.csv"
    key.write_text(KEY)
    sheet.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=rf"ann\.csv: {message}"):
        annotation.read_sheets([sheet], key)


def test_sheets_of_one_name_in_two_folders_are_of_two_annotators(tmp_path):
    key = tmp_path / "key.csv"
    key.write_text("\ufeff" + KEY, encoding="utf-8")
    sheets = [tmp_path / name / "sheet.csv" for name in ("ann", "bob")]
    for sheet in sheets:
        sheet.parent.mkdir()
        sheet.write_text(SHEET.replace("Ann,", "Ann\u2028Lee,"), encoding="utf-8")
    judged = annotation.read_sheets(sheets, key)
    assert set(judged["annotator"]) == set(map(str, sheets))
    table = annotation.agreement(judged)
    assert table["annotators"].tolist() == [2, 2]
    with pytest.raises(InputError, match=r"sheet\.csv: given twice"):
        annotation.read_sheets([sheets[0], sheets[0]], key)
    for odd, message in ((tmp_path, "is a folder"), (tmp_path / "no.csv", "no such file")):
        with pytest.raises(InputError, match=message):
            annotation.read_sheets([odd], key)


def test_a_gold_answer_with_a_bar_in_it_is_one_answer(tmp_path):
    gold = "x | y"
    row = RESULTS.iloc[0].to_dict() | {"answers": {"text": [gold, "z"], "answer_start": [0, 6]}}
    row |= {"context": f"{gold} z and more", "attacked_context": f"{gold} z and less"}
    key = annotation.write_sheet(tmp_path / "sheet.csv", pd.DataFrame([row]))
    sheet = annotation._read(tmp_path / "sheet.csv", ["item"])
    for answer, share in ((gold, 100), ("z", 100), ("q", 0)):
        annotation._write(tmp_path / "ann.csv", sheet.assign(answer=answer, readable="5"))
        judged = annotation.read_sheets([tmp_path / "ann.csv"], key)
        assert annotation.agreement(judged)["answered"].tolist() == [share, share]


@pytest.mark.parametrize("golds", ["Ann", "[1]", "[]", '{"Ann": 1}', '"Ann"'])
def test_a_key_without_lists_of_gold_answers_is_refused(tmp_path, golds):
    key, sheet = tmp_path / "key.csv", tmp_path / "ann.csv"
    row = {"item": "a", "language": "en", "id": "1", "version": "clean", "golds": golds}
    annotation._write(key, pd.DataFrame([row]))
    sheet.write_text("item,answer,readable\na,Ann,5\n")
    with pytest.raises(InputError, match=r"key\.csv: item a: golds is .*not a JSON list of texts"):
        annotation.read_sheets([sheet], key)


def test_a_passage_with_carriage_returns_comes_back_and_items_are_no_numbers(tmp_path):
    file = tmp_path / "sheet.csv"
    passages = {name: RESULTS[name] + "\rAn old Mac wrote this." for name in ("context",)}
    key = annotation.write_sheet(file, RESULTS.assign(**passages))
    sheet = annotation._read(file, ["item"])
    assert set(passages["context"]) <= set(sheet["passage"])
    assert sheet["item"].str.match("i[0-9a-f]{12}").all()
    annotation.require_place(file)  # a blank sheet may be written again
    assert len(annotation.read_sheets([fill(file, "ann", "Ann")], key)) == len(sheet)


def test_no_sheets_are_refused(tmp_path):
    key = annotation.write_sheet(tmp_path / "sheet.csv", RESULTS)
    with pytest.raises(InputError, match="give the sheet of at least one annotator"):
        annotation.read_sheets([], key)
