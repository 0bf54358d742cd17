"""The contents of a paper: tables, figures and sentences, each with its source files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from xltlib.reporting.macros import Quote
from xltlib.reporting.sentences import Piece, Sentence
from xltlib.reporting.style import Provenance


@dataclass(frozen=True)
class Prose:
    """Sentences in a cell of a table."""

    sentences: tuple[Sentence, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.sentences))

    def pieces(self) -> list[Piece]:
        """The text in order, with each number separate from the words around it."""
        pieces: list[Piece] = []
        for sentence in self.sentences:
            pieces += [Piece(" ")] * bool(pieces) + sentence.pieces()
        return pieces


class Origin(NamedTuple):
    """The origin of a row: the file, the row's number in it (from 1), and the run that made it."""

    file: str
    row: int
    run: str


@dataclass(frozen=True)
class Table:
    """A table with the name of its files; `origins` and `records` belong to its rows."""

    name: str
    title: str
    about: Provenance
    frame: pd.DataFrame
    origins: list[Origin]
    records: list[dict[str, Any]]

    @property
    def marked(self) -> pd.DataFrame:
        """The frame with the profile, seeds and run of every row, for stand-alone files."""
        return self.frame.assign(
            profile=self.about.profile,
            seeds=" ".join(map(str, self.about.seeds)),
            run=[origin.run for origin in self.origins],
        )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows for JSON: plain values, with null for missing ones."""
    return json.loads(frame.to_json(orient="records", force_ascii=False))


@dataclass(frozen=True)
class Figure:
    """A figure that a cell saved, with the name of its copies."""

    name: str
    title: str
    about: Provenance
    png: bytes
    pdf: bytes
    file: str


@dataclass(frozen=True)
class Run:
    """A cell that the paper reads, with details from its manifest."""

    name: str
    fingerprint: str
    file: str


@dataclass(frozen=True)
class Section:
    """A section of the paper about one stage; some of its sentences are in its tables."""

    name: str
    title: str
    quotes: list[Quote] = field(default_factory=list)
    quotes_in_tables: list[Quote] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


@dataclass(frozen=True)
class Front:
    """The opening of the paper: the question, and the answer and figure for every encoder."""

    question: str
    said: list[Quote]
    figures: list[Figure]


@dataclass(frozen=True)
class Paper:
    """The whole paper. `versions` are those of the packages used in the runs."""

    about: Provenance
    front: Front
    sections: list[Section]
    runs: list[Run]
    versions: dict[str, str]

    @property
    def quotes(self) -> list[Quote]:
        """All sentences, in order."""
        return [
            *self.front.said,
            *(q for one in self.sections for q in (*one.quotes, *one.quotes_in_tables)),
        ]
