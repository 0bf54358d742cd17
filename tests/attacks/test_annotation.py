"""Sheets for annotators: nothing tells attacked texts from clean ones, and they are read back."""

import numpy as np
import pandas as pd
import pytest

from xltlib.artifacts import InputError
from xltlib.attacks import annotation
from xltlib.evaluation import squad

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
    table = annotation.agreement(judged, squad.f1).set_index("version")
    assert table["items"].tolist() == [4, 4]
    assert sorted(table["answered"]) == [87.5, 100.0]
    assert (table["readable"] == 4).all()
    assert np.isnan(table["kappa"].max()) or table["kappa"].max() <= 1


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
    with pytest.raises(InputError, match="no answer; copy it, or give -"):
        annotation.read_sheets([fill(file, "a", "")], key)
    with pytest.raises(InputError, match="readable is '9'; give 1 to 5"):
        annotation.read_sheets([fill(file, "a", "Ann", "9")], key)
    short = tmp_path / "short.csv"
    annotation._write(short, annotation._read(file, ["item"]).head(1))
    with pytest.raises(InputError, match="lacks 3 items"):
        annotation.read_sheets([short], key)
    with pytest.raises(InputError, match="lacks the column answer"):
        annotation.read_sheets([key], key)
    with pytest.raises(InputError, match="nothing to judge"):
        annotation.write_sheet(file, RESULTS.tail(1))
