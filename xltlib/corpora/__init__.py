"""The corpora: one file each, one `load()` shape, three sources (mini, local, hub).

Columns: QA has id, language, title, context, question, answers{text, answer_start}, and
wrong_offsets, the number of its answers that were published with a wrong offset; NLI has id,
language, premise, hypothesis, label; tagging has id, language, tokens, tags. Ids are the same in
every language where the corpus is parallel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from datasets import Dataset
from datasets.utils import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from xltlib.artifacts import InputError
from xltlib.corpora import hub, mini, squad_files, tydiqa, udpos, xnli, xquad
from xltlib.params import CorpusSource

Kind = Literal["qa", "nli", "tagging"]

MODULES = {"tydiqa": tydiqa, "xquad": xquad, "xnli": xnli, "udpos": udpos}
KINDS: dict[str, Kind] = {
    "tydiqa": "qa",
    "xquad": "qa",
    "xnli": "nli",
    "udpos": "tagging",
} | dict.fromkeys(squad_files.NATIVE, "qa")
MINI = {"qa": mini.qa, "nli": mini.nli, "tagging": mini.tagging}


def task_kind(name: str) -> Kind:
    """What a corpus is for.

    Raises:
        InputError: there is no such corpus; names those there are.
    """
    if name not in KINDS:
        raise InputError(f"corpora: there is no corpus {name!r}; there are: {', '.join(KINDS)}")
    return KINDS[name]


def languages(name: str, source: CorpusSource) -> tuple[str, ...]:
    """The languages that a corpus has in a source."""
    task_kind(name)
    if name in squad_files.NATIVE:
        return (squad_files.NATIVE[name][0],)
    return mini.LANGUAGES if source.source == "mini" else MODULES[name].LANGUAGES


def load(name: str, source: CorpusSource, language: str, split: str) -> Dataset:
    """One split of one corpus in one language.

    Raises:
        InputError: unknown corpus, language or split, or data that cannot be read.
    """
    if language not in languages(name, source):
        known = " ".join(languages(name, source))
        raise InputError(f"corpora.{name}: no language {language!r} in {source.source}; {known}")
    if source.source == "hub" and name in MODULES:
        rows = MODULES[name].load(source, language, split)
    else:
        with _without_bars():
            rows = _load_here(name, source, language, split)
    if len(rows) == 0:
        raise InputError(f"corpora.{name}: split {split} has no row in {language}.")
    return rows


def _load_here(name: str, source: CorpusSource, language: str, split: str) -> Dataset:
    """From files or from the generator."""
    if name in squad_files.NATIVE:
        return squad_files.load_native(name, source, split)
    if source.source == "mini":
        return MINI[KINDS[name]](language, split, source.mini)
    return MODULES[name].load(source, language, split)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Reading a file takes a blink, and `datasets` would draw a bar for each step of it."""
    disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not disabled:
            enable_progress_bars()


def revision(name: str, source: CorpusSource) -> str | None:
    """The commit that a hub corpus is read at, for the record; None for other sources."""
    if source.source != "hub":
        return None
    return hub.resolve(MODULES[name].REPOSITORY, source.revision)


def tag_set(name: str, source: CorpusSource) -> tuple[str, ...]:
    """The tags of a tagging corpus: UPOS, or the slots of the synthetic one."""
    return mini.SLOT_TAGS if source.source == "mini" else tuple(udpos.UPOS)


def fingerprint(rows: Dataset) -> str:
    """16 hex digits of the rows' content, independent of where and how they are stored."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode("utf-8"))
    return digest.hexdigest()[:16]
