"""Captions say what a table or figure shows."""

from pathlib import Path

import pytest

from xltlib.reporting.titles import TITLES, title

OUTPUTS = Path(__file__).parents[2] / "outputs"
SAVED = ("tables/*.csv", "figures/*.png")


def test_whatever_the_committed_studies_saved_has_a_title_of_its_own():
    cells = [cell for stage in ("06", "07", "08", "09") for cell in OUTPUTS.glob(f"*/{stage}_*/*")]
    names = {file.stem for cell in cells for pattern in SAVED for file in cell.glob(pattern)}
    assert names
    assert [name for name in names if title(name).partition(":")[0] not in TITLES.values()] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gains_xnli", "Robust minus standard training: xnli"),
        ("scores", "F1 and EM on clean text (points)"),
        ("scores_by_language", "F1 on clean text, by language"),
        ("a_new_table", "A new table"),
    ],
)
def test_a_title_names_what_it_is_about(name, words):
    assert title(name) == words
