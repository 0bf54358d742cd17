"""Part-of-speech tags of Universal Dependencies, as in XTREME's UDPOS task."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import TAGGED, Corpus
from xltlib.corpora.hub import published, tagged
from xltlib.corpora.local import find, parquet, require_rows
from xltlib.languages import LANGUAGES as ALL
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, number_of, shown

LANGUAGES = tuple(ALL)
REPOSITORY = "google/xtreme"
UPOS = tuple(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)
SPLITS = {"train": "train", "dev": "validation", "test": "test", "pud": "pud"}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The treebanks of one language; PUD is only in its own split."""
    if split == "pud":
        return find(folder, [(f"{language}_pud-ud-test.conllu",)])
    config = f"udpos.{ALL[language].name}"
    found = find(folder, [parquet(config, SPLITS[split]), (f"{language}_*-ud-{split}.conllu",)])
    kept = [path for path in found if not path.name.startswith(f"{language}_pud")]
    if not kept:
        raise InputError(f"{folder}: the only treebank of {language} is PUD. Use split: pud.")
    return kept


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev`, `test`, or `pud`: the parallel sentences of PUD treebanks.

    PUD's ids are the treebanks' own, the same in every language. Other ids begin with the language,
    or with the treebank if there are several, because the sentences are not translations of each
    other.
    """
    if split == "pud" and source.source == "hub":
        raise InputError("corpora.udpos: split pud needs source: local (UD's own files)")
    where = partial(files, language=language, split=split)
    hub = (f"udpos.{ALL[language].name}", SPLITS[split])
    opened = published(source, where, REPOSITORY, hub, ("tokens", "pos_tags"))
    if isinstance(opened, Dataset):
        return tagged(opened, "pos_tags", UPOS, language, split, source.folder or REPOSITORY)
    rows: list[dict[str, object]] = []
    for path in opened:
        # Two treebanks may use the same sentence ids.
        prefix = f"{path.stem}-" if len(opened) > 1 else f"{language}-" * (split != "pud")
        rows += _sentences(path, language, prefix)
    return Dataset.from_list(require_rows(rows, opened[0]), features=TAGGED)


def _sentences(path: Path, language: str, prefix: str) -> Iterator[dict[str, object]]:
    """Sentences of a CoNLL-U file; one without a `sent_id` gets its number in the file.

    Multiword ranges and empty nodes have no tag and are skipped.
    """
    identity, tokens, tags, count = "", [], [], 0
    for number, line in (*lines(path), (0, "")):
        if line.startswith("#"):
            key, equals, value = line[1:].partition("=")
            if equals and key.strip() == "sent_id":
                identity = value.strip()
        elif line.strip():
            columns = line.split("\t")
            if len(columns) != 10:
                raise InputError(
                    f"{path}: line {number} has {number_of(len(columns), 'column')}, not 10 "
                    f"separated by tabs (found {shown(line)})."
                )
            if "-" in columns[0] or "." in columns[0]:
                continue
            if columns[3] not in UPOS:
                raise InputError(
                    f"{path}: line {number}: {shown(columns[1])} is tagged {shown(columns[3])}, "
                    "which is not a universal tag (UPOS). Tag it, or remove its sentence."
                )
            if columns[1] == "_" and columns[3] not in ("PUNCT", "SYM", "X"):
                raise InputError(
                    f"{path}: line {number} has a tag without a word: the treebank is published "
                    "without its text. Add the text as its README says, or remove this file."
                )
            tokens.append(columns[1])
            tags.append(columns[3])
        elif tokens:
            count += 1
            identity = identity or f"sentence-{count:06d}"
            yield {"id": prefix + identity, "language": language, "tokens": tokens, "tags": tags}
            identity, tokens, tags = "", [], []


CORPORA = {
    "udpos": Corpus(
        "tagging",
        LANGUAGES,
        tuple(SPLITS),
        files,
        load,
        REPOSITORY,
        mini=mini.tagging,
        labels=UPOS,
        mini_labels=mini.SLOT_TAGS,
    )
}
