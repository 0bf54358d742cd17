"""SQuADShifts (Miller et al. 2020): four sets of English questions, collected like SQuAD's."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from xltlib.corpora.corpus import Corpus
from xltlib.corpora.local import find
from xltlib.corpora.squad_files import first_articles, read_squad
from xltlib.params import CorpusSource

SETS = ("new_wiki", "nyt", "reddit", "amazon")


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one source of passages."""
    return find(folder, [(f"{split.partition('-')[0]}_v1.0.json",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One of the four sets, or with `-first` and `-rest` its first `cut_after` articles and the
    others. The sets were published for testing, but part of `new_wiki` can be used for training if
    SQuAD is absent."""
    (path,) = files(source.local_folder, language, split)
    rows = read_squad(path, language)
    _, cut, part = split.partition("-")
    if not cut:
        return rows
    return first_articles(
        rows, source.cut_after, rest=part == "rest", key="corpora.squadshifts.cut_after"
    )


CORPORA = {
    "squadshifts": Corpus(
        "qa",
        ("en",),
        tuple(f"{name}{part}" for name in SETS for part in ("", "-first", "-rest")),
        files,
        load,
    )
}
