"""Tatoeba (Artetxe and Schwenk 2019): up to 1,000 sentences and their English translations."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import BITEXT, Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, parquet
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, number_of

# The corpus names its files with ISO 639-3 codes.
CODES = dict(
    pair.split(":")
    for pair in (
        "ar:ara bg:bul bn:ben de:deu el:ell es:spa et:est fi:fin fr:fra hi:hin id:ind it:ita "
        "ja:jpn ko:kor ru:rus sw:swh ta:tam te:tel th:tha tr:tur ur:urd vi:vie zh:cmn"
    ).split()
)
REPOSITORY = "google/xtreme"


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The two sides of one language."""
    code = CODES[language]
    sides = (f"tatoeba.{code}-eng.{code}", f"tatoeba.{code}-eng.eng")
    return find(folder, [parquet(f"tatoeba.{code}", "validation"), sides])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language with English: `query` in the language, `candidate` its translation."""
    where = partial(files, language=language, split=split)
    hub = (f"tatoeba.{CODES[language]}", "validation")
    columns = ("source_sentence", "target_sentence")
    opened = published(source, where, REPOSITORY, hub, columns)
    if isinstance(opened, Dataset):
        texts = list(zip(opened["source_sentence"], opened["target_sentence"], strict=True))
    else:
        texts = _pairs(*opened)
    return Dataset.from_list(
        [
            {
                "id": f"tatoeba-{language}-{i:04d}",
                "language": language,
                "query": query,
                "candidate": candidate,
            }
            for i, (query, candidate) in enumerate(texts)
        ],
        features=BITEXT,
    )


def _pairs(ours: Path, english: Path) -> list[tuple[str, str]]:
    """The sentences of two files, line by line."""
    sides = []
    for path in (ours, english):
        texts = [text for _, text in lines(path)]
        sides.append(texts[:-1] if texts[-1] == "" else texts)
    if len(sides[0]) != len(sides[1]):
        raise InputError(
            f"{ours}: has {number_of(len(sides[0]), 'line')}, but {english.name} has "
            f"{len(sides[1])}. Copy or download both again."
        )
    return list(zip(*sides, strict=True))


CORPORA = {
    "tatoeba": Corpus("bitext", tuple(CODES), ("test",), files, load, REPOSITORY, mini=mini.bitext)
}
