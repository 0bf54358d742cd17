"""The files in a cell's folder that the study made; others are the user's and are never removed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from xltlib.study import manifest
from xltlib.study.stages import FACTORS, STAGES

RECORDS = (manifest.NAME, manifest.NOTEBOOK, manifest.FAILED, f"{manifest.EXECUTING}*", ".lock")
"""The files that a run keeps beside a cell's results."""
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_KEY = re.compile(r"[A-Za-z0-9_+.-]+")
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")


def is_cell(folder: Path) -> bool:
    """Whether a folder is a cell's: by its manifest, or by its name and what a run leaves in it.

    A copy of a cell under another name is the user's.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    record, notebook = manifest.read(folder), folder.parent.name
    if record is not None:
        about = record.model_extra or {}
        return (about.get("stage"), _key(about.get("factors", {}))) == (notebook, folder.name)
    levels = [len(stage.factors) for stage in STAGES.values() if stage.notebook == notebook]
    named = [len(folder.name.split("."))] == levels and _KEY.fullmatch(folder.name)
    locks = (folder / ".lock", folder / f"{manifest.EXECUTING}lock")
    ran = any(lock.is_file() for lock in locks) or any(work_folders(folder))
    return bool(named) and ran


def _key(factors: Mapping[str, Any]) -> str:
    """The name of the folder of a cell with these factors."""
    known = {name: factors[name] for name in FACTORS if name in factors}
    return ".".join(f"seed{v}" if n == "seed" else str(v) for n, v in known.items()) or "all"


def half_written(folder: Path) -> Iterator[Path]:
    """Temporary files of writes that a kill cut short."""
    for path in folder.rglob(".*"):
        found = _TEMPORARY.fullmatch(path.name)
        name = found and path.with_name(found["name"]).relative_to(folder).as_posix()
        if name and path.is_file() and (name == manifest.NAME or manifest.is_result(name)):
            yield path


def work_folders(folder: Path) -> Iterator[Path]:
    """The folders of unfinished work, each named after a fingerprint."""
    for path in sorted((folder / manifest.WORK).glob("*")):
        if _FINGERPRINT.fullmatch(path.name):
            yield path


def everything(folder: Path) -> Iterator[Path]:
    """All that the study made in a cell's folder, for removal.

    A file that the manifest does not list was put there later, whatever its name.
    """
    record = manifest.read(folder)
    for path in manifest.made(folder):
        if record is None or path.relative_to(folder).as_posix() in record.files:
            yield path
    yield from half_written(folder)
    yield from work_folders(folder)
    for path in sorted(folder.glob("*")):
        if path.is_file() and any(fnmatchcase(path.name, record) for record in RECORDS):
            yield path
