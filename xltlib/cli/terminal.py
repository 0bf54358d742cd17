"""What the commands share: the terminal, common options, and messages about bad input."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.text_files import printable

if TYPE_CHECKING:
    import pandas as pd

READER_GONE = 128 + signal.SIGPIPE


class Terminal(Console):
    """A console that prints every text as it is: no markup, no emoji codes, no control
    characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text printable, and style it."""
        return super().render_str(printable(text), **options)

    def on_broken_pipe(self) -> NoReturn:
        """End quietly if nobody reads the output any more, as in `xlt check PARAMS | head`."""
        self.quiet = True
        raise typer.Exit(READER_GONE)


console = Terminal()
errors = Terminal(stderr=True)
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
        "--strict",
        help="Do not count cells as done that were made by a different version of the code, or "
        "from results that have changed since",
    ),
]


def require_today(strict: bool) -> None:
    """With --strict, make this process and its children require today's code."""
    from xltlib.study.cell import STRICT

    if strict:
        os.environ[STRICT] = "1"


def prepare() -> None:
    """Make this process behave as other commands do, whatever the terminal.

    What the output's encoding lacks is escaped. If the reader has gone, or on SIGTERM, the process
    ends quietly; in the latter case it removes its temporary files.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def explained(command: Callable[..., None]) -> Callable[..., None]:
    """Turn input errors into a message and exit code 2."""

    @wraps(command)
    def wrapper(*args: object, **kwargs: object) -> None:
        # A lost connection to the hub is an error like others and does not end the process.
        before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        try:
            command(*args, **kwargs)
        except InputError as error:
            errors.print(f"Error: {error}", style="red", soft_wrap=True, highlight=False)
            raise typer.Exit(2) from error
        finally:
            signal.signal(signal.SIGPIPE, before)

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
        errors.print(f"Warning: {params}: {lost}.", style="yellow", soft_wrap=True, highlight=False)
    return loaded


def print_table(title: str, frame: pd.DataFrame) -> None:
    """Print a table without cutting a word or a number; a narrow terminal wraps its lines.

    Columns that are the same in all of several rows are stated once, below the table.
    """
    from xltlib.reporting.shown import shown

    texts = shown(frame)
    same = [name for name in texts.columns[1:] if len(texts) > 1 and texts[name].nunique() == 1]
    stated = [f"{name}: {texts[name].iloc[0]}" for name in same if texts[name].iloc[0]]
    caption = f"In all rows: {'; '.join(stated)}" if stated else None
    texts, widest = texts.drop(columns=same), 1
    table = Table(title=title, caption=caption, caption_justify="left")
    for column in texts.columns:
        words = (word for text in (str(column), *texts[column]) for word in text.split())
        longest = max(map(cell_len, words), default=1)
        table.add_column(str(column), overflow="fold", min_width=longest)
        widest += 3 + longest
    for row in texts.itertuples(index=False):
        table.add_row(*row)
    Terminal(width=max(console.width, WIDEST_TABLE, widest)).print(table)


def print_json(value: object, indent: int | None = 1) -> None:
    """Print a value for scripts; characters that the output's encoding lacks are escaped."""
    plain = not console.encoding.lower().startswith("utf")
    console.out(json.dumps(value, ensure_ascii=plain, indent=indent), highlight=False)
