"""Questions written in one language itself, not translated: ARCD, FacQA, JaQuAD and KorQuAD."""

from __future__ import annotations

from functools import partial
from typing import Any

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora.corpus import QA, Corpus
from xltlib.corpora.squad_files import find, read_squad
from xltlib.params import CorpusSource

# Name -> (language, pattern of the publisher's files).
FILES = {
    "arcd": ("ar", "arcd-*.json"),
    "facqa": ("id", "facqa-*.json"),
    "jaquad": ("ja", "jaquad_*.json"),
    "korquad": ("ko", "KorQuAD_*.json"),
}


def load(name: str, source: CorpusSource, language: str, split: str) -> Dataset:
    """All of a publisher's files together: the corpus's test set."""
    if split != "test":
        raise InputError(f"corpora.{name}: only split: test is there.")
    rows: list[dict[str, Any]] = []
    for path in find(source.folder, FILES[name][1]):
        rows += read_squad(path, language).to_list()
    return Dataset.from_list(rows, features=QA)


CORPORA = {
    name: Corpus("qa", (language,), partial(load, name)) for name, (language, _) in FILES.items()
}
