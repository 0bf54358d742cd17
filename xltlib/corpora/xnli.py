"""XNLI (Conneau et al. 2018): the same premise and hypothesis pairs in fifteen languages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, pairs, parquet, require_rows
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, number_of, shown

LANGUAGES = tuple("en ar bg de el es fr hi ru sw th tr ur vi zh".split())
REPOSITORY = "facebook/xnli"
LABELS = ("entailment", "neutral", "contradiction")
_LABEL = {label: i for i, label in enumerate(LABELS)} | {"contradictory": 2}  # the label in XNLI-MT
PREMISE = 3  # consecutive rows that share a premise, one with each label
SPLITS = {
    "train": "train",
    "dev": "validation",
    "dev-first": "validation",
    "dev-rest": "validation",
    "test": "test",
}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language, or else XNLI 1.0's file of all languages or XNLI-MT 1.0's
    translation."""
    part = split.partition("-")[0]
    layouts = [parquet(language, SPLITS[split]), (f"xnli.{part}.{language}.tsv",)]
    if part == "train":
        name = f"multinli.train.{language}.tsv"
        layouts += [(f"{below}{name}",) for below in ("", "multinli/", "XNLI-MT-1.0/multinli/")]
    else:
        layouts += [(f"{below}xnli.{part}.tsv",) for below in ("", "XNLI-1.0/")]
    return find(folder, layouts)


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev`, `test`, or a part of `dev`; ids are row numbers, the same in
    all languages.

    `dev-first` has the rows of dev's first `cut_after` premises, and `dev-rest` the others, so that
    no premise is in both.
    """
    where = partial(files, language=language, split=split)
    columns = ("premise", "hypothesis", "label")
    opened = published(source, where, REPOSITORY, (language, SPLITS[split]), columns)
    part, _, piece = split.partition("-")
    if isinstance(opened, Dataset):
        rows = opened.rename_columns({"premise": "sentence1", "hypothesis": "sentence2"})
    else:
        rows = Dataset.from_list(require_rows(_read(opened[0], language), opened[0]))
    ids = [f"xnli-{part}-{i:06d}" for i in range(len(rows))]
    rows = pairs(rows, ids, language, len(LABELS), source.folder or REPOSITORY)
    return _cut(rows, piece, source.cut_after) if piece else rows


def _cut(rows: Dataset, piece: str, premises: int | None) -> Dataset:
    """The rows before or after a premise."""
    cut = PREMISE * (premises or 0)
    if not 0 < cut < len(rows):
        raise InputError(
            f"corpora.xnli: split dev-{piece} with cut_after {premises}: give 1 to "
            f"{len(rows) // PREMISE - 1} premises."
        )
    return rows.select(range(cut) if piece == "first" else range(cut, len(rows)))


def _read(path: Path, language: str) -> list[dict[str, object]]:
    """The rows of one language in a publisher's file, whose format its first line shows."""
    rest = lines(path)
    header = next(rest)[1].split("\t")
    if header[0] == "language":
        return _of_one_language(path, rest, header, language)
    if header == ["premise", "hypo", "label"]:
        places = (0, 1, 2)
    elif header == ["genre", "label", f"sentence1_{language}", f"sentence2_{language}"]:
        places = (2, 3, 1)
    else:
        raise InputError(
            f"{path}: line 1 must be XNLI's columns for {language}, e.g. genre, label, "
            f"sentence1_{language}, sentence2_{language} (found {shown(chr(9).join(header))})."
        )
    return [
        _row(path, number, fields, places) for number, fields in _fields(path, rest, len(header))
    ]


def _of_one_language(
    path: Path, rest: Iterator[tuple[int, str]], header: list[str], language: str
) -> list[dict[str, object]]:
    """Rows of XNLI 1.0's own file by `pairID`, in the order of its first language."""
    names = ("sentence1", "sentence2", "gold_label", "pairID")
    if any(name not in header for name in names):
        raise InputError(f"{path}: line 1 lacks one of the columns language, {', '.join(names)}.")
    *places, pair = (header.index(name) for name in names)
    order: dict[str, int] = {}
    first, found = None, []
    for number, fields in _fields(path, rest, len(header)):
        first = first or fields[0]
        if fields[0] == first:
            order.setdefault(fields[pair], number)
        if fields[0] == language:
            found.append((fields[pair], _row(path, number, fields, tuple(places))))
    if not found:
        raise InputError(
            f"{path}: contains no rows in {language}. Check that the file is complete."
        )
    if len(found) != len(order) or {identity for identity, _ in found} != set(order):
        raise InputError(
            f"{path}: the {len(found)} pairs in {language} do not match the {len(order)} in "
            f"{first}. Download it again."
        )
    return [row for _, row in sorted(found, key=lambda item: order[item[0]])]


def _fields(
    path: Path, rest: Iterator[tuple[int, str]], columns: int
) -> Iterator[tuple[int, list[str]]]:
    """The columns of every non-empty line."""
    for number, line in rest:
        if line:
            fields = line.split("\t")
            if len(fields) != columns:
                raise InputError(
                    f"{path}: line {number} has {number_of(len(fields), 'column')}, line 1 has "
                    f"{columns} (found {shown(line)})."
                )
            yield number, fields


def _row(path: Path, number: int, fields: list[str], places: tuple[int, ...]) -> dict[str, object]:
    """Sentences and label, from the columns `places`."""
    one, two, label = (fields[place] for place in places)
    if label not in _LABEL:
        raise InputError(
            f"{path}: line {number} has the label {shown(label)}, not one of {', '.join(LABELS)}."
        )
    return {"sentence1": one, "sentence2": two, "label": _LABEL[label]}


CORPORA = {
    "xnli": Corpus(
        "classification",
        LANGUAGES,
        tuple(SPLITS),
        files,
        load,
        REPOSITORY,
        mini=mini.nli,
        labels=LABELS,
    )
}
