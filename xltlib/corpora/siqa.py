"""Social IQa (Sap et al. 2019): English questions on situations with three answers each.

XTREME-R trains on it for XCOPA, which has no training set of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import CHOICE, Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find
from xltlib.corpora.xcopa import read_json_lines
from xltlib.params import CorpusSource

LANGUAGES = ("en",)
REPOSITORY, CONFIG = "allenai/social_i_qa", "default"
CHOICES = ("answerA", "answerB", "answerC")


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """`train` or `dev`, in English; labels are published as 1 to 3 and are 0 to 2 here."""
    if split not in ("train", "dev"):
        raise InputError(f"corpus siqa has no split {split!r}; there: train, dev")
    published = "validation" if split == "dev" else split
    rows = load_published(source, REPOSITORY, CONFIG, published)
    if rows is None:
        rows = _read_files(source.folder, split)
    where = source.folder or REPOSITORY
    return Dataset.from_list(
        [_columns(row, i, language, split, where) for i, row in enumerate(rows)], features=CHOICE
    )


def _read_files(folder: Path, split: str) -> list[dict[str, Any]]:
    """The publisher's two files: rows, and their labels line by line."""
    (path, *_) = find(folder, f"{split}.jsonl")
    (labels, *_) = find(folder, f"{split}-labels.lst")
    rows, marks = list(read_json_lines(path)), labels.read_text(encoding="utf-8").split()
    if len(rows) != len(marks):
        raise InputError(f"{labels}: {len(marks)} labels for the {len(rows)} rows of {path.name}.")
    return [row | {"label": mark} for row, mark in zip(rows, marks, strict=True)]


def _columns(
    row: dict[str, Any], number: int, language: str, split: str, where: Path | str
) -> dict[str, Any]:
    try:
        return {
            "id": f"siqa-{split}-{number:06d}",
            "language": language,
            "premise": row["context"],
            "question": row["question"],
            "choices": [row[name] for name in CHOICES],
            "label": ("1", "2", "3").index(str(row["label"])),
        }
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{where}: {split}: row {number} lacks {error} or has it in another form. Each needs "
            f"context, question, {', '.join(CHOICES)} and a label of 1, 2 or 3."
        ) from error


CORPORA = {"siqa": Corpus("choice", LANGUAGES, load, REPOSITORY, mini=mini.choice)}
