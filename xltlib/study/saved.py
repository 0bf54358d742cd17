"""The tables and figures of a finished cell: how they are kept, and shown again in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
from IPython.display import HTML, Image, Markdown
from matplotlib.figure import Figure

from xltlib.analysis import figures as drawing
from xltlib.analysis.tables import style
from xltlib.artifacts import write_atomic, write_with
from xltlib.study.grid import Cell


def save(cell: Cell, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Figure]) -> None:
    """Write tables as CSV and figures as PNG."""
    for name, frame in tables.items():
        write_with(
            cell.path(f"tables/{name}.csv"),
            partial(frame.to_csv, index=False, float_format="%.4f", lineterminator="\n"),
        )
    for name, figure in figures.items():
        write_atomic(cell.path(f"figures/{name}.png"), drawing.png(figure))


def describe(cell: Cell) -> str:
    """The profile and the encoder, and what their numbers come from."""
    kind = "SYNTHETIC data (mini)" if cell.params.synthetic else "real data"
    seeds = {source.seed for source in cell.upstream if source.seed is not None}
    named = ", ".join(map(str, sorted(seeds)))
    return f"{cell.params.profile}, {cell.encoder}: {kind}, seeds {named}"


def tables_of(cell: Cell) -> dict[str, pd.DataFrame]:
    """The saved tables by name."""
    cell.metrics()
    return {file.stem: pd.read_csv(file) for file in sorted(cell.path("tables").glob("*.csv"))}


def shape(cell: Cell, table: str) -> dict[str, Any]:
    """Rows and columns of a table."""
    frame = tables_of(cell)[table]
    return {"rows": len(frame), "columns": list(frame.columns)}


def show(cell: Cell, table: str) -> HTML:
    """A table, ready to read."""
    return style(tables_of(cell)[table], f"{describe(cell)}: {table.replace('_', ' ')}")


def figure(cell: Cell, name: str) -> Image | Markdown:
    """A saved figure; a sentence where the profile gives it nothing to show."""
    cell.metrics()
    if not cell.path(f"figures/{name}.png").exists():
        return Markdown(f"*This profile has nothing for the figure {name.replace('_', ' ')}.*")
    return Image(cell.path(f"figures/{name}.png").read_bytes(), width=900)
