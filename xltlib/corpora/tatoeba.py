"""Tatoeba (Artetxe and Schwenk 2019): up to 1,000 sentences and their English translations."""

from __future__ import annotations

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import BITEXT, Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find
from xltlib.params import CorpusSource

# The corpus names its files by ISO 639-3 codes.
CODES = dict(
    pair.split(":")
    for pair in (
        "ar:ara bg:bul bn:ben de:deu el:ell es:spa et:est fi:fin fr:fra hi:hin id:ind it:ita "
        "ja:jpn ko:kor ru:rus sw:swh ta:tam te:tel th:tha tr:tur ur:urd vi:vie zh:cmn"
    ).split()
)
REPOSITORY = "google/xtreme"


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language with English: `query` in the language, `candidate` its translation."""
    if split != "test":
        raise InputError(f"corpus tatoeba has no split {split!r}; there: test")
    code = CODES[language]
    config = f"tatoeba.{code}"
    rows = load_published(source, REPOSITORY, config, "validation")
    if rows is None:
        sides = [
            find(source.folder, f"tatoeba.{code}-eng.{side}")[0].read_text("utf-8").splitlines()
            for side in (code, "eng")
        ]
        if len(sides[0]) != len(sides[1]):
            raise InputError(
                f"{source.folder}: tatoeba.{code}-eng has {len(sides[0])} lines on one side and "
                f"{len(sides[1])} on the other. Copy or download both again."
            )
        texts = list(zip(*sides, strict=True))
    else:
        texts = list(zip(rows["source_sentence"], rows["target_sentence"], strict=True))
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


CORPORA = {"tatoeba": Corpus("bitext", tuple(CODES), load, REPOSITORY, mini=mini.bitext)}
