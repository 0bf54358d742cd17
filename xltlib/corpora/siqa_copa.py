"""XTREME-R's training set for XCOPA: Social IQa (three answers each) and COPA (two each)."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset, concatenate_datasets

from xltlib.corpora import mini, siqa, xcopa
from xltlib.corpora.corpus import Corpus
from xltlib.params import CorpusSource

# The splits of Social IQa and COPA in each split; `small-train` avoids Social IQa's train.
PARTS = {"train": ("train", "train"), "small-train": ("test", "train"), "dev": ("dev", "dev")}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The files of both, in the folders `siqa` and `copa`."""
    first, second = PARTS[split]
    return [
        *siqa.files(folder / "siqa", language, first),
        *xcopa.copa_files(folder / "copa", language, second),
    ]


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """Social IQa's questions followed by COPA's."""
    first, second = PARTS[split]
    below = [
        source.model_copy(update={"folder": source.local_folder / name})
        for name in ("siqa", "copa")
    ]
    return concatenate_datasets(
        [
            siqa.load(below[0], language, first),
            xcopa.load("copa", xcopa.copa_files, below[1], language, second),
        ]
    )


CORPORA = {"siqa-copa": Corpus("choice", ("en",), tuple(PARTS), files, load, mini=mini.choice)}
