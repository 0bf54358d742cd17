"""`xlt check`: validate a profile, show its grid, and estimate the rest of the run."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.table import Table

from xltlib.artifacts import InputError
from xltlib.cli.run import project_root
from xltlib.cli.terminal import (
    Only,
    ParamsFile,
    PerGpu,
    Strict,
    checked,
    console,
    print_json,
    require_today,
)
from xltlib.params import ComputeSettings
from xltlib.study import Cell, Grid
from xltlib.study.todo import Todo, from_earlier_results
from xltlib.text_files import number_of


def check(
    params: ParamsFile,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores of the run")] = os.cpu_count() or 1,
    per_gpu: PerGpu = 1,
    only: Only = None,
    strict: Strict = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")] = False,
) -> None:
    """Validate a params file, and show what is done, what will run and how long it takes."""
    from xltlib.execution.estimate import Rest, Seconds, peak_mb
    from xltlib.execution.workflow import cells_at_once
    from xltlib.study import preflight

    require_today(strict)
    grid = Grid(checked(params))
    compute = grid.params.compute
    if per_gpu > 1 and not compute.gpus:
        raise InputError(f"{params}: --per-gpu: no cell uses a GPU. Leave it out.")
    cells = grid.chosen(only or ())
    try:
        notebooks = project_root(params) / "notebooks"
    except InputError:
        notebooks = None  # outside a clone there are no notebooks to compare with
    todo = Todo.of(grid, notebooks, only or ()).cells
    at_once = cells_at_once(compute, cores, gpus=_gpus_here(compute) * per_gpu)
    learnt = Seconds.learnt(grid.params.outputs, grid.params.profile)
    rest = Rest.of(todo, learnt, at_once)
    outputs = grid.params.outputs / grid.params.profile
    peak = peak_mb(grid.params.outputs, grid.params.profile)
    finished = [cell for cell in cells if cell not in todo]
    outdated = [cell for cell in finished if cell.outdated]
    superseded = {cell: cell.superseded for cell in finished if cell.superseded}
    if as_json:
        found: dict[str, Any] = {
            "profile": grid.params.profile,
            "outputs": str(outputs),
            "cells": [
                {
                    "stage": cell.stage.notebook,
                    "cell": cell.key,
                    "state": "will run" if cell in todo else "done",
                    "by_other_code": cell in outdated,
                    "from_earlier_results": [one.name for one in superseded.get(cell, ())],
                    "seconds": learnt.of(cell)[0],
                }
                for cell in cells
            ],
            "left": {
                "cells": len(todo),
                "seconds": round(rest.seconds) if rest.unknown < len(todo) or not todo else None,
                "cells_without_estimate": rest.unknown,
                "cells_judged_by_speed": rest.guessed,
                "memory_mb": min(at_once, len(todo)) * compute.mem_mb,
                "largest_cell_mb": peak,
            },
        }
        print_json(found)
        return
    table = Table(title=f"{grid.params.profile}: {grid.params.description.strip()}")
    for column in ("stage", "cell", "state"):
        table.add_column(column, overflow="fold")
    for cell in cells:
        state = _to_do(cell) if cell in todo else "done"
        state += " (by a different code version)" if cell in outdated else ""
        if cell in superseded:
            state += f" (from an earlier result of {superseded[cell][0].name})"
        table.add_row(cell.stage.notebook, cell.key, state)
    console.print(table)
    console.print(
        f"{number_of(len(todo), 'cell')} will run; outputs go to {outputs}",
        soft_wrap=True,
    )
    if outdated:
        console.print(
            f"{len(outdated)} of the finished cells {'was' if len(outdated) == 1 else 'were'} made "
            f"by a different version of the code; `{grid.params.run_command} --strict` runs them "
            "again.",
            soft_wrap=True,
        )
    if warning := from_earlier_results(superseded):
        console.print(warning, soft_wrap=True)
    if todo:
        gibibytes = min(at_once, len(todo)) * compute.mem_mb / 1024
        side = f"{at_once} cells at a time" if at_once > 1 else "one cell at a time"
        measured = (
            "none has run here yet" if peak is None else f"the largest so far took {peak} MiB"
        )
        console.print(
            f"With {number_of(cores, 'core')} ({side}): {rest}. Memory: up to "
            f"{gibibytes:.1f} GiB (`compute.mem_mb`: {compute.mem_mb} MiB per cell; {measured}).",
            soft_wrap=True,
            highlight=False,
        )
    for warning in preflight.warnings(grid.params):
        console.print(f"Warning: {warning}", soft_wrap=True)


def _gpus_here(compute: ComputeSettings) -> int:
    """The GPUs that PyTorch sees; if none, those of one cell, since the run will be elsewhere."""
    if not compute.gpus:
        return 0
    import torch

    return torch.cuda.device_count() or compute.gpus


def _to_do(cell: Cell) -> str:
    """Why a cell will run."""
    problem = cell.problem
    if problem is None:
        problem = "its model is needed"
        if cell.complete:
            there = cell.notebook.is_file()
            problem = "its notebook has changed" if there else "its notebook is missing"
            problem += "; results are read back"
    return f"will run: {problem}" if cell.folder.is_dir() else "will run"
