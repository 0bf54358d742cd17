"""Stage 00: what a profile will do, as tables, before anything runs."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from IPython.display import Markdown

from xltlib.params import STANDARD
from xltlib.params.claims import ArmsEstimate
from xltlib.reporting.answers import what_it_can_answer
from xltlib.reporting.preregistration import preregistered
from xltlib.reporting.shown import sentences
from xltlib.study import planned, work
from xltlib.study.cell import Cell
from xltlib.study.grid import Grid
from xltlib.study.stages import STAGES


def record(cell: Cell) -> None:
    """Record the settings of the whole profile in this cell's manifest."""
    started, grid = time.time(), Grid(cell.params)
    counts = {stage.notebook: len(grid.cells(stage.name)) for stage in STAGES.values()}
    work.once(cell, lambda: work.finish(cell, {"cells": counts}, started=started))


def describe(cell: Cell) -> Markdown:
    """The profile in a sentence."""
    return Markdown(f"**{cell.params.profile}**: {cell.params.description.strip()}")


def factor_table(cell: Cell) -> pd.DataFrame:
    """One row per factor: its levels in this profile."""
    params = cell.params
    levels: dict[str, list[Any]] = {
        "encoder": list(params.encoders),
        "intermediate arm": list(params.intermediate.arms),
        "target task": list(params.targets),
        "target training": [STANDARD, *params.methods],
        "attack": ["none", *params.attacks],
        "seed": list(params.seeds),
    }
    return pd.DataFrame(
        [{"factor": name, "levels": ", ".join(map(str, values))} for name, values in levels.items()]
    )


def arm_table(cell: Cell) -> pd.DataFrame:
    """One row per arm and task: data, languages, and the budget that comparable arms share.

    `also tested` lists the arm's languages that a test set also has: their scores are not zero-shot
    for that arm.
    """
    params, rows = cell.params, []
    settings = params.intermediate
    tested = {
        code
        for target in params.targets.values()
        for test_set in target.test_sets
        for code in test_set.languages
    }
    for arm, definition in settings.arms.items():
        for task, data in definition.tasks.items():
            budget = settings.budget(arm)
            examples = budget.examples[task]
            rows.append(
                {
                    "arm": arm,
                    "task": task,
                    "trains on": f"{data.corpus} {data.split}",
                    "languages": " ".join(data.languages),
                    "also tested": " ".join(code for code in data.languages if code in tested),
                    "examples": examples,
                    "passes": budget.epochs,
                    "steps": budget.epochs * -(-examples // budget.optimisation.batch_size),
                }
            )
        if not definition.tasks:
            rows.append(
                dict.fromkeys(ARM_COLUMNS, "")
                | {"arm": arm, "examples": 0, "passes": 0, "steps": 0}
            )
    return pd.DataFrame(rows, columns=ARM_COLUMNS)


def crossing_table(cell: Cell) -> pd.DataFrame:
    """One row per target task: its training data, and the arms, methods and seeds that it
    crosses."""
    params, grid = cell.params, Grid(cell.params)
    rows = []
    for task, target in params.targets.items():
        models = [c for c in grid.cells("target") if c.task == task]
        of_arm = {
            arm: ", ".join(dict.fromkeys(str(c.method) for c in models if c.arm == arm))
            for arm in dict.fromkeys(str(c.arm) for c in models)
        }
        with_seeds: dict[str, list[str]] = {}
        for arm in of_arm:
            seeds = dict.fromkeys(str(c.seed) for c in models if c.arm == arm)
            with_seeds.setdefault(", ".join(seeds), []).append(arm)
        named = (f"{', '.join(arms)}: {seeds}" for seeds, arms in with_seeds.items())
        rows.append(
            {
                "target task": task,
                "trains on": f"{target.data.corpus} {target.data.split}",
                "methods by arm": "; ".join(f"{arm}: {names}" for arm, names in of_arm.items()),
                "seeds": "; ".join(named if len(with_seeds) > 1 else with_seeds),
                "models": len(models),
            }
        )
    return pd.DataFrame(rows)


ARM_COLUMNS = [
    "arm",
    "task",
    "trains on",
    "languages",
    "also tested",
    "examples",
    "passes",
    "steps",
]


def corpus_table(cell: Cell) -> pd.DataFrame:
    """One row per corpus: its source, and whether its text is synthetic."""
    return pd.DataFrame(
        [
            {
                "corpus": name,
                "source": source.source,
                "text": "synthetic" if source.source == "mini" else "real",
                "revision": source.revision or "",
            }
            for name, source in cell.params.corpora.items()
        ]
    )


def grid_table(cell: Cell) -> pd.DataFrame:
    """One row per stage: its notebook, and its number of cells."""
    grid = Grid(cell.params)
    return pd.DataFrame(
        [
            {"notebook": stage.notebook, "cells": len(grid.cells(stage.name))}
            for stage in STAGES.values()
        ]
    )


def limits(cell: Cell) -> Markdown:
    """What the profile can say about each claim, in words, judged from its params alone."""
    return sentences(what_it_can_answer(cell.params.claims, planned.held(cell.grid)))


def preregistration(cell: Cell) -> Markdown:
    """The primary outcome, the hypotheses, the exclusions and the smallest effects of interest."""
    named = {
        name: planned.conditions(cell.params, claim.estimate)
        for name, claim in cell.params.claims.items()
        if isinstance(claim.estimate, ArmsEstimate)
    }
    return Markdown(preregistered(cell.params, named))
