"""`xlt check`: validate a profile, show its grid, and say what the rest of it will take."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer
from rich.table import Table

from xltlib.artifacts import InputError
from xltlib.cli.run import project_root
from xltlib.cli.terminal import ParamsFile, checked, console
from xltlib.study import Grid


def check(
    params: ParamsFile,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores to reckon with")] = os.cpu_count()
    or 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")] = False,
) -> None:
    """Validate a params file and print its grid: what is done, what will run, what it will take."""
    from xltlib.execution.estimate import Rest, Seconds

    grid = Grid(checked(params))
    compute = grid.params.compute
    try:
        todo = grid.to_run(notebooks=project_root(params) / "notebooks")
    except InputError:
        todo = grid.to_run()  # outside a clone no notebook is there to compare with
    at_once = max(1, cores // compute.threads)
    learnt = Seconds.learnt(grid.params.outputs, grid.params.profile)
    rest = Rest.of(todo, learnt, at_once)
    outputs = grid.params.outputs / grid.params.profile
    if as_json:
        found: dict[str, Any] = {
            "profile": grid.params.profile,
            "outputs": str(outputs),
            "cells": [
                {
                    "stage": cell.stage.notebook,
                    "cell": cell.key,
                    "state": "will run" if cell in todo else "done",
                    "seconds": learnt.of(cell)[0],
                }
                for cell in grid.everything()
            ],
            "left": {
                "cells": len(todo),
                "seconds": round(rest.seconds) if rest.unknown < len(todo) or not todo else None,
                "cells_without_estimate": rest.unknown,
                "cells_judged_by_other_profiles": rest.guessed,
                "memory_mb": min(at_once, len(todo)) * compute.mem_mb,
            },
        }
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    table = Table(title=f"{grid.params.profile}: {grid.params.description.strip()}")
    for column in ("stage", "cell", "state"):
        table.add_column(column, overflow="fold")
    for cell in grid.everything():
        state = "will run" if cell in todo else "done"
        table.add_row(cell.stage.notebook, cell.key, state)
    console.print(table)
    console.print(
        f"{len(todo)} cells will run; outputs go to {outputs}", soft_wrap=True, markup=False
    )
    if todo:
        gigabytes = min(at_once, len(todo)) * compute.mem_mb / 1000
        side = f"{at_once} cells side by side" if at_once > 1 else "one cell at a time"
        console.print(
            f"With {cores} cores ({side}): {rest}; up to {gigabytes:.1f} GB of memory, as "
            "`compute.mem_mb` says.",
            soft_wrap=True,
            highlight=False,
        )
