"""PAWS-X (Yang et al. 2019): paraphrase pairs with high word overlap in seven languages."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.linked import groups
from xltlib.corpora.local import find, pairs, parquet, require_rows
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, shown

LANGUAGES = ("en", "de", "es", "fr", "ja", "ko", "zh")
REPOSITORY = "google-research-datasets/paws-x"
LABELS = ("not a paraphrase", "paraphrase")
HEADER = ["id", "sentence1", "sentence2", "label"]
SPLITS = {
    "train": "train",
    "dev": "validation",
    "dev-first": "validation",
    "dev-rest": "validation",
    "test": "test",
}
# The publisher's file names; `train` is original English, and machine translation elsewhere.
FILES = {
    "train": ("train.tsv", "translated_train.tsv"),
    "dev": ("dev_2k.tsv",),
    "test": ("test_2k.tsv",),
}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language and split; parts of `dev` also need the English file."""
    own = _own_files(folder, language, split)
    if split in ("dev-first", "dev-rest") and language != "en":
        own = own + _own_files(folder, "en", split)
    return own


def _own_files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language and split, which may be below the publisher's `x-final`."""
    names = FILES[split.partition("-")[0]]
    layouts = [(f"{below}{language}/{name}",) for below in ("", "x-final/") for name in names]
    return find(folder, [parquet(language, SPLITS[split]), *layouts])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev`, `test`, or a part of `dev`; ids are the publisher's, the same
    in all languages.

    Many pairs share a sentence. `dev-first` has the first `cut_after` groups of pairs that share
    English sentences, and `dev-rest` the others, so that no English sentence is in both. A few
    pairs were published empty in some languages; they are left out there. In place of others there
    is `NS`; published scores include them, so they are kept (but not in generalised transfer).
    """
    part, _, piece = split.partition("-")
    where = partial(_own_files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (language, SPLITS[split]), HEADER)
    if isinstance(opened, Dataset):
        rows = opened
    else:
        rows = Dataset.from_list(require_rows(_read(opened[0]), opened[0]))
    ids = [f"pawsx-{part}-{identity}" for identity in rows["id"]]
    rows = pairs(rows, ids, language, len(LABELS), source.folder or REPOSITORY)
    sides = zip(rows["sentence1"], rows["sentence2"], strict=True)
    rows = rows.select([i for i, (one, two) in enumerate(sides) if one.strip() and two.strip()])
    if not piece:
        return rows
    english = rows if language == "en" else load(source, "en", part)
    of_row = groups(list(english["sentence1"]), list(english["sentence2"]))
    return _cut(rows, dict(zip(english["id"], of_row, strict=True)), piece, source.cut_after)


def _cut(rows: Dataset, group: dict[str, int], piece: str, cut_after: int | None) -> Dataset:
    """The rows of the first groups, or of the others."""
    there, first = 1 + max(group.values()), cut_after or 0
    if not 0 < first < there:
        raise InputError(
            f"corpora.pawsx: split dev-{piece} with cut_after {cut_after}: give 1 to {there - 1} "
            "groups of pairs that share a sentence."
        )
    numbers = enumerate(group.get(identity) for identity in rows["id"])
    return rows.select(
        [i for i, n in numbers if n is not None and (n < first) == (piece == "first")]
    )


def _read(path: Path) -> list[dict[str, object]]:
    """The rows of a publisher's file: id, sentence 1, sentence 2, label."""
    rows = []
    for number, line in lines(path):
        fields = line.split("\t")
        if number == 1:
            if fields != HEADER:
                raise InputError(
                    f"{path}: line 1 must be {', '.join(HEADER)}, separated by tabs (found "
                    f"{shown(line)})."
                )
            continue
        if not line:
            continue
        if len(fields) != 4:
            raise InputError(
                f"{path}: line {number} must be id, sentence1, sentence2, label, separated by tabs "
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
