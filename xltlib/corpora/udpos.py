"""Part-of-speech tags of Universal Dependencies, as XTREME's UDPOS task takes them."""

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
REPOSITORY = "google/xtreme"
UPOS = tuple(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train`, `dev`, `test`, or `pud`: the parallel sentences of PUD treebanks.

    Ids of PUD sentences are the treebanks' own, the same in every language. The others carry their
    language, for those sentences are no translations of each other.
    """
    if split not in ("train", "dev", "test", "pud"):
        raise InputError(f"corpus udpos has no split {split!r}; there: train, dev, test, pud")
    if split == "pud":
        if source.source != "local":
            raise InputError("corpora.udpos: split pud needs source: local (UD's own files)")
        return _read(find(source.folder, f"{language}_pud-ud-test.conllu"), language, "")
    published = "validation" if split == "dev" else split
    config = f"udpos.{ALL[language].name}"
    rows = load_published(source, REPOSITORY, config, published)
    if rows is None:
        # PUD is a split of its own; without this it would be taken for a treebank's test set.
        files = [
            path
            for path in find(source.folder, f"{language}_*-ud-{split}.conllu")
            if "_pud-" not in path.name
        ]
        if not files:
            raise InputError(f"{source.folder}: {language} has only PUD here; use split: pud")
        return _read(files, language, f"{language}-")
    return tagged(rows, "pos_tags", UPOS, language, split)


def _read(files: list[Path], language: str, prefix: str) -> Dataset:
    """Sentences of CoNLL-U files; multiword ranges and empty nodes carry no tag and are passed."""
    rows = []
    for path in files:
        identity, tokens, tags = "", [], []
        for number, line in enumerate([*path.read_text("utf-8").split("\n"), ""], start=1):
            if line.startswith("# sent_id ="):
                identity = line.split("=", 1)[1].strip()
            elif line.strip() and not line.startswith("#"):
                columns = line.split("\t")
                if len(columns) != 10:
                    raise InputError(f"{path}: line {number} has {len(columns)} columns, not 10.")
                if columns[0].isdigit():
                    tokens.append(columns[1])
                    tags.append(columns[3] if columns[3] in UPOS else "X")
            elif not line.strip() and tokens:
                rows.append(
                    {"id": prefix + identity, "language": language, "tokens": tokens, "tags": tags}
                )
                identity, tokens, tags = "", [], []
    if not rows:
        raise InputError(f"{files[0]}: holds no sentence. Check that the file is complete.")
    return Dataset.from_list(rows, features=TAGGED)


CORPORA = {
    "udpos": Corpus(
        "tagging",
        LANGUAGES,
        load,
        REPOSITORY,
        mini=mini.tagging,
        labels=UPOS,
        mini_labels=mini.SLOT_TAGS,
    )
}
