"""Paired hierarchical bootstrap: seeds, then examples within each language; languages are fixed.

All arms answer the same questions, so a contrast is computed question by question, and one draw of
seeds and questions serves every arm (Davison and Hinkley 1997, section 3.8, for the nesting).

With few seeds plain percentile intervals are too narrow, for a resample of S seeds has (S - 1) / S
of their variance and normal tails (Hesterberg 2015, section 4.3). So the draws keep their shape and
get the spread that the analysis of variance finds: unbiased components of seeds, questions and what
is left, and the tails of Student's t with Satterthwaite's degrees of freedom. The coverage study in
`tests/benchmarks/coverage.py` measures what this gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from xltlib.artifacts import InputError

MIN_EXAMPLES = 5
"""Fewer questions in a language, and resampling them could only repeat a handful of values."""


@dataclass(frozen=True)
class Interval:
    """An estimate in points (0-100) with its interval.

    `p` is the two-sided bootstrap p-value of no difference; `error` is the standard error in
    points, with `df` degrees of freedom; `covers` says what they allow for: with one seed it is the
    choice of questions alone. All but the estimate are NaN where some language has fewer than
    `MIN_EXAMPLES` questions.
    """

    estimate: float
    low: float
    high: float
    p: float
    error: float
    df: float
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
    languages: Mapping[str, float] | None = None,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a linear contrast of arms, macro mean over the test sets in the frame.

    Args:
        frame: one row an answer: arm, seed, corpus, language, id, and `value` in [0, 1].
        weights: arm to weight, e.g. {"multilingual": 1, "english": -1}.
        languages: language to weight, in place of the mean: a slope over languages, for example.

    Raises:
        InputError: the arms do not hold the same seeds and questions.
    """
    blocks = contrast_blocks(frame, value, weights)
    shares = [
        1 / len(blocks) if languages is None else languages[language] for _, language in blocks
    ]
    return interval_of(list(blocks.values()), shares, samples=samples, seed=seed, level=level)


def interval_of(
    blocks: Sequence[np.ndarray],
    shares: Sequence[float],
    *,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a weighted sum of means.

    Args:
        blocks: for each test set an array [seeds, questions] of differences.
        shares: the weight of each block's mean.
    """
    n_seeds = blocks[0].shape[0]
    rng = np.random.default_rng(seed)
    seed_weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=samples) / n_seeds
    draws = np.zeros(samples)
    for block, share in zip(blocks, shares, strict=True):
        n = block.shape[1]
        weights_of_examples = rng.multinomial(n, np.full(n, 1 / n), size=samples) / n
        draws += share * ((seed_weights @ block) * weights_of_examples).sum(axis=1)
    estimate = sum(share * block.mean() for block, share in zip(blocks, shares, strict=True))
    low = high = p = error = df = math.nan
    if min(block.shape[1] for block in blocks) >= MIN_EXAMPLES:
        error, df = standard_error(blocks, shares)
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        wider = stats.t.ppf(tails[1], df) / stats.norm.ppf(tails[1])
        spread = draws.std()
        draws = estimate + (draws - draws.mean()) * (wider * error / spread if spread > 0 else 0.0)
        low, high = np.quantile(draws, tails)
        share = min((draws <= 0).mean(), (draws >= 0).mean())
        p = min(1.0, 2 * max(share, 1 / samples))
    return Interval(
        estimate=100 * float(estimate),
        low=100 * float(low),
        high=100 * float(high),
        p=float(p),
        error=100 * float(error),
        df=float(df),
        n_examples=sum(block.shape[1] for block in blocks),
        n_seeds=n_seeds,
        n_languages=len(blocks),
        level=level,
    )


def standard_error(blocks: Sequence[np.ndarray], shares: Sequence[float]) -> tuple[float, float]:
    """Standard error of a weighted sum of block means, and its degrees of freedom.

    Seeds are crossed with questions: the variance is that of what is left (`rest`), plus what the
    means of seeds and of questions vary beyond it (Searle, Casella and McCulloch 1992, chapter 4),
    neither of them below zero. A single seed leaves the variance of the questions.
    """
    n_seeds = blocks[0].shape[0]
    pairs = list(zip(blocks, shares, strict=True))
    of_questions = [w**2 * b.mean(axis=0).var(ddof=1) / b.shape[1] for b, w in pairs]
    questions = sum(of_questions)
    scaled = sum(v**2 / (b.shape[1] - 1) for v, (b, _) in zip(of_questions, pairs, strict=True))
    variance, seeds = questions, 0.0
    if n_seeds > 1:
        seeds = sum(w * b.mean(axis=1) for b, w in pairs).var(ddof=1) / n_seeds
        rest = 0.0
        for b, w in pairs:
            residual = b - b.mean(axis=0) - b.mean(axis=1, keepdims=True) + b.mean()
            freedom = (n_seeds - 1) * (b.shape[1] - 1)
            rest += w**2 * (residual**2).sum() / freedom / b.size
        variance = rest + max(seeds - rest, 0) + max(questions - rest, 0)
        scaled += seeds**2 / (n_seeds - 1)
    return math.sqrt(variance), variance**2 / scaled if scaled > 0 else math.inf


def contrast_blocks(
    frame: pd.DataFrame, value: str, weights: Mapping[str, float]
) -> dict[tuple[str, str], np.ndarray]:
    """The contrast of each question: an array [seeds, questions] by corpus and language."""
    blocks = {}
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
        blocks[corpus, language] = values
    return blocks
