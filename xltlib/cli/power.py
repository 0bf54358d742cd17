"""`xlt power`: the differences that a profile could detect, from the models evaluated so far."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from xltlib import params as schema
from xltlib.cli.terminal import ParamsFile, console, print_json
from xltlib.study import Grid


def power(
    params: ParamsFile,
    seeds: Annotated[
        int | None, typer.Option(help="Planned number of seeds; by default the profile's")
    ] = None,
    questions: Annotated[
        int | None, typer.Option(help="Planned questions per language; by default the pilot's")
    ] = None,
    seed_sd: Annotated[
        float, typer.Option(help="Assumed standard deviation of a contrast over seeds, in points")
    ] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")] = False,
) -> None:
    """Print the smallest differences between two arms that a run could detect (80 % power)."""
    from xltlib.reporting.power_findings import of_power
    from xltlib.study.planning import statement

    grid = Grid(schema.load(params))
    found = statement(grid, seeds=seeds, questions=questions, seed_sd=seed_sd)
    if as_json:
        tables = {
            name: json.loads(frame.to_json(orient="records", double_precision=15))
            for name, frame in found.items()
        }
        print_json(tables)
        return
    if grid.params.synthetic:
        console.print("The pilot data are synthetic; real text would give different numbers.")
    for encoder, table in found.items():
        for sentence in of_power(table):
            console.print(f"{encoder}. {sentence}", soft_wrap=True, highlight=False)
