"""Paired hierarchical bootstrap: seeds, then examples within each language; languages are fixed.

All arms answer the same questions, so a contrast is computed question by question, and one draw of
seeds and questions serves every arm (Davison and Hinkley 1997, section 3.8, for the nesting; Efron
and Tibshirani 1993, chapter 13, for percentile intervals).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xltlib.artifacts import InputError

MIN_EXAMPLES = 5
"""Fewer questions in a language, and resampling them could only repeat a handful of values."""


@dataclass(frozen=True)
class Interval:
    """An estimate in points (0-100) with its percentile interval.

    `p` is the two-sided bootstrap p-value of no difference; `covers` says what the interval allows
    for: with one seed it is the choice of questions alone. Interval and p are NaN where some
    language has fewer than `MIN_EXAMPLES` questions.
    """

    estimate: float
    low: float
    high: float
    p: float
    n_examples: int
    n_seeds: int
    n_languages: int
    level: float

    @property
    def covers(self) -> str:
        return "seeds and examples" if self.n_seeds > 1 else "examples only (one seed)"


def paired_bootstrap(
    frame: pd.DataFrame,
    value: str,
    weights: Mapping[str, float],
    *,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a linear contrast of arms, macro mean over the test sets in the frame.

    Args:
        frame: one row an answer: arm, seed, corpus, language, id, and `value` in [0, 1].
        weights: arm to weight, e.g. {"multilingual": 1, "english": -1}.

    Raises:
        InputError: the arms do not hold the same seeds and questions.
    """
    blocks = contrast_blocks(frame, value, weights)
    n_seeds = blocks[0].shape[0]
    rng = np.random.default_rng(seed)
    seed_weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=samples) / n_seeds
    draws = np.zeros(samples)
    for block in blocks:
        n = block.shape[1]
        weights_of_examples = rng.multinomial(n, np.full(n, 1 / n), size=samples) / n
        draws += ((seed_weights @ block) * weights_of_examples).sum(axis=1)
    draws /= len(blocks)
    tail = 50 * (1 - level)
    low, high = np.percentile(draws, [tail, 100 - tail])
    share = min((draws <= 0).mean(), (draws >= 0).mean())
    p = min(1.0, 2 * max(share, 1 / samples))
    if min(block.shape[1] for block in blocks) < MIN_EXAMPLES:
        low = high = p = math.nan
    return Interval(
        estimate=100 * float(np.mean([block.mean() for block in blocks])),
        low=100 * float(low),
        high=100 * float(high),
        p=float(p),
        n_examples=sum(block.shape[1] for block in blocks),
        n_seeds=n_seeds,
        n_languages=len(blocks),
        level=level,
    )


def contrast_blocks(
    frame: pd.DataFrame, value: str, weights: Mapping[str, float]
) -> list[np.ndarray]:
    """The contrast of each question: an array [seeds, questions] for each corpus and language."""
    blocks = []
    for (corpus, language), rows in frame.groupby(["corpus", "language"], sort=True):
        total: pd.DataFrame | None = None
        for arm, weight in weights.items():
            table = rows[rows["arm"] == arm].pivot(index="seed", columns="id", values=value)
            if total is None:
                total = weight * table
                continue
            same = table.index.equals(total.index) and table.columns.equals(total.columns)
            if not same:
                odd = sorted(set(table.columns) ^ set(total.columns))[:3]
                raise InputError(
                    f"arms {', '.join(weights)} do not answer the same questions with the same "
                    f"seeds in {corpus}/{language} (first differences: {odd or 'seeds'}). Run all "
                    "their cells with the same params."
                )
            total = total + weight * table
        values = total.to_numpy()
        if np.isnan(values).any() or values.size == 0:
            raise InputError(f"{corpus}/{language}: some seed lacks some question. Run all cells.")
        blocks.append(values)
    return blocks
