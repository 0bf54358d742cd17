"""What the commands share: the terminal, common options, and messages about bad input."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from xltlib import params as schema
from xltlib.artifacts import InputError

if TYPE_CHECKING:
    import pandas as pd

console = Console(markup=False)  # names and paths may contain brackets
WIDEST_TABLE = 150

ParamsFile = Annotated[Path, typer.Argument(help="A params file, e.g. params/quick.yaml")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only cells whose names match this pattern, e.g. '04_*/*.seed1', and those that they "
        "need; repeatable",
    ),
]
PerGpu = Annotated[
    int, typer.Option("--per-gpu", min=1, help="Cells that may share a GPU, for small encoders")
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Do not count cells made by a different version of the code as done"
    ),
]


def require_today(strict: bool) -> None:
    """With --strict, make this process and its children require today's code."""
    from xltlib.study.cell import STRICT

    if strict:
        os.environ[STRICT] = "1"


def explained(command: Callable[..., None]) -> Callable[..., None]:
    """Turn input errors into a message and exit code 2."""

    @wraps(command)
    def wrapper(*args: object, **kwargs: object) -> None:
        try:
            command(*args, **kwargs)
        except InputError as error:
            typer.secho(f"Error: {error}", fg="red", err=True)
            raise typer.Exit(2) from error

    return wrapper


def checked(params: Path, *, to_run: bool = False) -> schema.Params:
    """A valid profile whose sources are present; with `to_run`, the hub must be reachable too."""
    from xltlib.study import preflight

    loaded = schema.load(params)
    try:
        preflight.check_sources(loaded)
        if to_run:
            preflight.check_network(loaded)
    except InputError as error:
        raise InputError(f"{params}: {error}") from error
    for lost in preflight.not_compared(loaded):
        typer.secho(f"Warning: {params}: {lost}.", fg="yellow", err=True)
    return loaded


def print_table(title: str, frame: pd.DataFrame) -> None:
    """Print a table without cutting any number; a narrow terminal wraps its lines."""
    from xltlib.reporting.shown import shown

    table = Table(title=title)
    for column in frame.columns:
        table.add_column(str(column), overflow="fold")
    for row in shown(frame).itertuples(index=False):
        table.add_row(*row)
    Console(width=max(console.width, WIDEST_TABLE), markup=False).print(table)
