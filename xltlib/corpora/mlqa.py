"""MLQA (Lewis et al. 2020): questions and passages that were found, not translated, in parallel.

XTREME takes question and passage in the same language; so it is here.
"""

from __future__ import annotations

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find, from_hub, read_squad
from xltlib.params import CorpusSource

LANGUAGES = ("en", "ar", "de", "es", "hi", "vi", "zh")
REPOSITORY = "facebook/mlqa"


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `dev` or `test`; it has no training set (XTREME trains on SQuAD)."""
    if split not in ("dev", "test"):
        raise InputError(f"corpus mlqa has no split {split!r}; there: dev, test")
    published = "validation" if split == "dev" else split
    config = f"mlqa.{language}.{language}"
    rows = load_published(source, REPOSITORY, config, published)
    if rows is None:
        name = f"{split}-context-{language}-question-{language}.json"
        return read_squad(find(source.folder, name, f"{split}/{name}")[0], language)
    return from_hub(rows, lambda identity: language)


CORPORA = {"mlqa": Corpus("qa", LANGUAGES, load, REPOSITORY, mini=mini.qa)}
