"""XQuAD (Artetxe et al. 2020): SQuAD questions in eleven languages, by human translators."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import QA, Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, parquet
from xltlib.corpora.squad_files import ANSWERED, first_articles, from_hub, read_squad
from xltlib.params import CorpusSource

LANGUAGES = ("en", "ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
REPOSITORY = "google/xquad"
PARAGRAPHS = 5
"""Paragraphs of each article, one after another (240 of 48 articles)."""


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language, from which all splits are cut."""
    return find(folder, [parquet(f"xquad.{language}", "validation"), (f"xquad.{language}.json",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language; `train` is its first `cut_after` articles, `test` the others.

    XQuAD is published as one split, `all`. It is cut by article, so that no passage is in both
    parts. The files have the same articles in the same order in every language.
    """
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (f"xquad.{language}", "validation"), ANSWERED)
    if isinstance(opened, Dataset):
        rows = from_hub(opened, lambda identity: language, source.folder or REPOSITORY)
        rows = _with_articles(rows.select_columns([*QA]))
    else:
        rows = read_squad(opened[0], language)
    if split == "all":
        return rows
    return first_articles(
        rows, source.cut_after, rest=split == "test", key="corpora.xquad.cut_after"
    )


def _with_articles(rows: Dataset) -> Dataset:
    """The rows with a name of their article, which the hub's copy lacks.

    In an excerpt, which is not made of whole articles, each passage counts as an article.
    """
    number = {context: i for i, context in enumerate(dict.fromkeys(rows["context"]))}
    each = 1 if len(number) % PARAGRAPHS else PARAGRAPHS
    titles = [f"article {number[context] // each}" for context in rows["context"]]
    return rows.remove_columns("title").add_column("title", titles).cast(QA)


CORPORA = {
    "xquad": Corpus(
        "qa",
        LANGUAGES,
        ("all", "train", "test"),
        files,
        load,
        REPOSITORY,
        mini=mini.qa_of_every_fact,
    )
}
