"""The definition of a corpus (task kind, languages, splits, files, loader), and columns by task
kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset, Features, Value
from datasets import List as ListOf

from xltlib.params import CorpusSource, MiniSettings

_STRING = Value("string")
_ID = {"id": _STRING, "language": _STRING}

QA = Features(
    _ID
    | dict.fromkeys(("title", "context", "question"), _STRING)
    | {"answers": {"text": ListOf(_STRING), "answer_start": ListOf(Value("int64"))}}
    | {"wrong_offsets": Value("int64")}
)
PAIR = Features(_ID | {"sentence1": _STRING, "sentence2": _STRING, "label": Value("int64")})
CHOICE = Features(
    _ID
    | {"premise": _STRING, "question": _STRING, "choices": ListOf(_STRING), "label": Value("int64")}
)
TAGGED = Features(_ID | {"tokens": ListOf(_STRING), "tags": ListOf(_STRING)})
BITEXT = Features(_ID | {"query": _STRING, "candidate": _STRING})
CLOZE = Features(_ID | {"prompt": _STRING, "candidates": ListOf(_STRING), "answer": _STRING})

NOT_TEXT = {"id", "language", "title", "tags"}

Layout = tuple[str, ...]
"""Patterns of the files below a corpus's folder that together make one split in one language."""


FindFiles = Callable[[Path, str, str], list[Path]]
Load = Callable[[CorpusSource, str, str], Dataset]
MakeMini = Callable[[str, str, MiniSettings], Dataset]


@dataclass(frozen=True)
class Corpus:
    """A corpus, in all of its sources.

    `kind` names a task kind of `xltlib.tasks`, or a kind of data on which representations are
    measured. `load(source, language, split)` reads local files, or the hub if there is a
    `repository`; `files(folder, language, split)` finds those local files. `mini(language, split,
    settings)` makes the synthetic corpus, which has its own splits. `labels` are the classes or
    tags in the order of their integers; `mini_labels` are those of the synthetic corpus if they
    differ.
    """

    kind: str
    languages: tuple[str, ...]
    splits: tuple[str, ...] = ()
    files: FindFiles | None = None
    load: Load | None = None
    repository: str | None = None
    mini: MakeMini | None = None
    labels: tuple[str, ...] = ()
    mini_labels: tuple[str, ...] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The corpus's sources."""
        return (
            *(("hub",) if self.repository else ()),
            *(("local",) if self.load else ()),
            *(("mini",) if self.mini else ()),
        )


def text_columns(rows: Dataset) -> list[str]:
    """The columns that a model reads: strings and lists of strings, except for names and labels."""
    return [
        name
        for name, feature in rows.features.items()
        if name not in NOT_TEXT and feature in (_STRING, ListOf(_STRING))
    ]


def texts(rows: Dataset) -> Iterator[str]:
    """Every text of a split; from a list of tokens or choices, each item."""
    for name in text_columns(rows):
        for value in rows[name]:
            yield from [value] if isinstance(value, str) else value
