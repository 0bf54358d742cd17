"""What a profile could detect, estimated before the long run from the models evaluated so far."""

from __future__ import annotations

import pandas as pd

from xltlib.analysis import conditions, power
from xltlib.analysis.intervals import MIN_SEEDS
from xltlib.artifacts import InputError
from xltlib.params import STANDARD
from xltlib.study.cell import ModelCell
from xltlib.study.grid import Grid
from xltlib.study.saved import require_undamaged
from xltlib.study.target_tasks import tested_tasks


def statement(
    grid: Grid, *, seeds: int | None = None, questions: int | None = None, seed_sd: float = 2.0
) -> dict[str, pd.DataFrame]:
    """The minimum detectable effect of each measure, by encoder: `analysis.power.statement`.

    Pilot models are the evaluated models of the first tested task with standard training.

    Args:
        seeds: the planned number; by default the profile's.
        questions: the planned number per language; by default as many as the pilot answered.
        seed_sd: the assumed standard deviation over seeds, in points.

    Raises:
        InputError: no model has been evaluated, a cell is damaged, or the plan is impossible.
    """
    planned = len(grid.params.seeds) if seeds is None else seeds
    if seeds is None and planned < MIN_SEEDS:
        raise InputError(
            f"{grid.params.profile}: the profile has fewer than {MIN_SEEDS} seeds, so nothing can "
            "be detected. Give the planned number with --seeds."
        )
    require_undamaged(grid)
    plan = power.Plan(planned, questions, seed_sd)
    settings, found = grid.params.analysis, {}
    for encoder in grid.params.encoders:
        clean, static, adaptive = _pilot(grid, encoder)
        if not len(clean):
            continue
        table = power.statement(
            clean,
            static,
            adaptive,
            plan,
            smallest=settings.smallest_effects.model_dump(),
            level=settings.level,
        )
        if len(table):
            found[encoder] = table
    if not found:
        raise InputError(
            f"{grid.params.profile}: no model has answered enough questions yet, so there is no "
            f"pilot. Run `{grid.params.run_command}` until a cell of 04_zero_shot_evaluation is "
            "done."
        )
    return found


def _pilot(grid: Grid, encoder: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Answers to clean sets, answers to static sets, and adaptive attacks, from finished cells."""
    frames = {}
    for stage in ("evaluation", "attacks"):
        cells = [
            cell
            for cell in grid.cells(stage)
            if (cell.encoder, cell.method) == (encoder, STANDARD)
            and cell.task in tested_tasks(grid.params)[:1]
            and cell.done
        ]
        frames[stage] = _scores(cells)
    answered, attacked = frames["evaluation"], frames["attacks"]
    if not len(answered):
        return answered, answered, attacked
    return answered[~conditions.is_static(answered)], conditions.static(answered), attacked


def _scores(cells: list[ModelCell]) -> pd.DataFrame:
    frames = [
        pd.read_parquet(cell.artefact("scores.parquet")).assign(**cell.factors) for cell in cells
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"language": []})
