"""Files in a profile's folder and in its cache that no run needs any more.

Only what the study made itself is listed and removed; any other file there is the user's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xltlib.artifacts import InputError, read_sealed
from xltlib.encoders.cache import DIGESTS, abandoned
from xltlib.study import Cell, Grid, cell_files, manifest
from xltlib.study.contents import CONTENTS
from xltlib.study.static_sets import LEXICONS

_LOG = re.compile(r"\d\d_.+\.log|\.?\d\d_.+\.json(\.\d+)?")
_CACHED = {
    CONTENTS: re.compile(r"\.?(rows|common)-[0-9a-f]{16}(\.[a-z0-9_]{8})?"),
    LEXICONS: re.compile(r"\.?[0-9a-f]{16}\.sealed\.json(\.[a-z0-9_]{8})?"),
}


@dataclass(frozen=True)
class Leftover:
    """A file or folder that can be removed, or the parts of it that can, and the reason."""

    path: Path
    why: str
    parts: tuple[Path, ...]

    @cached_property
    def bytes(self) -> int:
        """The size of all parts."""
        return sum(map(_size, self.parts))

    def remove(self) -> bool:
        """Remove the parts for good, and the folders that are then empty.

        Returns:
            Whether nothing is left at the path.

        Raises:
            InputError: something cannot be removed.
        """
        try:
            for part in self.parts:
                if part.is_dir() and not part.is_symlink():
                    shutil.rmtree(part)
                else:
                    part.unlink(missing_ok=True)
            within = {self.path, *(up for part in self.parts for up in part.parents)}
            for folder in sorted(within, reverse=True):  # the innermost first
                if folder.is_relative_to(self.path) and _is_empty(folder):
                    folder.rmdir()
        except OSError as error:
            raise InputError(
                f"{error.filename or self.path}: cannot be removed ({error.strerror or error}). "
                "Change its permissions, or remove it yourself."
            ) from error
        return not self.path.exists()


def leftovers(grid: Grid, *, cache: bool = False) -> list[Leftover]:
    """Everything under a profile's outputs that the study made and the present profile does not
    use.

    Finished cells and the current work of unfinished ones are kept.

    Args:
        cache: include the cache of converted encoders, which other profiles may share and which are
            made again when needed.
    """
    folder = grid.params.outputs / grid.params.profile
    known = {cell.folder: cell for cell in grid.everything()}
    found: list[Leftover] = []
    for path in sorted(folder.glob("[0-9][0-9]_*/*")):
        if path in known:
            found += _of_cell(known[path])
        elif cell_files.is_cell(path):
            parts = tuple(cell_files.everything(path))
            found.append(Leftover(path, "a cell that the profile does not have", parts))
    logs = [path for path in sorted(folder.glob("logs/*")) if _LOG.fullmatch(path.name)]
    if logs:
        found.append(Leftover(folder / "logs", "logs", tuple(logs)))
    for name in ("run.log", ".snakemake"):
        if (folder / name).exists():
            found.append(Leftover(folder / name, "logs", (folder / name,)))
    for left in sorted(folder.glob(".revisions.json.*")):
        found.append(Leftover(left, "left by a killed run", (left,)))
    return [*found, *(_of_cache(grid.params.cache) if cache else ())]


def _of_cell(cell: Cell) -> Iterator[Leftover]:
    """What a cell of the profile does not need."""
    path, record = cell.folder, cell.manifest
    if record is not None and record.fingerprint != cell.fingerprint:
        parts = tuple(cell_files.everything(path))
        yield Leftover(path, "made with other params or data", parts)
        return
    for work in cell_files.work_folders(path):
        if cell.done or work.name != cell.fingerprint:
            yield Leftover(work, "work of a run with other params", (work,))
    failed = path / manifest.FAILED
    if cell.done and failed.exists():
        yield Leftover(failed, "a failed attempt at a finished cell", (failed,))
    for left in sorted(path.glob(f"{manifest.EXECUTING}*.ipynb")):
        yield Leftover(left, "left by a killed run", (left,))


def _of_cache(cache: Path) -> Iterator[Leftover]:
    """What the study keeps in the cache: encoders with their seal, hashes, and lexicons."""
    for path in abandoned(cache):
        yield Leftover(path, "left by a killed run", (path,))
    for path in sorted(cache.glob("*")):
        sealed = read_sealed(path / DIGESTS)
        parts: list[Path] = []
        if sealed is not None:
            lock = path.with_name(f".{path.name}.lock")
            parts = [path / name for name in (*sealed, DIGESTS)] + [lock] * lock.exists()
        elif path.name in _CACHED:
            own = _CACHED[path.name]
            parts = [one for one in sorted(path.glob("*")) if own.fullmatch(one.name)]
        if parts:
            yield Leftover(path, "cache", tuple(parts))


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
