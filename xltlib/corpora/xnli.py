"""XNLI (Conneau et al. 2018): the same premise and hypothesis pairs in fifteen languages."""

from __future__ import annotations

import csv

from datasets import Dataset, Features, Value

from xltlib.artifacts import InputError
from xltlib.corpora.hub import load_hub, load_layout
from xltlib.corpora.squad_files import find
from xltlib.params import CorpusSource

LANGUAGES = ("en", "ar", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
REPOSITORY = "facebook/xnli"
LABELS = ("entailment", "neutral", "contradiction")
FEATURES = Features(
    {
        "id": Value("string"),
        "language": Value("string"),
        "premise": Value("string"),
        "hypothesis": Value("string"),
        "label": Value("int64"),
    }
)


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev` or `test`; ids are row numbers, the same in all languages."""
    if split not in ("train", "dev", "test"):
        raise InputError(f"corpus xnli has no split {split!r}; there: train, dev, test")
    published = "validation" if split == "dev" else split
    if source.source == "hub":
        rows = load_hub(REPOSITORY, language, published, source.revision)
    else:
        rows = load_layout(source.folder, language, published)
    if rows is None:
        rows = Dataset.from_list(_read_tsv(source, language, split))
    return rows.map(
        lambda row, i: {"id": f"xnli-{split}-{i:06d}", "language": language}, with_indices=True
    ).cast(FEATURES)


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
        rows.append({"premise": line[2], "hypothesis": line[3], "label": LABELS.index(line[1])})
    if not rows:
        raise InputError(f"{path}: holds no row. Check that the file is complete.")
    return rows
