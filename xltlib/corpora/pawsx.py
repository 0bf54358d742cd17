"""PAWS-X (Yang et al. 2019): paraphrase pairs of high word overlap in seven languages."""

from __future__ import annotations

import csv

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import PAIR, Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find
from xltlib.params import CorpusSource

LANGUAGES = ("en", "de", "es", "fr", "ja", "ko", "zh")
REPOSITORY = "google-research-datasets/paws-x"
LABELS = ("not a paraphrase", "paraphrase")
# The publisher's file names; `train` is English as written and the others' machine translation.
FILES = {"train": ("train.tsv", "translated_train.tsv"), "dev": ("dev_2k.tsv",)}
FILES["test"] = ("test_2k.tsv",)


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev` or `test`; ids are the publisher's, the same in all languages.

    A few pairs are empty in some languages, as published: they are left out there.
    """
    if split not in FILES:
        raise InputError(f"corpus pawsx has no split {split!r}; there: train, dev, test")
    published = "validation" if split == "dev" else split
    rows = load_published(source, REPOSITORY, language, published)
    if rows is None:
        rows = Dataset.from_list(_read_tsv(source, language, split))
    rows = rows.map(lambda row: {"id": f"pawsx-{split}-{row['id']}", "language": language})
    rows = rows.filter(lambda row: bool(row["sentence1"].strip() and row["sentence2"].strip()))
    return rows.select_columns(list(PAIR)).cast(PAIR)


def _read_tsv(source: CorpusSource, language: str, split: str) -> list[dict[str, object]]:
    """The rows of a publisher's file: id, sentence 1, sentence 2, label."""
    (path, *_) = find(source.folder / language, *FILES[split])
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    rows = []
    for number, line in enumerate(lines, start=2):
        if len(line) != 4 or line[3] not in ("0", "1"):
            raise InputError(
                f"{path}: line {number} is not id, sentence1, sentence2, label with a label of 0 "
                "or 1."
            )
        rows.append(
            {"id": line[0], "sentence1": line[1], "sentence2": line[2], "label": int(line[3])}
        )
    if not rows:
        raise InputError(f"{path}: holds no row. Check that the file is complete.")
    return rows


CORPORA = {
    "pawsx": Corpus(
        "classification", LANGUAGES, load, REPOSITORY, mini=mini.paraphrase, labels=LABELS
    )
}
