"""PAWS-X (Yang et al. 2019): paraphrase pairs of high word overlap in seven languages."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, pairs, parquet, require_rows
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, shown

LANGUAGES = ("en", "de", "es", "fr", "ja", "ko", "zh")
REPOSITORY = "google-research-datasets/paws-x"
LABELS = ("not a paraphrase", "paraphrase")
SPLITS = {
    "train": "train",
    "dev": "validation",
    "dev-first": "validation",
    "dev-rest": "validation",
    "test": "test",
}
# The publisher's file names; `train` is English as written and the others' machine translation.
FILES = {
    "train": ("train.tsv", "translated_train.tsv"),
    "dev": ("dev_2k.tsv",),
    "test": ("test_2k.tsv",),
}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language and split, below the publisher's `x-final` too."""
    names = FILES[split.partition("-")[0]]
    layouts = [(f"{below}{language}/{name}",) for below in ("", "x-final/") for name in names]
    return find(folder, [parquet(language, SPLITS[split]), *layouts])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev`, `test`, or a part of `dev`; ids are the publisher's, the same
    in all languages.

    `dev-first` and `dev-rest` are the first `cut_after` pairs of dev, and the others. A few pairs
    are empty in some languages, as published: they are left out there.
    """
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (language, SPLITS[split]))
    part, _, piece = split.partition("-")
    if isinstance(opened, Dataset):
        rows = opened
    else:
        rows = Dataset.from_list(require_rows(_read(opened[0]), opened[0]))
    if piece:  # before pairs are left out, so that every language is cut at the same pair
        rows = _cut(rows, piece, source.cut_after)
    rows = pairs(rows, [f"pawsx-{part}-{identity}" for identity in rows["id"]], language)
    sides = zip(rows["sentence1"], rows["sentence2"], strict=True)
    return rows.select([i for i, (one, two) in enumerate(sides) if one.strip() and two.strip()])


def _cut(rows: Dataset, piece: str, pairs: int | None) -> Dataset:
    """The rows before or after a pair."""
    if not 0 < (pairs or 0) < len(rows):
        raise InputError(
            f"corpora.pawsx: split dev-{piece} with cut_after {pairs}: cut_after is 1 to "
            f"{len(rows) - 1} pairs."
        )
    return rows.select(range(pairs) if piece == "first" else range(pairs, len(rows)))


def _read(path: Path) -> list[dict[str, object]]:
    """The rows of a publisher's file: id, sentence 1, sentence 2, label."""
    rows = []
    for number, line in lines(path):
        if number == 1 or not line:
            continue
        fields = line.split("\t")
        if len(fields) != 4:
            raise InputError(
                f"{path}: line {number} is not id, sentence1, sentence2, label, tabs between "
                f"(found {shown(line)})."
            )
        if fields[3] not in ("0", "1"):
            raise InputError(f"{path}: line {number} has the label {shown(fields[3])}, not 0 or 1.")
        rows.append(
            {
                "id": fields[0],
                "sentence1": fields[1],
                "sentence2": fields[2],
                "label": int(fields[3]),
            }
        )
    return rows


CORPORA = {
    "pawsx": Corpus(
        "classification",
        LANGUAGES,
        tuple(SPLITS),
        files,
        load,
        REPOSITORY,
        mini=mini.paraphrase,
        labels=LABELS,
    )
}
