"""Social IQa (Sap et al. 2019): English questions about situations, with three answers each.

XTREME-R trains on it and on COPA for XCOPA, which has no training set of its own.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import CHOICE, Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, key_of, parquet, require_rows, text_of
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, number_of, read_json_lines

LANGUAGES = ("en",)
REPOSITORY, CONFIG = "allenai/social_i_qa", "default"
CHOICES = ("answerA", "answerB", "answerC")
COLUMNS = ("context", "question", *CHOICES, "label")
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
_LETTERS = {"A": 0, "B": 1, "C": 2}  # version 1.4, in the column `correct`
_NUMBERS = {"1": 0, "2": 1, "3": 2}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """Version 1.4's file, or the two files of older versions with rows and labels."""
    name = {"train": "trn", "dev": "dev", "test": "tst"}[split]
    layouts = [
        parquet(CONFIG, SPLITS[split]),
        (f"socialIQa_v1.4_{name}.jsonl",),
        (f"{split}.jsonl", f"{split}-labels.lst"),
    ]
    return find(folder, layouts)


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """`train`, `dev` or `test`, in English; the three answers are classes 0 to 2."""
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (CONFIG, SPLITS[split]), COLUMNS)
    if isinstance(opened, Dataset):
        place = f"{source.folder or REPOSITORY}: {split}"
        placed = [(f"{place}: row {i}", row) for i, row in enumerate(opened)]
    else:
        placed = _read(*opened)
    rows = [_columns(row, i, language, split, at) for i, (at, row) in enumerate(placed)]
    return Dataset.from_list(rows, features=CHOICE)


def _read(path: Path, labels: Path | None = None) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a publisher's file with their places, and the labels from another file."""
    placed = list(read_json_lines(path))
    require_rows([row for _, row in placed], path)
    if labels is None:
        return placed
    marks = [line for _, line in lines(labels) if line]
    if len(placed) != len(marks):
        raise InputError(
            f"{labels}: {number_of(len(marks), 'label')}, but {path.name} has "
            f"{number_of(len(placed), 'row')}."
        )
    return [
        (at, row | {"label": mark.strip()}) for (at, row), mark in zip(placed, marks, strict=True)
    ]


def _columns(
    row: dict[str, Any], number: int, language: str, split: str, where: str
) -> dict[str, Any]:
    if "correct" in row:
        label = key_of(row, "correct", _LETTERS, where)
    else:
        label = key_of(row, "label", _NUMBERS, where)
    return {
        "id": f"siqa-{split}-{number:06d}",
        "language": language,
        "premise": text_of(row, "context", where),
        "question": text_of(row, "question", where),
        "choices": [text_of(row, name, where) for name in CHOICES],
        "label": label,
    }


CORPORA = {
    "siqa": Corpus("choice", LANGUAGES, tuple(SPLITS), files, load, REPOSITORY, mini=mini.choice)
}
