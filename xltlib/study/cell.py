"""A cell: one execution of one stage's notebook, what it depends on, and whether it is done.

Its folder holds `metrics.json`, whatever the stage makes, and last of all `manifest.json` with a
hash of every file: a cell whose manifest carries the fingerprint of today's params and data, and
whose files are as it left them, is done, and asking for it again reads it back.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from xltlib import params as schema
from xltlib.artifacts import (
    OUTPUTS,
    InputError,
    fingerprint,
    no_room,
    read_json,
    read_sealed,
    require_writable,
    write_json,
    write_sealed,
)
from xltlib.params import Params
from xltlib.study import code, gpu, machine, manifest
from xltlib.study.contents import Contents
from xltlib.study.inputs import Inputs
from xltlib.study.manifest import Manifest
from xltlib.study.stages import Stage

if TYPE_CHECKING:
    from xltlib.study.grid import Grid

Rows = list[dict[str, Any]]
STRICT = "XLT_STRICT"
"""Set to 1 in the environment, cells that older code made are not done."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of the grid, of a stage that runs once; the other kinds have their factors."""

    grid: Grid = field(repr=False)
    stage: Stage

    @property
    def params(self) -> Params:
        """The profile."""
        return self.grid.params

    @cached_property
    def factors(self) -> dict[str, Any]:
        """Factor names to this cell's levels."""
        return {name: getattr(self, name) for name in self.stage.factors}

    @property
    def key(self) -> str:
        """The cell's folder name, e.g. `me5-small.english.standard.seed1.typo`."""
        levels = [f"seed{v}" if n == "seed" else str(v) for n, v in self.factors.items()]
        return ".".join(levels) or "all"

    @property
    def name(self) -> str:
        """The cell among all of a profile: its notebook and its key."""
        return f"{self.stage.notebook}/{self.key}"

    @property
    def folder(self) -> Path:
        """Where everything of this cell is."""
        return self.params.outputs / self.params.profile / self.stage.notebook / self.key

    def path(self, name: str) -> Path:
        """A file or folder of this cell, to write it; to read one see `artefact`."""
        return self.folder / name

    def work(self, name: str) -> Path:
        """A file or folder of the work under way, found again by a run of the same params only."""
        return self.folder / manifest.WORK / self.fingerprint / name

    def measured(self, name: str, key: Any, measure: Callable[[], Rows]) -> Rows:
        """The rows of a table that takes models or time, and depends on `key` alone: made once for
        it, and kept when something else makes the cell stale."""
        file = self._measured(name, key)
        found = read_sealed(file)
        if found is None:
            found = {"rows": measure()}
            for old in file.parent.glob(f"{name}.*"):
                old.unlink()
            write_sealed(file, found)
        return found["rows"]

    def is_measured(self, name: str, key: Any) -> bool:
        """Whether those rows are here."""
        return read_sealed(self._measured(name, key)) is not None

    def _measured(self, name: str, key: Any) -> Path:
        return self.path(f"measured/{name}.{fingerprint(key)}.json")

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.path(manifest.NOTEBOOK)

    @cached_property
    def upstream(self) -> list[Cell]:
        """The cells that come before this one: all of an upstream stage that agree with its
        factors."""
        known = self.factors
        return [
            cell
            for name in (*self.stage.after, *self.stage.reads)
            for cell in self.grid.cells(name)
            if all(known.get(factor, level) == level for factor, level in cell.factors.items())
            and self.stage.takes(cell)
        ]

    def of(self, stage: str) -> list[Any]:
        """The upstream cells of one stage."""
        return [cell for cell in self.upstream if cell.stage.name == stage]

    def reads(self, stage: str) -> Any:
        """The one cell of an upstream stage that this one reads."""
        (cell,) = self.of(stage)
        return cell

    @cached_property
    def inputs(self) -> Inputs:
        """What the result depends on beside other cells, as its stage declares it."""
        return self._declared(self.grid.contents)

    @cached_property
    def _recorded(self) -> dict[str, str]:
        """What the manifest said of the inputs when this cell was first looked at."""
        found = self.manifest
        return found.inputs if found else {}

    def _declared(self, contents: Contents) -> Inputs:
        inputs = Inputs(self.params, contents, self._recorded)
        self.stage.declare(self, inputs)
        return inputs

    @property
    def read(self) -> list[Cell]:
        """The upstream cells whose results this one is made from."""
        return [cell for cell in self.upstream if cell.stage.name in self.stage.reads]

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the result: the stage's settings, its factors, and the content of all it
        reads."""
        return self._identified(self.inputs)

    def _identified(self, inputs: Inputs) -> str:
        read = [cell.fingerprint for cell in self.read]
        return fingerprint([self.key, inputs.used, inputs.content, read])

    @property
    def manifest(self) -> Manifest | None:
        """The cell's manifest; None where there is none that is whole."""
        return manifest.read(self.folder)

    @property
    def problem(self) -> str | None:
        """Why the cell is not done, in words; None where it is."""
        found = self.manifest
        if found is None:
            return "has not finished"
        if found.fingerprint != self.fingerprint:
            return "finished with other params or data than today's"
        wrong = manifest.damaged(self.folder, found)
        if wrong is not None:
            return f"is damaged: {wrong} was cut short, edited or removed"
        if os.environ.get(STRICT) == "1" and self.outdated:
            return f"was made by other code ({found.code.version})"
        return None

    @property
    def done(self) -> bool:
        """Whether the result is here, whole, and made with today's params and data.

        The files that git does not keep (models, texts) may be absent: see `complete`.
        """
        return self.problem is None

    @property
    def complete(self) -> bool:
        """Whether a done cell has all of its files here, those too that git does not keep."""
        found = self.manifest
        return found is not None and manifest.complete(self.folder, found)

    @property
    def outdated(self) -> bool:
        """Whether the code of its stage is another than the one that made it."""
        found = self.manifest
        return found is not None and found.code.source != code.source_of(self.stage.module)

    def metrics(self) -> dict[str, Any]:
        """The finished cell's metrics.

        Raises:
            InputError: the cell is not done; names what is wrong and the command that goes on.
        """
        return read_json(self.artefact(manifest.METRICS))

    def artefact(self, name: str) -> Path:
        """A file or folder of the finished cell, to read it.

        Raises:
            InputError: the cell is not done, or that part of it is not on this machine.
        """
        problem, found = self.problem, self.manifest
        if problem is not None or found is None:
            raise InputError(
                f"{self.folder}: {self.name} {problem}. Run `xlt run` on the params file; it does "
                "what is missing."
            )
        parts = [file for file in found.files if file == name or file.startswith(f"{name}/")]
        absent = [part for part in parts if not self.path(part).is_file()]
        if absent or not parts:
            raise InputError(
                f"{self.path(absent[0] if absent else name)}: not on this machine; git keeps the "
                f"numbers of {self.name}, not its models and texts. `xlt run` on the params file "
                "makes them again where a cell needs them."
            )
        return self.path(name)

    def artefacts(self, pattern: str) -> list[Path]:
        """The files of the finished cell whose names match, in order; those that are here."""
        self.metrics()
        found = self.manifest
        names = sorted(found.files if found else ())
        paths = [self.path(name) for name in names if Path(name).match(pattern)]
        return [path for path in paths if path.is_file()]

    @contextmanager
    def working(self) -> Iterator[bool]:
        """Hold this cell alone; yields whether its work is still to do.

        What an older run of other params left is removed then. A second process that wants the
        same cell waits here and finds it done. The lock belongs to the process, so a killed one
        leaves nothing behind.
        """
        require_writable(self.folder, OUTPUTS)
        lock = FileLock(self.path(".lock"))
        try:
            lock.acquire(timeout=1)
        except Timeout:
            print(f"{self.key}: another process works on this cell; waiting for it.")
            lock.acquire()
        try:
            done = self.done
            if not done:
                self._clear()
            yield not done
        finally:
            lock.release()

    def _clear(self) -> None:
        """Remove the files of another result, the manifest first, and the work of other params."""
        self.path(manifest.NAME).unlink(missing_ok=True)
        for path in manifest.made(self.folder):
            if path.relative_to(self.folder).parts[0] != "measured":
                path.unlink()
        for path in self.path(manifest.WORK).glob("*"):
            if path.name != self.fingerprint:
                shutil.rmtree(path, ignore_errors=True)

    def once(self, work: Callable[[], None]) -> dict[str, Any]:
        """Do this cell's work unless it is done, then return its metrics.

        Raises:
            InputError: the disk is full or not writable; what other cells finished is untouched.
        """
        with self.working() as todo:
            if todo:
                try:
                    with gpu.reserved(self.params.compute):
                        work()
                except Exception as error:
                    reason = no_room(error)
                    if reason is None:
                        raise
                    raise InputError(
                        f"{self.folder}: {reason}. Free some space and run the same command "
                        "again; finished cells are kept."
                    ) from error
        return self.metrics()

    def finish(self, metrics: Mapping[str, Any], *, started: float, **record: Any) -> None:
        """Write the metrics, then the manifest that says the cell is done.

        Args:
            started: `time.time()` when the work began.
            record: what else the manifest should keep.

        Raises:
            InputError: a file that the cell reads was replaced while it ran.
        """
        now = self._identified(self._declared(Contents(self.params)))
        if now != self.fingerprint:
            raise InputError(
                f"{self.folder}: data that {self.name} reads changed while it ran, so its result "
                "is of neither. Run the same command again."
            )
        write_json(self.path(manifest.METRICS), dict(metrics))
        about = {
            "fingerprint": self.fingerprint,
            "profile": self.params.profile,
            "stage": self.stage.notebook,
            "factors": self.factors,
            "settings": self.inputs.used,
            "inputs": self.inputs.content,
            "reads": {cell.name: cell.fingerprint for cell in self.read},
            "code": {"version": code.version(), "source": code.source_of(self.stage.module)},
            "versions": machine.versions(),
            "hardware": machine.hardware(self.params.compute),
            "seconds": round(time.time() - started, 1),
        }
        manifest.write(self.folder, about | record)
        shutil.rmtree(self.path(manifest.WORK), ignore_errors=True)


@dataclass(frozen=True, eq=False)
class EncoderCell(Cell):
    """A cell of a stage that runs once an encoder, over all its arms."""

    encoder: str


@dataclass(frozen=True, eq=False)
class ArmCell(EncoderCell):
    """A cell of a stage that runs once an arm's encoder."""

    arm: str
    seed: int


@dataclass(frozen=True, eq=False)
class ModelCell(ArmCell):
    """A cell of a stage that runs once a fine-tuned model."""

    task: str
    method: str


@dataclass(frozen=True, eq=False)
class AttackCell(ModelCell):
    """A cell of one attack on one fine-tuned model."""

    attack: str


KINDS: dict[type[schema.ProfileCell], type[Cell]] = {
    schema.ProfileCell: Cell,
    schema.EncoderCell: EncoderCell,
    schema.ArmCell: ArmCell,
    schema.ModelCell: ModelCell,
    schema.AttackCell: AttackCell,
}
"""The kind of a stage's cells, by the parameters of its notebook."""
