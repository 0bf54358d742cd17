"""The report: one self-contained page of HTML in which each number links to its record."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import jinja2
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from xltlib.reporting.document import Paper, Prose, Section, Table
from xltlib.reporting.macros import Quote
from xltlib.reporting.sentences import Piece
from xltlib.reporting.shown import shown


def page(paper: Paper) -> str:
    """The whole report; the same paper always gives the same page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("xltlib", "reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["zip"] = zip
    environment.filters["beside"] = _beside
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    return environment.get_template("report.html.j2").render(
        paper=paper,
        answer=[(one, _sentence(f"answer-{i}", one)) for i, one in enumerate(paper.front.said)],
        sections=[_section(section) for section in paper.sections],
        folds_from=FOLDS_FROM,
    )


FOLDS_FROM = 12
"""Tables with more rows are folded."""


def _beside(file: str) -> str:
    """The link from the paper folder to a file: `outputs/quick/a/b` is `../a/b`."""
    return "/".join(("..", *map(quote, file.split("/")[2:])))


class Column(NamedTuple):
    """A column's name, and whether it has numbers, prose or words."""

    name: str
    kind: str


@dataclass(frozen=True)
class Line:
    """A row or a sentence: its pieces, cell by cell, and the record to which its numbers link."""

    anchor: str
    cells: list[list[Piece]]
    file: str
    within: str
    record: str


@dataclass(frozen=True)
class ShownTable:
    """A table on the page."""

    table: Table
    columns: list[Column]
    lines: list[Line]

    @property
    def reads_like_prose(self) -> bool:
        """Whether its cells are sentences."""
        return any(column.kind == "prose" for column in self.columns)


@dataclass(frozen=True)
class ShownSection:
    """A section of the page."""

    section: Section
    said: list[tuple[Quote, Line]]
    tables: list[ShownTable]


def _section(section: Section) -> ShownSection:
    said = [
        (one, _sentence(f"{section.name}-said-{i}", one))
        for i, one in enumerate(section.quotes, start=1)
    ]
    return ShownSection(section, said, [_table(table) for table in section.tables])


def _sentence(anchor: str, said: Quote) -> Line:
    one = said.sentence
    return Line(anchor, [one.pieces()], said.file, f"finding {one.name}", _json(asdict(one)))


def _table(table: Table) -> ShownTable:
    frame = table.frame
    columns = [Column(str(name), _kind(frame[name])) for name in frame.columns]
    texts = shown(frame).itertuples(index=False, name=None)
    values = frame.itertuples(index=False, name=None)
    return ShownTable(
        table,
        columns,
        [
            Line(
                anchor=f"{table.name}-{i}",
                cells=[_cell(*one) for one in zip(columns, text, value, strict=True)],
                file=origin.file,
                within=f"row {origin.row}, run {origin.run}",
                record=_json(record),
            )
            for i, (text, value, origin, record) in enumerate(
                zip(texts, values, table.origins, table.records, strict=True), start=1
            )
        ],
    )


def _kind(values: Iterable[Any]) -> str:
    if is_numeric_dtype(values) and not is_bool_dtype(values):
        return "number"
    return "prose" if any(isinstance(value, Prose) for value in values) else "words"


def _cell(column: Column, text: str, value: Any) -> list[Piece]:
    if isinstance(value, Prose):
        return value.pieces()
    return [Piece(text, column.name if column.kind == "number" and text else None)]


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
