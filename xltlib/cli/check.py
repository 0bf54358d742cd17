"""`xlt check`: validate a profile and show its grid."""

from __future__ import annotations

from rich.table import Table

from xltlib.cli.terminal import ParamsFile, checked, console
from xltlib.study import STAGES, Grid


def check(params: ParamsFile) -> None:
    """Validate a params file and print its grid: stages, cells, what is done, what will run."""
    grid = Grid(checked(params))
    table = Table(title=f"{grid.params.profile}: {grid.params.description.strip()}")
    for column in ("stage", "cell", "state"):
        table.add_column(column, overflow="fold")
    left = 0
    for stage in STAGES.values():
        for cell in grid.cells(stage.name):
            done = cell.done and cell.notebook.exists()
            left += not done
            table.add_row(stage.notebook, cell.key, "done" if done else "will run")
    console.print(table)
    outputs = grid.params.outputs / grid.params.profile
    console.print(f"{left} cells will run; outputs go to {outputs}", soft_wrap=True)
