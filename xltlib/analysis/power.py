"""The minimum detectable effects of a planned run, from a few pilot models.

The pilot shows how much the answers to a question differ between two trainings. How much trainings
differ as a whole cannot be estimated from a few of them, so their standard deviation is assumed.
The planned run's interval then comes from the same model as every interval (`analysis.variance`),
with expected mean squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import (
    MIN_EXAMPLES,
    Block,
    contrast_blocks,
    macro_shares,
    units_here,
)
from xltlib.analysis.intervals import MIN_SEEDS, POWER, ROUNDING
from xltlib.analysis.robustness import MEASURES, over_conditions, values
from xltlib.analysis.variance import Seeds, mixture, spread
from xltlib.artifacts import InputError
from xltlib.params.values import MOST

CORRELATION = 0.5
"""Assumed between two trainings' answers to the same question if the pilot has one model."""
BASES = (
    "compared across arms and seeds",
    "compared in pairs, assuming that more seeds do not reduce the error from questions",
    f"assuming a correlation of {CORRELATION} between the answers of two training runs",
)
"""The basis for the variance of a question's contrast; all but the first are conservative."""
ALIKE = "whose answers do not differ, so they carry no information"
"""In place of a basis, if the pilot shows no variance."""
MODEL = ["arm", "seed"]


@dataclass(frozen=True)
class Plan:
    """A planned run.

    Attributes:
        seeds: trainings of each arm.
        questions: per language; None for as many as the pilot answered.
        seed_sd: standard deviation over seeds of a contrast of two arms, in the measure's unit.
    """

    seeds: int
    questions: int | None = None
    seed_sd: float = 2.0

    def __post_init__(self) -> None:
        least = {"seeds": MIN_SEEDS, "questions": MIN_EXAMPLES, "seed_sd": 0.0}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and not bound <= value <= MOST:
                option = f"--{name.replace('_', '-')}"
                raise InputError(f"{option} {value}: give a number from {bound:g} to {MOST:,}")


def detectable(frame: pd.DataFrame, measure: str, plan: Plan, *, level: float) -> dict[str, Any]:
    """The minimum detectable effect (80 % power) of one measure, and its basis; NaN if it is larger
    than the measure can be, or if the pilot's answers do not differ.

    Args:
        frame: one row per answer of a pilot model: arm, seed, corpus, language, id, perhaps
            passage, and `value` in [0, 1]; only the languages that count.

    Returns:
        languages, questions (planned in each language; the mean if they differ), models, basis (one
        of `BASES`, or `ALIKE`) and detectable.
    """
    models = frame[MODEL].drop_duplicates()
    names = [f"{arm} {seed}" for arm, seed in models.itertuples(index=False)]
    frame = frame.assign(arm=frame["arm"].astype(str) + " " + frame["seed"].astype(str), seed=0)
    frame = _enough(frame)
    if not len(frame):
        raise InputError(
            f"the pilot has no language with {MIN_EXAMPLES} or more questions; evaluate more first"
        )
    arm_of = dict(zip(names, models["arm"], strict=True))
    found: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
    for one, other in combinations(names, 2):
        found[arm_of[one] == arm_of[other]].append(
            _variance(frame, {one: 1.0, other: -1.0}, plan.questions)
        )
    within, between = found[True], found[False]
    redrawn = 0.0
    if within and between:
        # Differences between two trainings of one arm change with every seed.
        basis, redrawn = BASES[0], float(np.mean([variance for variance, _ in within]))
    elif within or between:
        basis = BASES[1]
    else:
        basis = BASES[2]
        variance, units = _variance(frame, {names[0]: 1.0}, plan.questions)
        between = [(2 * (1 - CORRELATION) * variance, units)]
    every = float(np.mean([variance for variance, _ in between or within]))
    units = min(n for _, n in between or within)
    counts = frame.groupby(["corpus", "language"])["id"].nunique().groupby("language").sum()
    about = {
        "languages": len(counts),
        "questions": plan.questions or round(counts.mean()),
        "models": len(names),
    }
    if every <= ROUNDING**2:
        return about | {"basis": ALIKE, "detectable": np.nan}
    of_answers = min(redrawn, every) / plan.seeds
    of_questions = max(every - redrawn, 0.0) + of_answers
    scale = MEASURES[measure].scale
    means = of_answers + (plan.seed_sd / scale) ** 2 / plan.seeds
    seeds = Seeds(np.array(means), np.array(0.0), np.array(of_answers), plan.seeds, 1)
    nodes, weights = seeds.nodes(np.ones(1))
    scaled = np.array(of_questions**2 / max(units - 1, 1))
    error = mixture(nodes, weights, np.array(of_questions), scaled)
    least = scale * (error.quantile((1 + level) / 2) + error.quantile(POWER))
    largest = MEASURES[measure].most
    return about | {"basis": basis, "detectable": least if least <= largest else np.nan}


def _variance(
    frame: pd.DataFrame, weights: dict[str, float], questions: int | None
) -> tuple[float, int]:
    """The variance of a contrast's macro mean over planned questions, and its number of units."""
    found = contrast_blocks(frame, "value", weights)
    counts = {place: block.n_questions for place, block in found.items()}
    in_language: dict[str, int] = {}
    for (_, language), n in counts.items():
        in_language[language] = in_language.get(language, 0) + n
    blocks = [
        _planned(block, in_language[language] / questions if questions else 1.0)
        for (_, language), block in found.items()
    ]
    _, _, error = spread(blocks, macro_shares(counts), None)
    return float(error) ** 2, len({(b.group, int(unit)) for b in blocks for unit in b.units})


def _planned(block: Block, ratio: float) -> Block:
    """The block, rescaled so that its mean varies like that of so many times fewer questions."""
    mean = block.values.mean(axis=-1, keepdims=True)
    return Block(mean + (block.values - mean) * np.sqrt(ratio), block.units, block.group)


def statement(
    clean: pd.DataFrame,
    static: pd.DataFrame,
    adaptive: pd.DataFrame,
    plan: Plan,
    *,
    smallest: dict[str, float],
    level: float,
) -> pd.DataFrame:
    """One row per measure for which the pilot has values.

    Args:
        clean: answers to clean test sets. static, adaptive: `xltlib.analysis.conditions`.
        smallest: by unit of `robustness.MEASURES`, the smallest effect that would matter.
    """
    of_corpora = [
        (f"clean F1 on {corpus}", "clean", part) for corpus, part in clean.groupby("corpus")
    ]
    kinds = (
        *of_corpora,
        ("share of clean F1 kept on static sets", "share kept", static),
        ("share of clean F1 kept under adaptive attacks", "share kept", adaptive),
        ("F1 under adaptive attacks", "attacked", adaptive),
    )
    rows = []
    for words, measure, frame in kinds:
        frame = frame[frame["language"] != "en"]
        if not len(frame):
            continue
        if measure == "clean":
            parts = {"clean": _answered_by_all(frame.assign(value=frame["f1"]))}
        else:
            groups = _answered_by_all(frame, ["attack"]).groupby("attack")
            parts = {str(name): values(part, measure) for name, part in groups}
        parts = {n: part for n, part in parts.items() if len(part) and part["value"].notna().all()}
        if not parts:
            continue
        valued = _enough(over_conditions(parts))  # as in the claims
        if not len(valued):
            continue
        found = detectable(valued, measure, plan, level=level)
        unit = MEASURES[measure].unit
        rows.append(
            {"measure": words, "seeds": plan.seeds, "seed sd": plan.seed_sd}
            | found
            | {"smallest": smallest[unit], "enough": found["detectable"] <= smallest[unit]}
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _enough(frame: pd.DataFrame) -> pd.DataFrame:
    """The test sets with enough questions for an interval."""
    return frame[units_here(frame) >= MIN_EXAMPLES]


def _answered_by_all(frame: pd.DataFrame, within: Sequence[str] = ()) -> pd.DataFrame:
    """The questions that all pilot models answered; some may have answered more test sets."""
    models = len(frame[MODEL].drop_duplicates())
    answers = frame.groupby([*within, "corpus", "language", "id"])["arm"].transform("size")
    return frame[answers == models]


COLUMNS = [
    *("measure", "seeds", "questions", "languages", "seed sd", "models", "basis"),
    *("detectable", "smallest", "enough"),
]
