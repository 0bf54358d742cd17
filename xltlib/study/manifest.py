"""The manifest of a finished cell: what it was made from, and the hash of every file it made.

It is written last, when everything else is on disk. Git keeps the numbers of a real profile
(`travels`). Models, texts and logs stay on the machine that made them; a cell is done without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from xltlib.artifacts import fingerprint, read_sealed, sha256, sync, write_sealed

NAME = "manifest.json"
METRICS = "metrics.json"
WORK = "work"
"""The folder of a cell's unfinished work, by fingerprint."""
NOTEBOOK = "notebook.ipynb"
"""The executed notebook."""
FAILED = "failed.ipynb"
"""A notebook in which a cell failed."""
EXECUTING = ".executing."
"""How the names of notebooks that are being executed begin."""
DAMAGED = "is damaged: {} was cut short, edited or removed"
"""What is wrong with a cell whose file has changed."""
RESULTS = (
    *(METRICS, "summary.csv", "static_set.json"),
    *("scores.parquet", "predictions.parquet"),
    *("attacks.parquet", "attacks.jsonl", "attacks.html"),
    *("encoder/*", "model/*"),
    *("tables/*.csv", "figures/*.png", "figures/*.pdf", "measured/*.*.json"),
)
"""The files that stages make. A new stage that makes others adds them here."""


class File(BaseModel):
    """One file that a cell made."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    bytes: int


class Code(BaseModel):
    """The code that made a cell: its version in git, and a hash of its stage's modules."""

    model_config = ConfigDict(frozen=True)

    version: str
    source: str


class Manifest(BaseModel):
    """The record of a finished cell.

    `inputs` has hashes of data, files and encoders; `reads` the fingerprints of the cells that were
    read, and `results` what their results were.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    fingerprint: str
    settings: Any
    inputs: dict[str, str]
    reads: dict[str, str]
    results: dict[str, str] = {}
    files: dict[str, File]
    code: Code
    versions: dict[str, str]
    seconds: float

    @property
    def result(self) -> str:
        """Identifies the cell's files by their content."""
        return fingerprint({name: file.sha256 for name, file in self.files.items()})

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, File]) -> dict[str, File]:
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{name} is outside the cell")
        if METRICS not in files:
            raise ValueError(f"there is no {METRICS}")
        return files


def travels(name: str) -> bool:
    """Whether git keeps a file of a finished cell of a real profile: numbers, but no texts or
    models."""
    top = PurePosixPath(name).parts[0]
    return name in (METRICS, "scores.parquet") or top in ("tables", "figures", "measured")


def read(folder: Path) -> Manifest | None:
    """The manifest of a cell's folder; None if it is absent or incomplete."""
    try:
        return Manifest.model_validate(read_sealed(folder / NAME))
    except ValidationError:
        return None


def write(folder: Path, about: dict[str, Any]) -> None:
    """Hash all files of a cell's folder, flush them to disk, and write the manifest."""
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": sha256(path),
            "bytes": path.stat().st_size,
        }
        for path in made(folder)
    }
    sync(folder)
    write_sealed(folder / NAME, about | {"files": files})


def is_result(name: str) -> bool:
    """Whether a file is one that stages make, by its name within a cell's folder."""
    return any(fnmatchcase(name, pattern) for pattern in RESULTS)


def made(folder: Path) -> Iterator[Path]:
    """The files of a cell's folder that are its result, or the begun files of one; any others are
    the user's."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and is_result("/".join(parts)):
            yield path


def damaged(folder: Path, manifest: Manifest) -> str | None:
    """The first file that has changed since the cell finished, or that should be here and is
    missing."""
    for name, file in manifest.files.items():
        path = folder / name
        try:
            if path.stat().st_size != file.bytes or sha256(path) != file.sha256:
                return name
        except FileNotFoundError:
            if travels(name):
                return name
        except OSError:
            return name
    return None


def complete(folder: Path, manifest: Manifest) -> bool:
    """Whether the files that git does not keep are here too."""
    return all((folder / name).is_file() for name in manifest.files)
