"""The local files of a corpus: finding them, and the checks that all corpora share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet
from datasets import Dataset

from xltlib.corpora.corpus import PAIR, Layout
from xltlib.text_files import InputError, shown, shown_path

T = TypeVar("T")


def parquet(config: str, split: str) -> Layout:
    """The layout that `hf download --repo-type dataset --local-dir` gives a hub data set."""
    return (f"{config}/{split}-*.parquet",)


def find(folder: Path, layouts: Sequence[Layout]) -> list[Path]:
    """The files of the first layout in which every pattern matches a file, in the patterns' order.

    Raises:
        InputError: the folder is missing or has no such files; names it and the patterns.
    """
    if not _is_folder(folder):
        raise InputError(
            f"{shown_path(folder)}: no such folder. Correct `folder` in the params file."
        )
    for layout in layouts:
        found = [
            sorted(path for path in folder.glob(pattern) if path.is_file()) for pattern in layout
        ]
        if all(found):
            return [path for files in found for path in files]
    wanted = ", or ".join(" with ".join(layout) for layout in layouts)
    raise InputError(
        f"{shown_path(folder)}: no file here matches {wanted}. Put the files there, or correct the "
        "folder in the params file."
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, or a folder above it that cannot be entered
        return False


def is_parquet(files: Sequence[Path]) -> bool:
    """Whether files are a hub data set's."""
    return files[0].suffix == ".parquet"


def require_unique(ids: Sequence[str], where: str) -> None:
    """Refuse rows that share an id, because scores are stored and paired by id.

    Raises:
        InputError: names the ids.
    """
    double = [identity for identity, count in Counter(ids).items() if count > 1]
    if double:
        listed = ", ".join(shown(identity, 40) for identity in double[:5])
        more = f" and {len(double) - 5} more" if len(double) > 5 else ""
        many = "1 id is" if len(double) == 1 else f"{len(double)} ids are"
        raise InputError(
            f"{where}: {many} shared by several rows: {listed}{more}. Give every row its own id."
        )


def require_rows(rows: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """The rows of a file, which must have at least one.

    Raises:
        InputError: there are none.
    """
    if not rows:
        raise InputError(f"{path}: contains no rows. Check that the file is complete.")
    return rows


def read_parquet(files: Sequence[Path]) -> Dataset:
    """The rows of Parquet files, in memory.

    Raises:
        InputError: a file is damaged.
    """
    tables = []
    for file in files:
        try:
            tables.append(pyarrow.parquet.read_table(file))
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(
                f"{file}: not a complete Parquet file ({str(error)[:150]}). Copy or download it "
                "again."
            ) from error
    return Dataset(pyarrow.concat_tables(tables))


def pairs(
    rows: Dataset, ids: Sequence[str], language: str, classes: int, where: Path | str
) -> Dataset:
    """Rows of sentence1, sentence2 and label, with the other columns of sentence pairs added.

    Raises:
        InputError: names the row whose sentences are not strings, or whose label is not a class.
    """
    columns = {name: rows[name][:] for name in ("sentence1", "sentence2", "label")}
    for i, (one, two, label) in enumerate(zip(*columns.values(), strict=True)):
        if not (isinstance(one, str) and isinstance(two, str)):
            raise InputError(f"{where}: row {i} lacks a sentence (found {shown([one, two])}).")
        if type(label) is not int or not 0 <= label < classes:
            raise InputError(
                f"{where}: row {i}: the label must be a whole number from 0 to {classes - 1} "
                f"(found {shown(label)})."
            )
    columns |= {"id": list(ids), "language": [language] * len(rows)}
    return Dataset.from_dict({name: columns[name] for name in PAIR}, features=PAIR)


def text_of(row: dict[str, Any], name: str, where: str) -> str:
    """A text field of a row from JSON or the hub.

    Raises:
        InputError: it is absent or not a string.
    """
    value = row.get(name)
    if not isinstance(value, str):
        raise InputError(f"{where}: {name!r} must be a string (found {shown(value)}).")
    return value


def number_of(row: dict[str, Any], name: str, where: str, below: int = 10**9) -> int:
    """A whole number, from 0, in a field of a row from JSON or the hub.

    Raises:
        InputError: it is absent or not such a number.
    """
    value = row.get(name)
    if type(value) is not int or not 0 <= value < below:
        raise InputError(
            f"{where}: {name!r} must be a whole number from 0 to {below - 1} "
            f"(found {shown(value)})."
        )
    return value


def key_of(row: dict[str, Any], name: str, known: Mapping[str, T], where: str) -> T:
    """The meaning of a field that has a few known values.

    Raises:
        InputError: it is absent or has another value; lists the known ones.
    """
    value = row.get(name)
    if not isinstance(value, str) or value not in known:
        raise InputError(
            f"{where}: {name!r} must be one of {', '.join(known)} (found {shown(value)})."
        )
    return known[value]
