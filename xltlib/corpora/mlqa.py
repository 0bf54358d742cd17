"""MLQA (Lewis et al. 2020): parallel questions on passages that were found, not translated.

In the splits `dev` and `test`, which XTREME uses, question and passage are in the same language. In
the others, such as `dev-question-en`, the question is in a different language.
"""

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

LANGUAGES = ("en", "ar", "de", "es", "hi", "vi", "zh")
REPOSITORY = "facebook/mlqa"
SPLITS = tuple(
    f"{part}{question}"
    for part in ("dev", "test")
    for question in ("", *(f"-question-{code}" for code in LANGUAGES))
)


def _hub(language: str, split: str) -> tuple[str, str]:
    """The config and split on the hub."""
    part, _, question = split.partition("-question-")
    return f"mlqa.{language}.{question or language}", "validation" if part == "dev" else part


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file for one language of passages and one of questions."""
    part, _, question = split.partition("-question-")
    name = f"{part}-context-{language}-question-{question or language}.json"
    return find(folder, [parquet(*_hub(language, split)), (name,), (f"{part}/{name}",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """Passages in one language; there is no training set (XTREME trains on SQuAD)."""
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, _hub(language, split), ANSWERED)
    if isinstance(opened, Dataset):
        return from_hub(opened, lambda identity: language, source.folder or REPOSITORY)
    return read_squad(opened[0], language)


CORPORA = {"mlqa": Corpus("qa", LANGUAGES, SPLITS, files, load, REPOSITORY, mini=mini.qa)}
