"""The folder of an attack's results, which belong to one recipe, model, settings and rows.

Each part of the rows has its own log, so that several machines can share a folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from xltlib.artifacts import InputError, read_sealed, write_sealed
from xltlib.attacks.engine import FINISHED
from xltlib.attacks.resources import Row
from xltlib.text_files import recovered_json_lines, shown_path

RESULTS = ("attacks.parquet", "attacks.jsonl", "summary.csv", "attacks.html")
"""The files that `report.write` makes in the folder."""


def claim(folder: Path, recipe: str, identity: str) -> None:
    """Note whose results a folder has.

    Args:
        identity: a digest of everything that all outcomes depend on.

    Raises:
        InputError: it has results of another attack, or a file of the same name as one of them.
    """
    mark, own = folder / "log" / "attack.json", {"recipe": recipe, "identity": identity}
    owner = read_sealed(mark)
    if owner == own:
        return
    written = owner is not None and (folder / "attacks.jsonl").exists()
    if written or any(map(recovered_json_lines, _logs(folder, "*"))):
        other = "an unknown recipe" if owner is None else f"recipe {owner.get('recipe')}"
        raise InputError(
            f"{shown_path(folder)}: has the results of another attack ({other}, with its own "
            "model, settings and rows), which would be lost. Give another folder for `out`, or "
            "remove this one. A function is known again only by its `identity`."
        )
    foreign = [name for name in RESULTS if (folder / name).exists()] if owner is None else []
    if foreign:
        raise InputError(
            f"{shown_path(folder / foreign[0])}: no attack wrote this file, and its results would "
            "replace it. Give another folder for `out`, or move the file."
        )
    write_sealed(mark, own)


def logs(folder: Path, recipe: str, part: tuple[int, int]) -> tuple[Path, list[Path]]:
    """The log of a part of the rows, and those of all other parts."""
    k, n = part
    own = folder / "log" / f"{recipe}.{k}of{n}.jsonl"
    return own, [log for log in _logs(folder, recipe) if log != own]


def _logs(folder: Path, recipe: str) -> list[Path]:
    return sorted((folder / "log").glob(f"{recipe}.*of*.jsonl"))


def everything(folder: Path, recipe: str, rows: Iterable[Row]) -> pd.DataFrame:
    """The results of all parts so far, in the order of the rows.

    Args:
        rows: all rows, attacked or not.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for log in _logs(folder, recipe):
        for record in recovered_json_lines(log):
            record.pop("key", None)
            earlier = found.get(_name(record), {})
            if record.get("outcome") in FINISHED or earlier.get("outcome") not in FINISHED:
                found[_name(record)] = record
    names = map(_name, rows)
    return pd.DataFrame([found[name] for name in names if name in found]).fillna({"corpus": ""})


def _name(row: Row) -> tuple[Any, ...]:
    """What distinguishes a row from all others."""
    return row.get("corpus"), row.get("language"), row.get("id")
