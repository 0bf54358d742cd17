"""The committed notebooks: prose first, one cell of parameters, executed in order, no machine."""

import re
from pathlib import Path

import nbformat
import pytest

from xltlib.study import STAGES

FOLDER = Path(__file__).parent.parent / "notebooks"
MOST_LINES = 25
HOME = re.compile(r"(?<![\w./])/(?:home|root|Users|tmp|mnt)/")


@pytest.fixture(params=sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_stage_has_its_notebook():
    assert {stage.notebook for stage in STAGES.values()} <= {p.stem for p in FOLDER.glob("*.ipynb")}


def test_it_is_valid_and_begins_with_prose(notebook):
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")


def test_one_cell_holds_the_parameters_and_only_assigns_values(notebook):
    tagged = [c for c in code(notebook) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert tagged[0] is code(notebook)[0]
    lines = [line for line in tagged[0].source.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'\w+ = (?:"[^"]*"|\d+)', line) for line in lines)


def test_it_was_executed_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run: make notebooks"


def test_no_cell_failed_and_none_is_long(notebook):
    for cell in code(notebook):
        assert len(cell.source.splitlines()) <= MOST_LINES
        assert [out for out in cell.outputs if out.output_type == "error"] == []


def test_it_holds_no_metadata_and_no_path_of_a_machine(notebook):
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
    shown = [cell.source for cell in notebook.cells]
    for cell in code(notebook):
        for output in cell.outputs:
            shown.append(str(output.get("text", "")))
            shown += [str(v) for k, v in output.get("data", {}).items() if k.startswith("text/")]
    assert [text for text in shown if HOME.search(text)] == []
