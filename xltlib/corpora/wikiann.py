"""WikiANN (Pan et al. 2017), named entities in the balanced splits of Rahimi et al. 2019 that
XTREME uses: persons, organisations, locations, as BIO tags."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import TAGGED, Corpus
from xltlib.corpora.hub import load_published, tagged
from xltlib.corpora.squad_files import find
from xltlib.languages import LANGUAGES as ALL
from xltlib.params import CorpusSource

LANGUAGES = tuple(ALL)
REPOSITORY = "unimelb-nlp/wikiann"
TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev` or `test`; no sentence is another's translation."""
    if split not in ("train", "dev", "test"):
        raise InputError(f"corpus wikiann has no split {split!r}; there: train, dev, test")
    published = "validation" if split == "dev" else split
    rows = load_published(source, REPOSITORY, language, published)
    if rows is not None:
        return tagged(rows, "ner_tags", TAGS, language, split)
    (path, *_) = find(source.folder / language, split)
    return _read(path, language, split)


def _read(path: Path, language: str, split: str) -> Dataset:
    """A publisher's file: `language:token`, a tab and a tag a line, empty ones in between."""
    rows, tokens, tags = [], [], []
    for number, line in enumerate([*path.read_text("utf-8").split("\n"), ""], start=1):
        if line.strip():
            token, _, tag = line.partition("\t")
            if tag not in TAGS:
                raise InputError(
                    f"{path}: line {number} is not a token, a tab and one of {', '.join(TAGS)}."
                )
            tokens.append(token.removeprefix(f"{language}:"))
            tags.append(tag)
        elif tokens:
            identity = f"{language}-{split}-{len(rows):06d}"
            rows.append({"id": identity, "language": language, "tokens": tokens, "tags": tags})
            tokens, tags = [], []
    if not rows:
        raise InputError(f"{path}: holds no sentence. Check that the file is complete.")
    return Dataset.from_list(rows, features=TAGGED)


CORPORA = {
    "wikiann": Corpus(
        "tagging",
        LANGUAGES,
        load,
        REPOSITORY,
        mini=mini.tagging,
        labels=TAGS,
        mini_labels=mini.SLOT_TAGS,
    )
}
