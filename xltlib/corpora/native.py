"""Questions written in the target language, not translated: ARCD, FacQA, JaQuAD and KorQuAD."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset, concatenate_datasets

from xltlib.corpora.corpus import Corpus
from xltlib.corpora.local import find
from xltlib.corpora.squad_files import read_squad
from xltlib.params import CorpusSource

# Name -> (language, pattern of the publisher's files).
FILES = {
    "arcd": ("ar", "arcd-*.json"),
    "facqa": ("id", "facqa-*.json"),
    "jaquad": ("ja", "jaquad_*.json"),
    "korquad": ("ko", "KorQuAD_*.json"),
}


def files(name: str, folder: Path, language: str, split: str) -> list[Path]:
    """All of a publisher's files."""
    return find(folder, [(FILES[name][1],)])


def load(name: str, source: CorpusSource, language: str, split: str) -> Dataset:
    """All of a publisher's files together, as the corpus's test set."""
    paths = files(name, source.local_folder, language, split)
    return concatenate_datasets([read_squad(path, language) for path in paths])


CORPORA = {
    name: Corpus("qa", (language,), ("test",), partial(files, name), partial(load, name))
    for name, (language, _) in FILES.items()
}
