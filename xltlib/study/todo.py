"""What a run has to do: decided once, when it starts, and followed by all of its processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xltlib.artifacts import read_json, write_json
from xltlib.study import manifest
from xltlib.study.cell import Cell, strict
from xltlib.study.grid import Grid
from xltlib.study.notebooks import is_current

FILE = ".todo.json"
"""Its file in a profile's outputs, for the processes of a run."""


@dataclass(frozen=True)
class Todo:
    """The cells that a run executes.

    Attributes:
        cells: all of them, upstream ones first.
        again: those that are done, but whose models or texts are absent and needed by another.
    """

    cells: list[Cell]
    again: frozenset[Cell]

    @classmethod
    def of(cls, grid: Grid, notebooks: Path | None = None, only: Iterable[str] = ()) -> Todo:
        """What is to do in a grid.

        These are the cells that are not done; finished cells whose models or texts those need, but
        this machine lacks; and cells to be read back because their executed notebook is missing,
        incomplete, or has other code than the one in `notebooks`. Results of a real profile travel
        without notebooks, so a missing one does not count there. `only` is as in `Grid.chosen`.
        """
        chosen = grid.chosen(only)
        working = {cell for cell in chosen if not cell.done}
        again: set[Cell] = set()
        while True:
            before = len(working)
            again |= {
                one
                for cell in working
                for one in cell.stage.opens(cell)
                if one.done and not one.complete
            }
            working |= again
            if strict():  # the results of what they read may change
                working |= {cell for cell in chosen if not working.isdisjoint(cell.read)}
            if len(working) == before:
                break
        todo = [cell for cell in chosen if cell in working or _unread(cell, notebooks)]
        return cls(todo, frozenset(again))

    def begin(self, folder: Path) -> Path:
        """Write this for the processes of a run, and remove the notebooks of its cells.

        Everything else stays until the cell's own work begins, so nothing is lost if the run is
        stopped before that.

        Returns:
            The file, to be read by `read`.
        """
        for cell in self.cells:
            cell.notebook.unlink(missing_ok=True)
        again = sorted(cell.name for cell in self.again)
        write_json(folder / FILE, {"cells": [cell.name for cell in self.cells], "again": again})
        return folder / FILE

    @classmethod
    def read(cls, file: Path, grid: Grid) -> Todo:
        """What `begin` has written."""
        found, cells = read_json(file), grid.everything()
        return cls(
            [cell for cell in cells if cell.name in found["cells"]],
            frozenset(cell for cell in cells if cell.name in found["again"]),
        )


def _unread(cell: Cell, notebooks: Path | None) -> bool:
    """Whether the notebook of a finished cell has to be executed again, to read the results
    back."""
    if any(cell.folder.glob(f"{manifest.EXECUTING}*.ipynb")):
        return True  # a killed run left it
    if cell.path(manifest.FAILED).exists():
        return True
    if not cell.notebook.is_file():
        return cell.params.synthetic
    return notebooks is not None and not is_current(cell.notebook, cell.stage, notebooks)


def from_earlier_results(cells: Iterable[Cell]) -> str | None:
    """A warning about finished cells that were made from results which have since changed; None if
    there are none."""
    found = [(cell, cell.superseded) for cell in cells]
    found = [(cell, changed) for cell, changed in found if changed and cell.done]
    if not found:
        return None
    cell, changed = found[0]
    some, their = (f"{len(found)} finished cells were", "them") if found[1:] else ("", "it")
    return (
        f"{some or 'A finished cell was'} made from results that have since been replaced by "
        f"different ones ({cell.name} from {changed[0].name}); `{cell.params.run_command} "
        f"--strict` makes {their} again."
    )
