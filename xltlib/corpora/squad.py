"""SQuAD 1.1 (Rajpurkar et al. 2016): the English training set of XQuAD and MLQA."""

from __future__ import annotations

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find, from_hub, read_squad
from xltlib.params import CorpusSource

LANGUAGES = ("en",)
REPOSITORY, CONFIG = "rajpurkar/squad", "plain_text"


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """`train` or `dev`. XQuAD's questions are dev's: never train on dev and test on XQuAD."""
    if split not in ("train", "dev"):
        raise InputError(f"corpus squad has no split {split!r}; there: train, dev")
    published = "validation" if split == "dev" else split
    rows = load_published(source, REPOSITORY, CONFIG, published)
    if rows is None:
        return read_squad(find(source.folder, f"{split}-v1.1.json")[0], language)
    return from_hub(rows, lambda identity: language)


CORPORA = {"squad": Corpus("qa", LANGUAGES, load, REPOSITORY, mini=mini.qa)}
