"""Files in a profile's folder that no run needs any more."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from xltlib.artifacts import InputError
from xltlib.encoders.cache import DIGESTS
from xltlib.study import Grid, manifest
from xltlib.study.contents import CONTENTS
from xltlib.study.static_sets import LEXICONS


@dataclass(frozen=True)
class Leftover:
    """A file or folder that can be removed, the reason, and its size."""

    path: Path
    why: str
    bytes: int

    def remove(self) -> None:
        """Remove it for good.

        Raises:
            InputError: it, or something in it, cannot be removed.
        """
        try:
            if self.path.is_dir() and not self.path.is_symlink():
                shutil.rmtree(self.path)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{error.filename or self.path}: cannot be removed ({error.strerror or error}). "
                "Change its permissions, or remove it yourself."
            ) from error


def leftovers(grid: Grid, *, cache: bool = False) -> list[Leftover]:
    """Everything under a profile's outputs that the present profile does not use.

    Finished cells and the current work of unfinished ones are kept.

    Args:
        cache: include the cache of converted encoders, which other profiles may share and which are
            made again when needed.
    """
    folder = grid.params.outputs / grid.params.profile
    known = {cell.folder: cell for cell in grid.everything()}
    found: list[tuple[Path, str]] = []
    for path in sorted(folder.glob("[0-9][0-9]_*/*")):
        cell = known.get(path)
        if cell is None:
            found.append((path, "a cell that the profile does not have"))
            continue
        record = cell.manifest
        stale = record is not None and record.fingerprint != cell.fingerprint
        if stale:
            found.append((path, "made with other params or data"))
            continue
        for work in sorted((path / manifest.WORK).glob("*")):
            if cell.done or work.name != cell.fingerprint:
                found.append((work, "work of a run with other params"))
        if cell.done and (path / manifest.FAILED).exists():
            found.append((path / manifest.FAILED, "a failed attempt at a finished cell"))
        found += [
            (left, "left by a killed run")
            for left in sorted(path.glob(f"{manifest.EXECUTING}*.ipynb"))
        ]
    found += [
        (folder / name, "logs")
        for name in ("logs", "run.log", ".snakemake")
        if (folder / name).exists()
    ]
    if cache and grid.params.cache.is_dir():
        found += [(path, "cache") for path in sorted(grid.params.cache.iterdir()) if _is_kept(path)]
    return [Leftover(path, why, size(path)) for path, why in found]


def _is_kept(path: Path) -> bool:
    """Whether a file or folder in the cache is one that this project keeps there."""
    if path.is_dir():
        return path.name in (CONTENTS, LEXICONS) or (path / DIGESTS).is_file()
    name = path.name.removeprefix(".").removesuffix(".lock")
    return path.name == f".{name}.lock" and (path.parent / name / DIGESTS).is_file()


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
