"""The code of a stage's notebook, in the project and as executed."""

from __future__ import annotations

import json
from pathlib import Path

from xltlib.artifacts import fingerprint
from xltlib.study.stages import Stage


def notebook_code(stage: Stage, notebooks: Path) -> str:
    """Fingerprint of a notebook's code; editing prose does not change it."""
    return _code_of(notebooks / f"{stage.notebook}.ipynb")


def is_current(executed: Path, stage: Stage, notebooks: Path) -> bool:
    """Whether an executed notebook has the present code of the stage's notebook."""
    try:
        return _code_of(executed) == notebook_code(stage, notebooks)
    except (ValueError, KeyError, TypeError):
        return False  # incomplete, or not a notebook


def _code_of(notebook: Path) -> str:
    """Fingerprint of a notebook's code cells, without the parameters that papermill injects."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return fingerprint(
        [
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code"
            and "injected-parameters" not in cell["metadata"].get("tags", ())
        ]
    )
