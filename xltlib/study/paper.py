"""The paper output of a finished profile: what `xlt paper` writes."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from xltlib.artifacts import replacing_folder, write_atomic, write_json
from xltlib.reporting import article, html_report, macros
from xltlib.reporting.document import Paper, Table
from xltlib.study import exhibits, saved
from xltlib.study.grid import Grid

OWN = (
    *("report.html", "article.tex", "numbers.tex"),
    *("tables/*.tex", "tables/*.csv", "figures/*.png", "figures/*.pdf", "json/*.json"),
)
"""The files that `xlt paper` writes; any other in the folder is the user's."""


def write(grid: Grid) -> Path:
    """Write the profile's paper folder; the same cells always give the same bytes. The user's own
    files in it stay.

    Returns:
        The folder: `report.html`, `article.tex`, `numbers.tex`, `tables/`, `figures/`, `json/`.

    Raises:
        InputError: a cell is not done; an older paper folder stays as it is.
    """
    paper = exhibits.gather(grid)
    folder = grid.params.outputs / grid.params.profile / "paper"
    with replacing_folder(folder) as new:
        for section in paper.sections:
            for table in section.tables:
                write_atomic(new / f"tables/{table.name}.tex", article.table(table))
                saved.write_csv(new / f"tables/{table.name}.csv", table.marked)
                write_json(new / f"json/{table.name}.json", _rows(table))
        of_sections = (figure for section in paper.sections for figure in section.figures)
        for figure in (*paper.front.figures, *of_sections):
            write_atomic(new / f"figures/{figure.name}.png", figure.png)
            write_atomic(new / f"figures/{figure.name}.pdf", figure.pdf)
        write_json(new / "json/findings.json", _findings(paper))
        write_json(new / "json/runs.json", _runs(paper))
        write_atomic(new / "numbers.tex", macros.definitions(paper.quotes))
        write_atomic(new / "article.tex", article.article(paper))
        write_atomic(new / "report.html", html_report.page(paper))
        _keep_others(folder, new)
    return folder


def _keep_others(old: Path, new: Path) -> None:
    """Copy what `xlt paper` does not write, such as a compiled article, a bibliography, or a link
    to a folder."""
    for path in sorted(old.rglob("*")):
        name = path.relative_to(old).as_posix()
        if path.is_dir() and not path.is_symlink():
            (new / name).mkdir(parents=True, exist_ok=True)
        elif not any(fnmatchcase(name, own) for own in OWN):
            shutil.copy2(path, new / name, follow_symlinks=False)


def _rows(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "provenance": asdict(table.about),
        "rows": [
            origin._asdict() | {"record": record}
            for origin, record in zip(table.origins, table.records, strict=True)
        ],
    }


def _findings(paper: Paper) -> list[dict[str, Any]]:
    """Every sentence with its macros."""
    return [
        asdict(quote.sentence)
        | {"file": quote.file, "macros": {name: piece.text for piece, name in own.items()}}
        for quote, own in zip(paper.quotes, macros.names(paper.quotes), strict=True)
    ]


def _runs(paper: Paper) -> dict[str, Any]:
    return {
        "provenance": asdict(paper.about),
        "versions": paper.versions,
        "runs": [asdict(run) for run in paper.runs],
    }
