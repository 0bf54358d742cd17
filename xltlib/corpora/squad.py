"""SQuAD 1.1 (Rajpurkar et al. 2016): the English training set of XQuAD and MLQA."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, parquet
from xltlib.corpora.squad_files import ANSWERED, from_hub, read_squad
from xltlib.params import CorpusSource

LANGUAGES = ("en",)
REPOSITORY, CONFIG = "rajpurkar/squad", "plain_text"
SPLITS = {"train": "train", "dev": "validation"}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of a split."""
    return find(folder, [parquet(CONFIG, SPLITS[split]), (f"{split}-v1.1.json",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """`train` or `dev`. XQuAD's questions come from dev, so never train on dev and test on
    XQuAD."""
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (CONFIG, SPLITS[split]), ANSWERED)
    if isinstance(opened, Dataset):
        return from_hub(opened, lambda identity: language, source.folder or REPOSITORY)
    return read_squad(opened[0], language)


CORPORA = {"squad": Corpus("qa", LANGUAGES, tuple(SPLITS), files, load, REPOSITORY, mini=mini.qa)}
