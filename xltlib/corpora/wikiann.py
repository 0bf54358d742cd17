"""WikiANN (Pan et al. 2017): named entities (persons, organisations, locations) as BIO tags, in the
balanced splits of Rahimi et al. 2019 that XTREME uses."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import TAGGED, Corpus
from xltlib.corpora.hub import published, tagged
from xltlib.corpora.local import find, parquet, require_rows
from xltlib.languages import LANGUAGES as ALL
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, shown

LANGUAGES = tuple(ALL)
REPOSITORY = "unimelb-nlp/wikiann"
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language and split."""
    return find(folder, [parquet(language, SPLITS[split]), (f"{language}/{split}",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev` or `test`. Sentences are not translations of each other."""
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (language, SPLITS[split]), ("tokens", "ner_tags"))
    if isinstance(opened, Dataset):
        return tagged(opened, "ner_tags", TAGS, language, split, source.folder or REPOSITORY)
    return _read(opened[0], language, split)


def _read(path: Path, language: str, split: str) -> Dataset:
    """A publisher's file: `language:token` or `token`, a tab and a tag per line; an empty line
    ends a sentence."""
    rows: list[dict[str, object]] = []
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in (*lines(path), (0, "")):
        if line.strip():
            token, _, tag = line.partition("\t")
            if tag not in TAGS:
                raise InputError(
                    f"{path}: line {number} must be a token, a tab and one of {', '.join(TAGS)} "
                    f"(found {shown(line)})."
                )
            tokens.append(token.removeprefix(f"{language}:"))
            tags.append(tag)
        elif tokens:
            identity = f"{language}-{split}-{len(rows):06d}"
            rows.append({"id": identity, "language": language, "tokens": tokens, "tags": tags})
            tokens, tags = [], []
    return Dataset.from_list(require_rows(rows, path), features=TAGGED)


CORPORA = {
    "wikiann": Corpus(
        "tagging",
        LANGUAGES,
        tuple(SPLITS),
        files,
        load,
        REPOSITORY,
        mini=mini.tagging,
        labels=TAGS,
        mini_labels=mini.SLOT_TAGS,
    )
}
