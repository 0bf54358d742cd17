"""A cell: one execution of one stage's notebook, what it depends on, and whether it is done.

Its folder holds `metrics.json`, the stage's other files, and `manifest.json`, which has a hash of
every file and is written last. A cell is done if its manifest has the fingerprint of the present
params and data and its files are unchanged. A finished cell is read back, not computed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xltlib import params as schema
from xltlib.artifacts import (
    InputError,
    fingerprint,
    read_json,
    read_sealed,
    write_sealed,
)
from xltlib.params import Params
from xltlib.study import code, manifest
from xltlib.study.contents import Contents
from xltlib.study.inputs import Inputs
from xltlib.study.manifest import Manifest
from xltlib.study.stages import Stage

if TYPE_CHECKING:
    from xltlib.study.grid import Grid

Rows = list[dict[str, Any]]
STRICT = "XLT_STRICT"
"""If this environment variable is 1, cells of other code or from other results are not done."""


def strict() -> bool:
    """Whether `STRICT` is set."""
    return os.environ.get(STRICT) == "1"


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of the grid. This class is for stages that run once; its subclasses add factors."""

    grid: Grid = field(repr=False)
    stage: Stage

    @property
    def params(self) -> Params:
        """The profile."""
        return self.grid.params

    @cached_property
    def factors(self) -> dict[str, Any]:
        """The level of each factor."""
        return {name: getattr(self, name) for name in self.stage.factors}

    @property
    def key(self) -> str:
        """The cell's folder name, e.g. `me5-small.english.standard.seed1.typo`."""
        levels = [f"seed{v}" if n == "seed" else str(v) for n, v in self.factors.items()]
        return ".".join(levels) or "all"

    @property
    def name(self) -> str:
        """The cell's name within a profile: its notebook and its key."""
        return f"{self.stage.notebook}/{self.key}"

    @property
    def folder(self) -> Path:
        """The folder of everything that belongs to this cell."""
        return self.params.outputs / self.params.profile / self.stage.notebook / self.key

    def path(self, name: str) -> Path:
        """A file or folder of this cell, for writing. To read one, use `artefact`."""
        return self.folder / name

    def work(self, name: str) -> Path:
        """A file or folder of unfinished work. Only a run with the same params finds it again."""
        return self.folder / manifest.WORK / self.fingerprint / name

    def measured(self, name: str, key: Any, measure: Callable[[], Rows]) -> Rows:
        """The rows of a table that is expensive to make and depends on `key` alone. They are made
        once for each key, and kept if something else makes the cell stale."""
        file = self._measured(name, key)
        found = read_sealed(file)
        if found is None:
            found = {"rows": measure()}
            for old in file.parent.glob(f"{name}.{'[0-9a-f]' * 16}.json"):
                old.unlink()
            write_sealed(file, found)
        return found["rows"]

    def is_measured(self, name: str, key: Any) -> bool:
        """Whether those rows have been made already."""
        return read_sealed(self._measured(name, key)) is not None

    def _measured(self, name: str, key: Any) -> Path:
        return self.path(f"measured/{name}.{fingerprint(key)}.json")

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.path(manifest.NOTEBOOK)

    @cached_property
    def upstream(self) -> list[Cell]:
        """The cells that come before this one: those of upstream stages whose factors agree with
        its own."""
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
        """What the result depends on besides other cells, as declared by the stage."""
        return self._declared(self.grid.contents)

    @cached_property
    def _recorded(self) -> dict[str, str]:
        """The inputs that the manifest recorded when this cell was first looked at."""
        found = self.manifest
        return found.inputs if found else {}

    def fingerprint_now(self) -> str:
        """The fingerprint, with all data read again."""
        return self._identified(self._declared(Contents(self.params)))

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
        """Identifies the result by the stage's settings, the cell's factors, and the content of
        everything it reads."""
        return self._identified(self.inputs)

    def _identified(self, inputs: Inputs) -> str:
        read = [cell.fingerprint for cell in self.read]
        return fingerprint([self.key, inputs.used, inputs.content, read])

    @property
    def manifest(self) -> Manifest | None:
        """The cell's manifest; None if it is absent or incomplete."""
        return manifest.read(self.folder)

    @property
    def problem(self) -> str | None:
        """Why the cell is not done, in words; None if it is."""
        found = self.manifest
        if found is None:
            return "has not finished"
        if found.fingerprint != self.fingerprint:
            return "was made with other params or data"
        wrong = manifest.damaged(self.folder, found)
        if wrong is not None:
            return manifest.DAMAGED.format(wrong)
        if strict() and self.outdated:
            return f"was made by a different version of the code ({found.code.version})"
        if strict() and self.superseded:
            return f"was made from an earlier result of {self.superseded[0].name}"
        return None

    @property
    def done(self) -> bool:
        """Whether the result is here, complete, and made with the present params and data.

        Files that git does not keep (models, texts) may be absent; see `complete`.
        """
        return self.problem is None

    @property
    def complete(self) -> bool:
        """Whether all files of a finished cell are here, including those that git does not keep."""
        found = self.manifest
        return found is not None and manifest.complete(self.folder, found)

    @property
    def outdated(self) -> bool:
        """Whether the stage's code has changed since the cell was made."""
        found = self.manifest
        return found is not None and found.code.source != code.source_of(self.stage.module)

    @property
    def superseded(self) -> list[Cell]:
        """The upstream cells whose results have changed since this cell was made."""
        found = self.manifest
        before = found.results if found else {}
        now = {one: one.manifest for one in self.read if one.name in before}
        return [one for one, made in now.items() if made and made.result != before[one.name]]

    def metrics(self) -> dict[str, Any]:
        """The finished cell's metrics.

        Raises:
            InputError: the cell is not done; says what is wrong and which command continues.
        """
        return read_json(self.artefact(manifest.METRICS))

    def artefact(self, name: str) -> Path:
        """A file or folder of the finished cell, for reading.

        Raises:
            InputError: the cell is not done, or that part of it is not on this machine.
        """
        problem, found = self.problem, self.manifest
        if problem is not None or found is None:
            raise InputError(
                f"{self.folder}: {self.name} {problem}. Run `{self.params.run_command}` to make "
                "what is missing."
            )
        parts = [file for file in found.files if file == name or file.startswith(f"{name}/")]
        absent = [part for part in parts if not self.path(part).is_file()]
        if absent or not parts:
            raise InputError(
                f"{self.path(absent[0] if absent else name)}: not on this machine; git keeps the "
                f"numbers of {self.name}, not its models and texts. `{self.params.run_command}` "
                "makes them again where a cell needs them."
            )
        return self.path(name)

    def artefacts(self, pattern: str) -> list[Path]:
        """The files of the finished cell that match and are here, in order."""
        self.metrics()
        found = self.manifest
        names = sorted(found.files if found else ())
        paths = [self.path(name) for name in names if Path(name).match(pattern)]
        return [path for path in paths if path.is_file()]


@dataclass(frozen=True, eq=False)
class EncoderCell(Cell):
    """A cell of a stage that runs once per encoder, over all its arms."""

    encoder: str


@dataclass(frozen=True, eq=False)
class ArmCell(EncoderCell):
    """A cell of a stage that runs once per encoder, arm and seed."""

    arm: str
    seed: int


@dataclass(frozen=True, eq=False)
class ModelCell(ArmCell):
    """A cell of a stage that runs once per fine-tuned model."""

    task: str
    method: str

    @property
    def model_name(self) -> str:
        """The model's name in tables: its arm, and its method unless that is standard."""
        return self.arm if self.method == schema.STANDARD else f"{self.arm} {self.method}"


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
"""The class of a stage's cells, by the parameters of its notebook."""
