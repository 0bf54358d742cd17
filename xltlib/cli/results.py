"""`xlt results` and `xlt paper`: read what a finished profile saved."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from xltlib import params as schema
from xltlib.cli.terminal import ParamsFile, console, errors, print_json, print_table
from xltlib.study import Grid


def results(
    params: ParamsFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")] = False,
) -> None:
    """Print the answer of a finished profile in five lines, and then its tables."""
    from xltlib.reporting.answers import in_five_lines
    from xltlib.study.exhibits import ADD
    from xltlib.study.saved import require_undamaged, tables_of

    grid = Grid(schema.load(params))
    require_undamaged(grid)
    _warn(grid)
    cells = [cell for stage in ("results", "transfer", "claims") for cell in grid.cells(stage)]
    tables = {cell.name: tables_of(cell) for cell in cells}
    if as_json:
        found = {
            name: {
                title: json.loads(frame.to_json(orient="records")) for title, frame in of.items()
            }
            for name, of in tables.items()
        }
        print_json(found)
        return
    if not cells:
        console.print(f"Profile {grid.params.profile} has no tables. {ADD}", soft_wrap=True)
    for cell in grid.cells("claims"):
        encoder = str(cell.factors["encoder"])
        profile = grid.params
        for line in in_five_lines(cell.metrics(), profile.claims, profile.profile, encoder):
            console.print(line, soft_wrap=True, highlight=False)
    named = {
        f"{name}: {title}": frame for name, of in tables.items() for title, frame in of.items()
    }
    for title, frame in named.items():
        if len(frame):
            print_table(title, frame)
    empty = [title for title, frame in named.items() if not len(frame)]
    if empty:
        console.print(f"Empty in this profile: {', '.join(empty)}.", soft_wrap=True)


def paper(params: ParamsFile) -> None:
    """Write the paper output of a finished profile: tables, figures, numbers, one HTML report."""
    from xltlib.study.paper import write

    grid = Grid(schema.load(params))
    folder = write(grid)
    _warn(grid)
    console.print(f"{folder}/report.html: everything, to read in a browser", soft_wrap=True)
    console.print(
        f"{folder}/article.tex, with numbers.tex, tables/ (LaTeX and CSV) and figures/ (PDF and "
        "PNG): for a paper",
        soft_wrap=True,
    )


def _warn(grid: Grid) -> None:
    """Say if results were made from others that have changed since."""
    from xltlib.study.todo import from_earlier_results

    if warning := from_earlier_results(grid.everything()):
        errors.print(f"Warning: {warning}", style="yellow", soft_wrap=True, highlight=False)
