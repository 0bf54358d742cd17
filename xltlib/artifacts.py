"""How a run's files are written, and identified by their content.

Every write is atomic: the bytes are written to a temporary file in the same folder, flushed to
disk, and renamed over the target. A killed run leaves the old file or the new one, never half of
one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from xltlib.text_files import InputError, parse_json, read_text, shown_path

__all__ = [
    "InputError",
    "fingerprint",
    "read_json",
    "replacing",
    "replacing_folder",
    "require_writable",
    "write_atomic",
    "write_json",
    "write_with",
]


OUTPUTS = "`outputs` in the params file"
NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file is larger than the file system or its limit (ulimit -f) allows",
}


def no_room(error: BaseException | None) -> str | None:
    """Why nothing more can be written, in words; None if the error has another cause.

    Libraries raise their own exceptions for it, with the system's message somewhere inside.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for number, words in NO_ROOM.items():
            if getattr(error, "errno", None) == number or os.strerror(number) in str(error):
                return words
        error = error.__cause__ or error.__context__
    return None


def obstacle(folder: Path) -> Path | None:
    """What keeps a folder from being made: a file in its place, or in that of a parent."""
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    return None if os.path.isdir(nearest) else nearest


def _refuse_obstacle(folder: Path, to_write: Path) -> None:
    """Refuse to write where a folder is needed and a file is."""
    file = obstacle(folder)
    if file is not None:
        raise InputError(
            f"{shown_path(to_write)}: cannot be written, because {shown_path(file)} is not a "
            "folder. Move or remove it, or choose another place."
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it over `path` when the block succeeds.

    Raises:
        InputError: the folder cannot be written (read-only, full); nothing was changed.
    """
    path = Path(path)
    _refuse_obstacle(path.parent, path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        follow_umask(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        remedy = "Free some space" if no_room(error) else "Choose a writable folder"
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). {remedy}; finished results "
            "are untouched."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that replaces it when the block succeeds.

    The next process, which waits for its turn, repairs what a killed one left behind.

    Raises:
        InputError: the folder cannot be written; the old one stays as it was.
    """
    folder = Path(folder)
    new, old = (folder.with_name(f".{folder.name}.{state}") for state in ("new", "old"))
    _refuse_obstacle(folder, folder)
    require_writable(folder.parent, OUTPUTS)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if old.exists() and not folder.exists():
            old.rename(folder)
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        try:
            new.mkdir()
            yield new
            sync(new)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
            _sync(folder.parent)
        finally:
            if old.exists() and not folder.exists():
                old.rename(folder)
            for left in (new, old):
                shutil.rmtree(left, ignore_errors=True)


def follow_umask(path: Path) -> None:
    """Give a file or folder that was made private the permissions of other new ones."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)


def sync(folder: Path) -> None:
    """Flush a folder and everything in it to disk, whoever wrote it."""
    for path in folder.rglob("*"):
        if path.is_file():
            _sync(path)
    for path in (*(path for path in folder.rglob("*") if path.is_dir()), folder, folder.parent):
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_writable(folder: Path, setting: str) -> None:
    """Refuse a folder that cannot be written, before anything is computed for it.

    Raises:
        InputError: names the folder and the setting to change, or the file in its place.
    """
    _refuse_obstacle(folder, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{shown_path(folder)}: cannot be written ({reason}). Choose a "
            f"writable folder for {setting}."
        ) from error


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write text (UTF-8) or bytes to `path` in one step."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Let a library write the file itself (`frame.to_parquet`, `figure.savefig`), atomically."""
    with replacing(path) as temporary:
        write(temporary)


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys and a fixed layout, so that equal results give equal bytes."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that a run wrote; scores in it may be NaN.

    Raises:
        InputError: missing, not UTF-8, or not complete JSON.
    """
    return parse_json(read_text(path), str(path), finite=False)


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write JSON with its own checksum, which shows later damage or edits."""
    plain = json.loads(json.dumps(value))  # as it will be read: string keys, lists for tuples
    write_json(path, plain | {"seal": fingerprint(plain)})


def read_sealed(path: Path) -> dict[str, Any] | None:
    """Read what `write_sealed` wrote; None if it is missing, cut short, edited or foreign."""
    try:
        found = read_json(path)
    except (InputError, OSError):
        return None
    if not isinstance(found, dict):
        return None
    seal = found.pop("seal", None)
    return found if seal == fingerprint(found) else None


def fingerprint(value: Any) -> str:
    """Return 16 hex digits that identify any JSON-able value, the same on every machine."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def stamp(path: Path) -> tuple[int, int, int, int]:
    """What changes when a file is replaced or rewritten: inode, size, and both times."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


_hashes: dict[tuple[Path, tuple[int, int, int, int]], str] = {}
_SETTLED = 2.0
"""Seconds after which a rewritten file is sure to have a new timestamp."""


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes; an unchanged file is read only once per process."""
    key = (path, stamp(path))
    if key not in _hashes:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time() - key[1][3] / 1e9 < _SETTLED:
            return found
        _hashes[key] = found
    return _hashes[key]
