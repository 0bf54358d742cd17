"""Models that are made once and kept in a folder, which is checked each time it is opened."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from xltlib.artifacts import InputError, follow_umask, read_sealed, sha256, write_sealed

DIGESTS = ".digests.json"
"""The SHA-256 of each file of a kept model; hidden, so that no fingerprint counts it."""


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """The folder `target`; made if it is missing, and made again if one of its files is damaged.

    If two processes need it at once, the second waits for the first to make it.

    Raises:
        InputError: the cache cannot be written, or a damaged folder cannot be made again.
    """
    try:
        if _problem(target) is None:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock"):
            _sweep(target)
            problem = _problem(target)
            if problem is not None:
                damaged = target.is_dir()
                if damaged:
                    print(f"{target}: {problem}; making it again.")
                try:
                    _make(target, make)
                except InputError as error:
                    if not damaged:
                        raise
                    raise InputError(
                        f"{target}: {problem}, and it cannot be made again: {error}"
                    ) from error
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror or error}). Choose another `cache` in "
            "the params file."
        ) from error
    return target


def _make(target: Path, make: Callable[[Path], None]) -> None:
    """Make the folder under a temporary name and rename it when it is complete."""
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        make(temporary)
        write_sealed(temporary / DIGESTS, _digests(temporary))
        # Caches are shared, but mkdtemp and safetensors make private folders and files.
        for path in (temporary, *temporary.rglob("*")):
            follow_umask(path)
        if target.is_dir():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _problem(target: Path) -> str | None:
    """Why a kept folder cannot be used; None if it is unchanged."""
    if not target.is_dir():
        return "is missing"
    try:
        return _damage(target)
    except FileNotFoundError:
        return "is being made again by another process"


def _damage(target: Path) -> str | None:
    if not (target / DIGESTS).exists():
        # Made before digests were kept. If they cannot be written, nothing is lost.
        with suppress(InputError):
            write_sealed(target / DIGESTS, _digests(target))
        return None
    kept = read_sealed(target / DIGESTS)
    if kept is None:
        return f"{DIGESTS} is damaged"
    found = _digests(target)
    changed = sorted(name for name in {*kept, *found} if kept.get(name) != found.get(name))
    return f"{changed[0]} was damaged, edited or removed" if changed else None


def _digests(folder: Path) -> dict[str, str]:
    """File names and their SHA-256; each process reads an unchanged file only once."""
    return {path.relative_to(folder).as_posix(): sha256(path) for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path


def abandoned(cache: Path) -> Iterator[Path]:
    """Unfinished folders that killed processes left behind, whatever they were making."""
    for lock in cache.glob(".*.lock"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            yield from _unfinished(cache / lock.name[1 : -len(".lock")])


def _sweep(target: Path) -> None:
    """Remove unfinished folders that killed processes left behind; the caller holds the lock."""
    for left in _unfinished(target):
        shutil.rmtree(left, ignore_errors=True)


def _unfinished(target: Path) -> Iterator[Path]:
    temporary = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}")
    for left in sorted(target.parent.iterdir()):
        if temporary.fullmatch(left.name) and left.is_dir():
            yield left
