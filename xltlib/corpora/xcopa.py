"""COPA (Roemmele et al. 2011) and, in eleven languages, XCOPA (Ponti et al. 2020).

Which of two sentences is the cause, or the effect, of a premise?
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import CHOICE, Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, key_of, number_of, parquet, require_rows, text_of
from xltlib.params import CorpusSource
from xltlib.text_files import read_json_lines

LANGUAGES = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")
REPOSITORY, COPA_REPOSITORY = "cambridgeltl/xcopa", "aps/super_glue"
# The corpus only says "cause" or "effect"; a model reads it as a question in English.
QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}
SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """XCOPA's file of one language."""
    name = f"{'val' if split == 'dev' else split}.{language}.jsonl"
    layouts = [parquet(language, SPLITS[split]), (name,), (f"data/{language}/{name}",)]
    return find(folder, layouts)


def copa_files(folder: Path, language: str, split: str) -> list[Path]:
    """COPA's file, from XCOPA's repository or from SuperGLUE."""
    name = "val" if split == "dev" else split
    layouts = [(f"{name}-en.jsonl",), (f"{name}.jsonl",), (f"COPA/{name}.jsonl",)]
    return find(folder, [parquet("copa", SPLITS[split]), *layouts])


def load(
    name: str,
    find_files: Callable[[Path, str, str], list[Path]],
    source: CorpusSource,
    language: str,
    split: str,
) -> Dataset:
    """One language of a split; ids are the publisher's, the same in all of XCOPA's languages.

    XCOPA has no English and no training set: XTREME-R trains on Social IQa and COPA.
    """
    copa = name == "copa"
    opened = published(
        source,
        lambda folder: find_files(folder, language, split),
        COPA_REPOSITORY if copa else REPOSITORY,
        ("copa" if copa else language, SPLITS[split]),
        ("idx", "premise", "question", "choice1", "choice2", "label"),
    )
    if isinstance(opened, Dataset):
        place = f"{source.folder or (COPA_REPOSITORY if copa else REPOSITORY)}: {language} {split}"
        rows = [_columns(row, name, language, split, place) for row in opened]
    else:
        rows = [
            _columns(row, name, language, split, where) for where, row in read_json_lines(opened[0])
        ]
        require_rows(rows, opened[0])
    return Dataset.from_list(rows, features=CHOICE)


def _columns(
    row: dict[str, Any], name: str, language: str, split: str, where: str
) -> dict[str, Any]:
    question = row.get("question")
    if type(question) is int and 0 <= question < len(QUESTIONS):  # the hub's class number
        row = row | {"question": list(QUESTIONS)[question]}
    return {
        "id": f"{name}-{split}-{number_of(row, 'idx', where):04d}",
        "language": language,
        "premise": text_of(row, "premise", where),
        "question": key_of(row, "question", QUESTIONS, where),
        "choices": [text_of(row, "choice1", where), text_of(row, "choice2", where)],
        "label": number_of(row, "label", where, below=2),
    }


CORPORA = {
    "xcopa": Corpus(
        "choice",
        LANGUAGES,
        ("dev", "test"),
        files,
        partial(load, "xcopa", files),
        REPOSITORY,
        mini=mini.choice,
    ),
    "copa": Corpus(
        "choice",
        ("en",),
        ("train", "dev"),
        copa_files,
        partial(load, "copa", copa_files),
        COPA_REPOSITORY,
        mini=mini.choice,
    ),
}
