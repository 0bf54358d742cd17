"""How long and how much memory the rest of a run will take, learnt from finished cells."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xltlib.artifacts import InputError, read_json
from xltlib.study import Cell


def _kind(factors: dict[str, Any]) -> tuple[Any, ...]:
    """What tells how much work a cell has: the task, the method, the attack.

    Where there is no task, the arm: one without tasks trains nothing.
    """
    names = ("task", "method", "attack") if "task" in factors else ("arm",)
    return tuple(factors.get(name) for name in names)


@dataclass
class Seconds:
    """Seconds of finished cells, by how much they are alike."""

    same: dict[tuple[Any, ...], list[float]]
    """By notebook and kind of cell, of this profile."""
    stage: dict[str, list[float]]
    """By notebook, of this profile."""
    elsewhere: dict[str, list[float]]
    """By notebook, of other profiles; their data differ, so only a first guess."""

    @classmethod
    def learnt(cls, outputs: Path, profile: str) -> Seconds:
        """Read the manifests of every finished cell under a folder of outputs."""
        same: dict[tuple[Any, ...], list[float]] = defaultdict(list)
        stage: dict[str, list[float]] = defaultdict(list)
        elsewhere: dict[str, list[float]] = defaultdict(list)
        for file in sorted(outputs.glob("*/[0-9][0-9]_*/*/manifest.json")):
            name, notebook = file.parts[-4], file.parts[-3]
            record = _manifest(file)
            if record is None:
                continue
            seconds = float(record["seconds"])
            if name == profile:
                same[(notebook, *_kind(record["factors"]))].append(seconds)
                stage[notebook].append(seconds)
            else:
                elsewhere[notebook].append(seconds)
        return cls(same, stage, elsewhere)

    def of(self, cell: Cell) -> tuple[float | None, bool]:
        """Expected seconds of a cell (None: unknown), and whether this profile's cells say so."""
        notebook = cell.stage.notebook
        known = self.same.get((notebook, *_kind(cell.factors)))
        known = known or self.stage.get(notebook)
        if known:
            return statistics.median(known), True
        guess = self.elsewhere.get(notebook)
        return (statistics.median(guess), False) if guess else (None, False)


def peak_mb(outputs: Path, profile: str) -> int | None:
    """The largest size of any finished cell's process, None where no cell has run here."""
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
    """A manifest with what is needed here, None for one that is broken."""
    try:
        record = read_json(file)
        if isinstance(record["factors"], dict) and float(record["seconds"]) >= 0:
            return dict(record)
    except (InputError, KeyError, TypeError, ValueError):
        pass
    return None


@dataclass(frozen=True)
class Rest:
    """What is expected of cells that are still to run."""

    seconds: float
    unknown: int
    """Cells that nothing is known about."""
    guessed: int
    """Cells whose seconds come from other profiles."""

    @classmethod
    def of(cls, cells: Iterable[Cell], learnt: Seconds, at_once: int) -> Rest:
        """Expect cells to run side by side, at most `at_once`."""
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
            notes.append(f"{self.guessed} of the cells judged by other profiles, whose data differ")
        if self.unknown:
            notes.append(f"no time known for {self.unknown} cell{'s' if self.unknown > 1 else ''}")
        said = "" if self.seconds < 1 else f"about {duration(self.seconds)} left"
        return "; ".join(part for part in (said, *notes) if part) or "nearly done"


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
