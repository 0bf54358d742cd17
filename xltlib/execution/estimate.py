"""How much time and memory the rest of a run will take, estimated from finished cells."""

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
    """What determines how much work a cell has: its task, method and attack.

    Without a task it is the arm, because an arm without tasks trains nothing.
    """
    names = ("task", "method", "attack") if "task" in factors else ("arm",)
    return tuple(factors.get(name) for name in names)


@dataclass
class Seconds:
    """Seconds that finished cells took, grouped by similarity."""

    same: dict[tuple[Any, ...], list[float]]
    """By notebook and kind of cell, of this profile."""
    stage: dict[str, list[float]]
    """By notebook, of this profile."""
    elsewhere: dict[str, list[float]]
    """By notebook, of other profiles: only a first guess, because their data differ."""

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
        """Expected seconds of a cell (None if unknown), and whether the estimate is from this
        profile."""
        notebook = cell.stage.notebook
        known = self.same.get((notebook, *_kind(cell.factors)))
        known = known or self.stage.get(notebook)
        if known:
            return statistics.median(known), True
        guess = self.elsewhere.get(notebook)
        return (statistics.median(guess), False) if guess else (None, False)


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
    """The number of cells estimated from other profiles."""

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
                f"{self.guessed} of the cells estimated from other profiles, whose data differ"
            )
        if self.unknown:
            notes.append(f"no estimate for {self.unknown} cell{'s' if self.unknown > 1 else ''}")
        said = "" if self.seconds < 1 else f"about {duration(self.seconds)} left"
        return "; ".join(part for part in (said, *notes) if part) or "nearly done"


def duration(seconds: float) -> str:
    """A readable duration: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
