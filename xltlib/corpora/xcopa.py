"""XCOPA (Ponti et al. 2020): which of two sentences is the cause, or the effect, of a premise."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import CHOICE, Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find
from xltlib.params import CorpusSource

LANGUAGES = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")
REPOSITORY = "cambridgeltl/xcopa"
# The corpus says only "cause" or "effect"; a model gets it as a question, in English.
QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `dev` or `test`; ids are the publisher's, the same in all languages.

    There is no English and no training set: XTREME-R trains on SIQa and English COPA.
    """
    if split not in ("dev", "test"):
        raise InputError(f"corpus xcopa has no split {split!r}; there: dev, test")
    published = "validation" if split == "dev" else split
    rows = load_published(source, REPOSITORY, language, published)
    part = "val" if split == "dev" else "test"
    if rows is None:
        name = f"{part}.{language}.jsonl"
        (path, *_) = find(source.folder, name, f"data/{language}/{name}")
        rows = read_json_lines(path)
    where = source.folder or REPOSITORY
    return Dataset.from_list(
        [_columns(row, language, split, where) for row in rows], features=CHOICE
    )


def read_json_lines(path: Path) -> Iterable[dict[str, Any]]:
    """The rows of a JSON-lines file.

    Raises:
        InputError: a line is not a JSON object; names it.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}: line {number} is not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not a JSON object.")
        yield row


def _columns(row: dict[str, Any], language: str, split: str, where: Path | str) -> dict[str, Any]:
    try:
        return {
            "id": f"xcopa-{split}-{int(row['idx']):04d}",
            "language": language,
            "premise": row["premise"],
            "question": QUESTIONS[row["question"]],
            "choices": [row["choice1"], row["choice2"]],
            "label": int(row["label"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where}: {language} {split}: row {row.get('idx', '?')} lacks {error} or has it in "
            "another form. Each needs premise, question (cause or effect), choice1, choice2, label."
        ) from error


CORPORA = {"xcopa": Corpus("choice", LANGUAGES, load, REPOSITORY, mini=mini.choice)}
