"""The display of a run: one live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from xltlib.execution import status
from xltlib.execution.cell import failure
from xltlib.execution.estimate import Rest, Seconds, duration
from xltlib.execution.workflow import Workflow
from xltlib.study import STAGES, Cell

PERIOD = 0.5
"""Seconds between checks of the cells."""


@dataclass
class Watch:
    """Follows the cells of a run through their files, wherever they are executed."""

    workflow: Workflow
    todo: list[Cell]
    console: Console
    before: dict[str, int] = field(default_factory=dict)
    """The number of cells of each stage that were done before the run."""
    learnt: Seconds = field(init=False)
    done: list[Cell] = field(default_factory=list)
    failed: dict[Cell, str] = field(default_factory=dict)
    running: dict[Cell, dict[str, Any]] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    _earlier: dict[Cell, dict[str, Any] | None] = field(init=False)
    """What earlier runs recorded of the cells."""

    def __post_init__(self) -> None:
        params = self.workflow.params
        self._earlier = {cell: status.read(cell) for cell in self.todo}
        self.learnt = Seconds.learnt(params.outputs, params.profile)

    def follow(self, alive: Callable[[], bool]) -> None:
        """Show the run for as long as it is alive."""
        if self.console.is_terminal:
            with Live(console=self.console, refresh_per_second=4, transient=True) as live:
                while alive():
                    self.look()
                    live.update(self.table())
                    time.sleep(PERIOD)
        else:
            while alive():
                self.look()
                time.sleep(PERIOD)
        self.look()

    def look(self) -> None:
        """Read the state of every unfinished cell."""
        self.running = {}
        for cell in self.todo:
            if cell in self.done:
                continue
            if cell.notebook.exists():
                self.done.append(cell)
                self.failed.pop(cell, None)  # it was started once more
                self.learnt = Seconds.learnt(cell.params.outputs, cell.params.profile)
                self._say_done(cell)
                continue
            found = status.read(cell)
            if found is None or found == self._earlier[cell]:
                continue
            if found["state"] == "running":
                self.failed.pop(cell, None)
                self.running[cell] = found
            elif cell not in self.failed:
                self.failed[cell] = str(found["cause"])
                self._say_failed(cell)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.time() - self.began

    @property
    def left(self) -> Rest:
        """The estimate for the unfinished cells."""
        waiting = [
            cell
            for cell in self.todo
            if cell not in self.done and cell not in self.failed and cell not in self.running
        ]
        at_once = self.workflow.at_once
        rest = Rest.of(waiting, self.learnt, at_once)
        under_way = [left for left in map(self._seconds_left, self.running) if left is not None]
        more = max(max(under_way, default=0.0), sum(under_way) / at_once)
        return Rest(rest.seconds + more, rest.unknown, rest.guessed)

    def _seconds_left(self, cell: Cell) -> float | None:
        """Seconds left for a running cell, estimated from similar cells; None if unknown."""
        expected, _ = self.learnt.of(cell)
        since = time.time() - float(self.running[cell]["since"])
        return None if expected is None else max(0.0, expected - since)

    def table(self) -> Table:
        """The stages with their cells, what is running, and the time left."""
        table = Table(box=None, pad_edge=False)
        for name, justify in (("stage", "left"), ("done", "right"), ("running", "right")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        table.add_column("left", justify="right")
        table.add_column("failed", justify="right")
        for stage in STAGES.values():
            of = [cell for cell in self.todo if cell.stage == stage]
            before = self.before.get(stage.name, 0)
            if not of and not before:
                continue
            done, running, failed = (
                sum(cell in group for cell in of)
                for group in (self.done, self.running, self.failed)
            )
            left = len(of) - done - running - failed
            style = "bold" if running else "dim" if not left else ""
            table.add_row(
                stage.notebook,
                str(done + before),
                str(running or ""),
                str(left or ""),
                Text(str(failed or ""), style="red"),
                style=style,
            )
        for cell, found in self.running.items():
            took = duration(time.time() - float(found["since"]))
            table.add_row(Text(f"  {cell.key}: {self._doing(found)}, {took}", overflow="fold"))
        table.add_row(Text(f"{duration(self.seconds)} elapsed, {self.left}"))
        return table

    def _doing(self, found: dict[str, Any]) -> str:
        """What a cell is doing, in words: "answering 4/10, 1.98batch/s"."""
        count = f" {found['done']}/{found['of']}" if found.get("of") else ""
        return f"{found['doing']}{count}"

    def _say_done(self, cell: Cell) -> None:
        seconds = status.seconds(cell)
        took = "" if seconds is None else f" ({duration(seconds)})"
        share = f"{len(self.done)} of {len(self.todo)}"
        rest = f"; {self.left}" if len(self.done) < len(self.todo) else ""
        self._say(f"{share} done: {cell.stage.notebook} {cell.key}{took}{rest}")

    def _say_failed(self, cell: Cell) -> None:
        lines = failure(
            cell.stage.notebook,
            cell.key,
            self.failed[cell],
            status.trace_of(cell),
            self.workflow.file,
        )
        self._say("\n".join(lines), style="red")

    def _say(self, text: str, style: str = "") -> None:
        clock = time.strftime("%H:%M:%S")
        self.console.print(Text(f"{clock} {text}", style=style), soft_wrap=True, highlight=False)
