"""XNLI (Conneau et al. 2018): the same premise and hypothesis pairs in fifteen languages."""

from __future__ import annotations

import csv

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import PAIR, Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find
from xltlib.params import CorpusSource

LANGUAGES = (
    "en",
    "ar",
    "bg",
    "de",
    "el",
    "es",
    "fr",
    "hi",
    "ru",
    "sw",
    "th",
    "tr",
    "ur",
    "vi",
    "zh",
)
REPOSITORY = "facebook/xnli"
LABELS = ("entailment", "neutral", "contradiction")
PREMISE = 3  # rows that share a premise: one of each label, one after the other


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev`, `test`, or a part of `dev`; ids are row numbers, the same in
    all languages.

    `dev-first` and `dev-rest` are the rows of the first `cut_after` premises of dev, and the
    others: no premise is in both.
    """
    published, _, part = split.partition("-")
    if published not in ("train", "dev", "test") or (split != published and published != "dev"):
        raise InputError(
            f"corpus xnli has no split {split!r}; there: train, dev, test, dev-first, dev-rest"
        )
    name = "validation" if published == "dev" else published
    rows = load_published(source, REPOSITORY, language, name)
    if rows is None:
        rows = Dataset.from_list(_read_tsv(source, language, published))
    else:
        rows = rows.rename_columns({"premise": "sentence1", "hypothesis": "sentence2"})
    rows = rows.map(
        lambda row, i: {"id": f"xnli-{published}-{i:06d}", "language": language}, with_indices=True
    )
    rows = rows.select_columns(list(PAIR)).cast(PAIR)
    return _part(rows, part, source.cut_after) if part else rows


def _part(rows: Dataset, part: str, premises: int | None) -> Dataset:
    """The rows before or after a premise."""
    cut = PREMISE * (premises or 0)
    if part not in ("first", "rest") or not 0 < cut < len(rows):
        raise InputError(
            f"corpora.xnli: split dev-{part} with cut_after {premises}: the parts are dev-first "
            f"and dev-rest, and cut_after is 1 to {len(rows) // PREMISE - 1} premises."
        )
    return rows.select(range(cut) if part == "first" else range(cut, len(rows)))


def _read_tsv(source: CorpusSource, language: str, split: str) -> list[dict[str, object]]:
    """The rows of a publisher's file: genre, label, sentence 1, sentence 2."""
    (path, *_) = find(source.folder, f"xnli.{split}.{language}.tsv")
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    rows = []
    for number, line in enumerate(lines, start=2):
        if len(line) != 4 or line[1] not in LABELS:
            raise InputError(
                f"{path}: line {number} is not genre, label, sentence1, sentence2 with a label of "
                f"{', '.join(LABELS)}."
            )
        rows.append({"sentence1": line[2], "sentence2": line[3], "label": LABELS.index(line[1])})
    if not rows:
        raise InputError(f"{path}: holds no row. Check that the file is complete.")
    return rows


CORPORA = {
    "xnli": Corpus("classification", LANGUAGES, load, REPOSITORY, mini=mini.nli, labels=LABELS)
}
