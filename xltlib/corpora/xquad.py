"""XQuAD (Artetxe et al. 2020): SQuAD questions translated into eleven languages by people."""

from __future__ import annotations

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find, from_hub, read_squad
from xltlib.params import CorpusSource

LANGUAGES = ("en", "ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
REPOSITORY = "google/xquad"


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language; `train` is its first `cut_after` articles, `test` the others.

    XQuAD is published as one split, `all`. The cut is by article, so that no passage is on both
    sides, and the files hold the same articles in the same order in every language.
    """
    if split not in ("all", "train", "test"):
        raise InputError(f"corpus xquad has no split {split!r}; there: all, train, test")
    config = f"xquad.{language}"
    rows = load_published(source, REPOSITORY, config, "validation")
    if rows is None:
        rows = read_squad(find(source.folder, f"{config}.json")[0], language)
    else:
        rows = from_hub(rows, lambda identity: language)
    if split == "all":
        return rows
    titles = list(dict.fromkeys(rows["title"]))
    if not 0 < (source.cut_after or 0) < len(titles):
        raise InputError(
            f"corpora.xquad.cut_after: {source.cut_after}, but to cut it into train and test takes "
            f"1 to {len(titles) - 1} articles of the {len(titles)} in {language}."
        )
    first = set(titles[: source.cut_after])
    return rows.select(
        [i for i, title in enumerate(rows["title"]) if (title in first) == (split == "train")]
    )


CORPORA = {"xquad": Corpus("qa", LANGUAGES, load, REPOSITORY, mini=mini.qa_of_every_fact)}
