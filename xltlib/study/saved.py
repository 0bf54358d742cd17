"""The tables and figures of a finished cell: saved, and shown again in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML, Image, Markdown

from xltlib import params as schema
from xltlib.artifacts import InputError, write_atomic, write_with
from xltlib.reporting.answers import question
from xltlib.reporting.sentences import Sentence
from xltlib.reporting.shown import sentences, style
from xltlib.study import manifest
from xltlib.study.cell import Cell
from xltlib.study.grid import Grid

# Drawing is imported where it is used: tables are read without it, and it takes seconds.
if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xltlib.reporting.style import Provenance

WITH_TABLES = ("results", "transfer", "representation", "claims")
"""The stages that save tables."""


def save(cell: Cell, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Figure]) -> None:
    """Write tables as CSV, and figures as PNG and PDF."""
    from xltlib.reporting import style as look

    for name, frame in tables.items():
        write_csv(cell.path(f"tables/{name}.csv"), frame)
    for name, figure in figures.items():
        write_atomic(cell.path(f"figures/{name}.png"), look.png(figure))
        write_atomic(cell.path(f"figures/{name}.pdf"), look.pdf(figure))


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV; the same table gives the same bytes. Small p-values keep their
    digits."""
    small = {
        name: frame[name].map("{:.4g}".format, na_action="ignore")
        for name in frame.select_dtypes("float")
        if name.split()[0] == "p"
    }
    write = frame.assign(**small).to_csv
    write_with(path, partial(write, index=False, float_format="%.4f", lineterminator="\n"))


def write_scores(path: Path, scores: pd.DataFrame) -> None:
    """Write the scores of single questions, which git keeps, in little space.

    Probabilities become float32, and their bytes are stored place by place, which halves the file.
    """
    likely = [name for name in scores if name.endswith("probability")]
    encoding = dict.fromkeys(likely, "BYTE_STREAM_SPLIT") | {"id": "DELTA_BYTE_ARRAY"}
    plain = [name for name in scores if name not in encoding]
    small = scores.astype(dict.fromkeys(likely, "float32"))
    write = partial(
        small.to_parquet,
        compression="zstd",
        compression_level=19,
        use_dictionary=plain,
        column_encoding=encoding,
    )
    write_with(path, write)


def _seeds(cell: Cell) -> set[int]:
    """The seeds of a cell and of all that it reads."""
    own = {cell.factors["seed"]} if "seed" in cell.factors else set()
    return own.union(*map(_seeds, cell.upstream))


def provenance(cell: Cell) -> Provenance:
    """What a cell's figures and tables say about the origin of their numbers."""
    from xltlib.reporting.style import Provenance

    return Provenance(
        profile=cell.params.profile,
        encoder=str(cell.factors.get("encoder")),
        synthetic=cell.params.synthetic,
        seeds=tuple(sorted(_seeds(cell))),
        fingerprint=cell.fingerprint,
    )


def require_undamaged(grid: Grid) -> None:
    """Refuse a profile with a damaged cell: others have their numbers from it.

    Cells that have not finished, or were made with other params or data, are passed over.

    Raises:
        InputError: names the cell, the file and the command that makes it again.
    """
    for cell in grid.everything():
        record, wrong = cell.manifest, None
        if record is None and cell.path(manifest.NAME).exists():
            wrong = manifest.NAME
        elif record is not None and record.fingerprint == cell.fingerprint:
            wrong = manifest.damaged(cell.folder, record)
        if wrong is not None:
            raise InputError(
                f"{cell.folder}: {cell.name} {manifest.DAMAGED.format(wrong)}. Run "
                f"`{cell.params.run_command}` to make it again."
            )


def tables_of(cell: Cell) -> dict[str, pd.DataFrame]:
    """The saved tables by name."""
    return {file.stem: pd.read_csv(file) for file in cell.artefacts("tables/*.csv")}


def load_results(params: Path | str | schema.Params) -> dict[str, pd.DataFrame]:
    """All tables of a finished profile, by `<notebook>/<cell>/<table>`.

    `load_results("params/quick.yaml")["06_results/me5-small/contrasts"]` is
    `outputs/quick/06_results/me5-small/tables/contrasts.csv`.

    Raises:
        InputError: the params file is wrong, a cell is damaged, or one that saves tables is not
            done.
    """
    grid = Grid(params if isinstance(params, schema.Params) else schema.load(params))
    require_undamaged(grid)
    cells = [cell for stage in WITH_TABLES for cell in grid.cells(stage)]
    return {
        f"{cell.name}/{name}": frame for cell in cells for name, frame in tables_of(cell).items()
    }


def _table(cell: Cell, name: str) -> pd.DataFrame:
    tables = tables_of(cell)
    if name not in tables:
        raise InputError(
            f"{cell.folder}: {cell.name} has no table {name}; older code made it. Run "
            f"`{cell.params.run_command} --strict`, which makes such cells again."
        )
    return tables[name]


def shape(cell: Cell, table: str) -> dict[str, Any]:
    """Rows and columns of a table."""
    frame = _table(cell, table)
    return {"rows": len(frame), "columns": list(frame.columns)}


def show(cell: Cell, table: str, *, language: str | None = None) -> HTML:
    """A table, formatted for reading.

    Args:
        language: keep only the rows of one language, or of one average over languages.
    """
    frame = _table(cell, table)
    if language is not None:
        frame = frame[frame["language"] == language]
    return style(frame, f"{provenance(cell)}: {table.replace('_', ' ')}")


def figure(cell: Cell, name: str) -> Image | Markdown:
    """A saved figure, or a sentence if the profile has nothing to show in it."""
    files = cell.artefacts(f"figures/{name}.png")
    if not files:
        return Markdown(f"*This profile has no data for the figure {name.replace('_', ' ')}.*")
    return Image(files[0].read_bytes(), width=900)


def findings(cell: Cell, *names: str) -> Markdown:
    """The findings of a cell whose names begin with one of `names`, as a list."""
    chosen = [Sentence.of(record) for record in cell.metrics()["findings"]]
    return sentences([str(one) for one in chosen if one.name.startswith(names)])


def found(cell: Cell, said: Iterable[Sentence]) -> Markdown:
    """What a cell found, with its name and the origin of the numbers: the opening of a notebook."""
    head = f"**{cell.key}** ({provenance(cell)})"
    return Markdown("\n".join([head, "", *(f"- {one}" for one in said)]))


def drawn(figure: Figure) -> Image:
    """A figure that is shown but not saved."""
    from xltlib.reporting import style as look

    return Image(look.png(figure, dpi=100))


def answer(cell: Cell) -> Markdown:
    """The question, and its answer from a cell that judges the primary claim."""
    first, *rest = (str(Sentence.of(record)) for record in cell.metrics()["answer"])
    asked = question(cell.params.claims)
    return Markdown("\n\n".join([f"**{asked}**", f"**{first}**", " ".join(rest)]))
