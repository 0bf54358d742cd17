"""`xlt check`: validate a profile and show its grid."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.table import Table

from xltlib.cli.terminal import ParamsFile, checked, console
from xltlib.study import Cell, Grid
from xltlib.study.cell import STRICT

Strict = Annotated[
    bool, typer.Option("--strict", help="Cells that older code made count as not done")
]


def check(params: ParamsFile, strict: Strict = False) -> None:
    """Validate a params file and print its grid: stages, cells, what is done, what will run."""
    from xltlib.study import preflight

    if strict:
        os.environ[STRICT] = "1"
    grid = Grid(checked(params))
    table = Table(title=f"{grid.params.profile}: {grid.params.description.strip()}")
    for column in ("stage", "cell", "state"):
        table.add_column(column, overflow="fold")
    left = set(grid.to_run())
    outdated = [cell for cell in grid.everything() if cell not in left and cell.outdated]
    for cell in grid.everything():
        state = _to_do(cell) if cell in left else "done"
        table.add_row(
            cell.stage.notebook, cell.key, f"{state}, by other code" * (cell in outdated) or state
        )
    console.print(table)
    outputs = grid.params.outputs / grid.params.profile
    console.print(f"{len(left)} cells will run; outputs go to {outputs}", soft_wrap=True)
    if outdated:
        console.print(
            f"{len(outdated)} finished cells were made by other code than today's; they count as "
            "done. `--strict` makes them again.",
            soft_wrap=True,
        )
    for warning in preflight.warnings(grid.params):
        console.print(f"Warning: {warning}", soft_wrap=True)


def _to_do(cell: Cell) -> str:
    """Why a cell will run."""
    problem = cell.problem
    if problem is None:
        problem = "its model is needed" if not cell.complete else "its notebook is missing"
    started = cell.folder.is_dir()
    return f"will run: {problem}" if started else "will run"
