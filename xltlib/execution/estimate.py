"""How much time and memory the rest of a run will take, estimated from finished cells."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xltlib.artifacts import InputError, read_json
from xltlib.study import Cell, workload


def _kind(factors: dict[str, Any]) -> tuple[Any, ...]:
    """What determines how much work a cell has: its encoder, task, method and attack.

    Without a task it is the arm, because an arm without tasks trains nothing.
    """
    names = ("encoder", *(("task", "method", "attack") if "task" in factors else ("arm",)))
    return tuple(factors.get(name) for name in names)


@dataclass
class Seconds:
    """Seconds that cells take, from finished cells of the same profile or else from the speed of
    this machine."""

    same: dict[tuple[Any, ...], list[float]]
    """By notebook and kind of cell."""
    stage: dict[str, list[float]]
    """By notebook."""
    _expected: dict[Cell, tuple[float | None, bool]] = field(default_factory=dict)

    @classmethod
    def learnt(cls, outputs: Path, profile: str) -> Seconds:
        """Read the manifests of a profile's finished cells."""
        same: dict[tuple[Any, ...], list[float]] = defaultdict(list)
        stage: dict[str, list[float]] = defaultdict(list)
        for file in sorted((outputs / profile).glob("[0-9][0-9]_*/*/manifest.json")):
            record = _manifest(file)
            if record is not None:
                seconds, notebook = float(record["seconds"]), file.parts[-3]
                same[(notebook, *_kind(record["factors"]))].append(seconds)
                stage[notebook].append(seconds)
        return cls(same, stage)

    def of(self, cell: Cell) -> tuple[float | None, bool]:
        """Expected seconds of a cell (None if unknown), and whether finished cells gave them.

        They are found once, because the live display asks for those of all waiting cells.
        """
        if cell not in self._expected:
            self._expected[cell] = self._of(cell)
        return self._expected[cell]

    def _of(self, cell: Cell) -> tuple[float | None, bool]:
        if cell.done and cell.complete:  # it is only read back
            return OVERHEAD_SECONDS, True
        notebook = cell.stage.notebook
        known = self.same.get((notebook, *_kind(cell.factors)))
        known = known or self.stage.get(notebook)
        if known:
            return statistics.median(known), True
        operations = workload.operations(cell)
        if not operations:
            return (None if operations is None else OVERHEAD_SECONDS), False
        # Imported here because importing torch takes seconds.
        from xltlib.execution.speed import operations_per_second

        speed = operations_per_second(cell.params.compute)
        return None if speed is None else OVERHEAD_SECONDS + operations / (USED * speed), False


OVERHEAD_SECONDS = 10.0
"""The time that a cell takes beyond its encoder's work: data, tables, figures."""
USED = 0.5
"""The speed of training and evaluation as a share of that of matrix products, on two cores without
bf16 units."""


def peak_mb(outputs: Path, profile: str) -> int | None:
    """The peak memory of any finished cell's process; None if no cell has run here."""
    peaks = []
    for file in (outputs / profile / "logs").glob("*.json"):
        try:
            found = read_json(file)
        except InputError:
            continue
        if isinstance(found, dict) and isinstance(found.get("peak_mb"), int):
            peaks.append(found["peak_mb"])
    return max(peaks, default=None)


def _manifest(file: Path) -> dict[str, Any] | None:
    """A manifest with the fields needed here; None if it is broken."""
    try:
        record = read_json(file)
        if isinstance(record["factors"], dict) and float(record["seconds"]) >= 0:
            return dict(record)
    except (InputError, KeyError, TypeError, ValueError):
        pass
    return None


@dataclass(frozen=True)
class Rest:
    """The estimate for the cells that are still to run."""

    seconds: float
    unknown: int
    """The number of cells for which there is no estimate."""
    guessed: int
    """The number of cells estimated from the machine's speed."""

    @classmethod
    def of(cls, cells: Iterable[Cell], learnt: Seconds, at_once: int) -> Rest:
        """Estimate for at most `at_once` cells running at the same time."""
        found = [learnt.of(cell) for cell in cells]
        known = [seconds for seconds, _ in found if seconds is not None]
        longest = max(known, default=0.0)
        return cls(
            seconds=max(longest, sum(known) / max(1, at_once)),
            unknown=len(found) - len(known),
            guessed=sum(seconds is not None and not own for seconds, own in found),
        )

    def __str__(self) -> str:
        notes = []
        if self.guessed:
            notes.append(
                f"{self.guessed} of the cells estimated from this machine's speed (within a factor "
                "of 3)"
            )
        if self.unknown:
            notes.append(f"no estimate for {self.unknown} cell{'s' if self.unknown > 1 else ''}")
        about = "at least" if self.unknown else "about"
        said = "" if self.seconds < 1 else f"{about} {duration(self.seconds)} left"
        return "; ".join(part for part in (said, *notes) if part) or "nearly done"


def duration(seconds: float) -> str:
    """A readable duration: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
