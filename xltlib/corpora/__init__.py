"""The corpora: one file each, with three sources (mini, local, hub) and the same columns.

Modules of this package that define `CORPORA`, a mapping of names to `Corpus`, are found
automatically. `corpus.py` has the columns of each task kind. Parallel corpora have the same ids in
every language.
"""

from __future__ import annotations

import hashlib
import json
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from datasets import Dataset
from datasets.utils import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus, text_columns, texts
from xltlib.corpora.local import require_unique
from xltlib.params import CorpusSource
from xltlib.text_files import InputError

__all__ = ["CORPORA", "Corpus", "corpus", "fingerprint", "load", "text_columns", "texts"]

CORPORA: dict[str, Corpus] = {
    name: found
    for module in pkgutil.iter_modules(__path__)
    for name, found in getattr(import_module(f"{__name__}.{module.name}"), "CORPORA", {}).items()
}


def corpus(name: str) -> Corpus:
    """A corpus by its name.

    Raises:
        InputError: there is no such corpus; lists the known ones.
    """
    if name not in CORPORA:
        raise InputError(f"corpora: there is no corpus {name!r}; available: {', '.join(CORPORA)}")
    return CORPORA[name]


def languages(name: str, source: CorpusSource) -> tuple[str, ...]:
    """The languages that a corpus has in a source."""
    return mini.LANGUAGES if source.source == "mini" else corpus(name).languages


def labels(name: str, source: CorpusSource) -> tuple[str, ...]:
    """The classes or tags of a corpus in a source, in the order of their integers."""
    found = corpus(name)
    synthetic = found.mini_labels if source.source == "mini" else None
    return found.labels if synthetic is None else synthetic


def splits(name: str, source: CorpusSource) -> tuple[str, ...]:
    """The splits that a corpus has in a source."""
    return mini.SPLITS if source.source == "mini" else corpus(name).splits


def files(name: str, source: CorpusSource, language: str, split: str) -> list[Path]:
    """The local files from which a split in one language is read; none for other sources.

    Raises:
        InputError: unknown corpus, language or split, or the files are absent.
    """
    _require(name, source, language, split)
    find = corpus(name).files
    if source.source != "local" or find is None:
        return []
    return find(source.local_folder, language, split)


def load(name: str, source: CorpusSource, language: str, split: str) -> Dataset:
    """One split of one corpus in one language; read once per process while its files are unchanged.

    Raises:
        InputError: unknown corpus, language or split, or data that cannot be read.
    """
    stamps = tuple(
        (path, path.stat().st_size, path.stat().st_mtime_ns)
        for path in files(name, source, language, split)
    )
    return _load(name, corpus(name), source, language, split, stamps)


@lru_cache(maxsize=128)
def _load(
    name: str, found: Corpus, source: CorpusSource, language: str, split: str, stamps: object
) -> Dataset:
    """The rows; `stamps` identify the state of the files."""
    if source.source == "mini":
        assert found.mini is not None  # `files` refuses a source that the corpus lacks
        rows = found.mini(language, split, source.mini)
    else:
        assert found.load is not None
        with _without_bars() if source.source == "local" else nullcontext():
            rows = found.load(source, language, split)
    if len(rows) == 0:
        raise InputError(
            f"corpora.{name}: split {split} has no rows in {language}. Choose another split, or "
            "leave this language out."
        )
    require_unique(rows["id"], f"corpora.{name}: {language} {split}")
    return rows


def _require(name: str, source: CorpusSource, language: str, split: str) -> None:
    """Refuse a source, language or split that a corpus does not have."""
    if source.source not in corpus(name).sources:
        known = ", ".join(corpus(name).sources)
        raise InputError(f"corpora.{name}: no source {source.source}; available: {known}")
    if language not in languages(name, source):
        known = " ".join(languages(name, source))
        raise InputError(
            f"corpora.{name}: no language {language!r} in {source.source}; available: {known}"
        )
    if split not in splits(name, source):
        known = ", ".join(splits(name, source))
        raise InputError(
            f"corpora.{name}: no split {split!r} in {source.source}; available: {known}"
        )


@contextmanager
def _without_bars() -> Iterator[None]:
    """Without progress bars: `datasets` would draw one for each of many short steps."""
    disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not disabled:
            enable_progress_bars()


def fingerprint(rows: Dataset) -> str:
    """16 hex digits of the rows' content, independent of where and how they are stored."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode("utf-8"))
    return digest.hexdigest()[:16]
