"""Hashes of data, files and encoders, by content: independent of where they are stored.

A split of a local corpus is identified by its rows as loaded, so other languages' files and the
layout of the files do not matter. A hub corpus is identified by its commit, a synthetic one by its
settings and templates. Hashes of rows are kept in the profile's cache, keyed by the names, sizes
and times of the corpus's files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path

from xltlib.artifacts import InputError, fingerprint, sha256, stamp, write_atomic
from xltlib.params import Params
from xltlib.study import revisions
from xltlib.study.code import source_of_package
from xltlib.study.splits import Split, used_splits

CONTENTS = "contents"
"""The folder in the cache with hashes of rows."""

TEMPLATES = Path(__file__).parent.parent / "corpora" / "mini" / "templates"


class AbsentError(Exception):
    """A file or folder of the profile is not on this machine."""


class Contents:
    """The content of everything that a profile names; each item is read once."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self._known: dict[tuple[str, object], str] = {}

    def _once(self, what: str, key: object, find: Callable[[], str]) -> str:
        if (what, key) not in self._known:
            self._known[what, key] = find()
        return self._known[what, key]

    def split(self, split: Split) -> str:
        """One split of a corpus in one language.

        Raises:
            AbsentError: its folder is not here.
            InputError: its files cannot be read.
        """
        return self._once("split", split, lambda: self._split(split))

    def _split(self, split: Split) -> str:
        corpus, part, language = split
        source = self.params.corpora[corpus]
        if source.source == "mini":
            size = getattr(source.mini, part, None)
            return "mini " + fingerprint([split, source.mini.seed, size, _template(language)])
        if source.source == "hub":
            commit = revisions.source(self.params, corpus).revision
            return "hub " + fingerprint([split, commit, source.cut_after])
        return "rows " + self._of_files(split, "rows", lambda: _hash_of_rows(self.params, split))

    def common_items(self, splits: Iterable[Split]) -> str:
        """The items that several splits have in common, by their ids."""
        chosen = sorted(splits)
        return self._once("common", tuple(chosen), lambda: self._common(chosen))

    def _common(self, splits: list[Split]) -> str:
        sources = {self.params.corpora[corpus].source for corpus, _, _ in splits}
        if sources == {"mini"}:
            # Row i has the same id in every language.
            sizes = {
                (part, getattr(self.params.corpora[corpus].mini, part, None))
                for corpus, part, _ in splits
            }
            return fingerprint(sorted(sizes, key=str))
        whole = {split: self.split(split) for split in splits}
        if sources == {"local"}:
            key = fingerprint(sorted(whole.values()))
            return self._kept(f"common-{key}", lambda: _hash_of_common(self.params, splits))
        return fingerprint(sorted([*split, found] for split, found in whole.items()))

    def _of_files(self, split: Split, what: str, find: Callable[[], str]) -> str:
        """A hash that depends on the files in a split's folder, kept until one of them changes."""
        source = self.params.corpora[split[0]]
        folder = source.folder
        if folder is None or not folder.is_dir():
            raise AbsentError(f"{folder}: no such folder")
        state = self._once("state", folder, lambda: _state_of(folder))
        loader = source_of_package("xltlib.corpora")
        key = fingerprint([what, split, str(folder), state, source.cut_after, loader])
        return self._kept(f"{what}-{key}", find)

    def _kept(self, name: str, find: Callable[[], str]) -> str:
        """A hash read from the cache, or computed and put there."""
        file = self.params.cache / CONTENTS / name
        try:
            kept = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            kept = ""
        if re.fullmatch(r"[0-9a-f]{16}", kept):
            return kept
        found = find()
        with suppress(InputError):  # an unwritable cache only costs time
            write_atomic(file, found)
        return found

    def file(self, path: Path) -> str:
        """A file, or all files of a folder such as a model's.

        Raises:
            AbsentError: it is not here.
        """
        return self._once("file", path, lambda: _file(path))

    def model(self, name: str, revision: str | None = None) -> str:
        """A pretrained model: by the content of its folder, or its name and revision."""
        return self.file(Path(name)) if Path(name).is_absolute() else f"{name} {revision}"

    def encoder(self, name: str) -> str:
        """A prepared encoder: the pretrained model, its options, and the texts that its vocabulary
        was trimmed to.

        Raises:
            AbsentError: the model's folder, or some of those texts, are not here.
        """
        return self._once("encoder", name, lambda: self._encoder(name))

    def _encoder(self, name: str) -> str:
        options = self.params.encoders[name]
        loaded = options.model_dump(mode="json", exclude={"name", "revision", "vocabulary"})
        found = [self.model(options.name, revisions.of_encoder(self.params, name)), loaded]
        if options.trim_vocabulary:
            found.append(self.trimmed(name))
        return fingerprint(found)

    def trimmed(self, name: str) -> str:
        """A trimmed encoder's weights: those of the model for the pieces in its texts and word
        lists, and for a number of extra pieces."""
        options = self.params.encoders[name]
        lists = [self.file(path) for path in neighbour_lists(self.params, name)]
        texts = sorted({self.split(split) for split in vocabulary_splits(self.params, name)})
        source = self.model(options.name, revisions.of_encoder(self.params, name))
        return fingerprint([source, options.extra_pieces, sorted(set(lists)), texts])

    @cached_property
    def absent(self) -> list[Path]:
        """The folders of local corpora that are not on this machine."""
        folders = {one.folder for one in self.params.corpora.values() if one.source == "local"}
        return sorted(folder for folder in folders if folder and not folder.is_dir())


def vocabulary_splits(params: Params, encoder: str) -> list[Split]:
    """The splits whose pieces a trimmed vocabulary keeps: those named in the encoder's
    `vocabulary`, or all that stage 01 prepares."""
    named = params.encoders[encoder].vocabulary
    if named is None:
        return sorted(used_splits(params))
    return sorted({(one.corpus, one.split, code) for one in named for code in one.languages})


def neighbour_lists(params: Params, encoder: str) -> list[Path]:
    """The word lists whose words a trimmed vocabulary keeps; none if it names its texts."""
    if params.encoders[encoder].vocabulary is not None:
        return []
    methods = params.methods.values()
    return [file for one in methods for file in getattr(one, "neighbours", {}).values()]


def _file(path: Path) -> str:
    if path.is_file():
        return sha256(path)
    if not path.is_dir():
        raise AbsentError(f"{path}: no such file or folder")
    files = sorted(one for one in path.iterdir() if one.is_file() and one.name[0] != ".")
    return fingerprint([[one.name, sha256(one)] for one in files])


def _state_of(folder: Path) -> str:
    """Names, sizes and times of all files under a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return fingerprint([[str(path.relative_to(folder)), *stamp(path)] for path in files])


@cache
def _template(language: str) -> str:
    """The wording of the synthetic corpora in a language."""
    return fingerprint([sha256(path) for path in sorted(TEMPLATES.glob(f"{language}.*"))])


def _hash_of_rows(params: Params, split: Split) -> str:
    from xltlib import corpora

    corpus, part, language = split
    return corpora.fingerprint(corpora.load(corpus, params.corpora[corpus], language, part))


def _hash_of_common(params: Params, splits: list[Split]) -> str:
    from xltlib.study import data

    ids = [set(data.trainable_ids(params, *split)) for split in splits]
    return fingerprint(sorted(set.intersection(*ids)))
