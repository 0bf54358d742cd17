"""Intervals, p-values and equivalence tests of contrasts between arms, all from one model.

`blocks` has the contrast of each question, `variance` the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import (
    MIN_EXAMPLES,
    Block,
    common_seeds,
    contrast_blocks,
    large_enough,
    macro_shares,
)
from xltlib.analysis.variance import Seeds, Widest, seed_variance, spread

MIN_SEEDS = 3
"""There is no p-value with fewer seeds: two training runs cannot show how much they vary."""
LEAST_P = {3: 0.005}
"""The least p-value by number of seeds. If a fifth of all trainings collapse, all three of one arm
and none of the other do so in 0.8 % of the runs, which nothing in the answers shows."""
NO_COMMON_SEED = "the arms have no seed in common"
POINTS = 100.0
"""Values are shares in [0, 1]; a difference of two in points lies within +-100."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval and p-value, in the measure's unit.

    `p` is the two-sided p-value of no difference, NaN with fewer than `MIN_SEEDS` seeds. If bounds,
    p and `detectable` are NaN, `why_not` says why. With one seed `detectable` is NaN, because
    another training would differ by an unknown amount. `seed_sd` is the standard deviation of the
    estimate over seeds, NaN with one. `n_units` is the number of sampling units: questions with
    their translations, or passages where several questions share one. `n_sets` is the number of
    test sets, of which a language can have several.
    """

    estimate: float
    low: float
    high: float
    p: float
    error: float
    detectable: float
    n_examples: int
    n_units: int
    n_seeds: int
    n_sets: int
    level: float
    seed_sd: float = math.nan
    languages: tuple[str, ...] = ()
    why_not: str = ""
    spread: Widest | None = field(default=None, repr=False, compare=False)
    scale: float = POINTS

    @property
    def covers(self) -> str:
        return "seeds and questions" if self.n_seeds > 1 else "questions only (one seed)"

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    def equivalence_p(self, bound: float) -> float:
        """P-value of two one-sided tests (TOST; Schuirmann 1987).

        A small one shows that the arms are equivalent: the true effect is smaller than `bound` in
        size. NaN if there is no p-value, and never below the least for this number of seeds.
        """
        if self.spread is None or not self.known or self.n_seeds < MIN_SEEDS:
            return math.nan
        below = 1 - self.spread.below((self.estimate + bound) / self.scale)
        above = self.spread.below((self.estimate - bound) / self.scale)
        return max(float(below), float(above), LEAST_P.get(self.n_seeds, 0.0))

    @classmethod
    def unknown(cls, why_not: str, level: float) -> Interval:
        """Nothing can be estimated, for a reason."""
        numbers = ("estimate", "low", "high", "p", "error", "detectable")
        counts = ("n_examples", "n_units", "n_seeds", "n_sets")
        values: dict[str, Any] = dict.fromkeys(numbers, math.nan) | dict.fromkeys(counts, 0)
        return cls(**values, level=level, why_not=why_not)

    def record(self) -> dict[str, Any]:
        """For JSON, which has no NaN."""
        names = [name for name in self.__dataclass_fields__ if name not in ("spread", "scale")]
        values = {name: getattr(self, name) for name in names} | {"languages": [*self.languages]}
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}


ROUNDING = 1e-9
"""A smaller error or estimate, on the scale of the values, is a rounding error."""
POWER = 0.8
"""The probability of detecting the minimum detectable effect."""


def interval(
    blocks: Sequence[Block],
    shares: Sequence[float],
    *,
    seeds: Seeds | None = None,
    level: float = 0.95,
    scale: float = POINTS,
    most: float = POINTS,
    languages: Sequence[str] = (),
) -> Interval:
    """The interval of a weighted sum of block means.

    Args:
        seeds: `seed_variance`, pooled over more test sets; by default over these alone.
        scale: the size of one unit of the values in the measure's unit.
        most: the largest size that the contrast can have, in the measure's unit.
    """
    n_seeds = blocks[0].values.shape[-2]
    used = [(block, share) for block, share in zip(blocks, shares, strict=True) if share]
    blocks, shares = [block for block, _ in used], [share for _, share in used]
    low = high = p = detectable = math.nan
    mean, about, error = spread(blocks, shares, seeds or seed_variance(blocks))
    estimate = float(mean)
    why_not = ""
    if min(block.n_units for block in blocks) < MIN_EXAMPLES:
        why_not = f"fewer than {MIN_EXAMPLES} independent questions or passages"
    elif not error > ROUNDING:
        same = abs(estimate) <= ROUNDING
        why_not = "no question differs" if same else "every question differs by the same amount"
    else:
        reach = about.quantile((1 + level) / 2)
        least = reach + about.quantile(POWER)
        if scale * max(abs(estimate) + reach, least) > most:
            why_not = f"not estimable with {_few(n_seeds)}"
        else:
            low, high = scale * (estimate - reach), scale * (estimate + reach)
            if n_seeds > 1:
                detectable = scale * least
            if n_seeds >= MIN_SEEDS:
                p = float(p_value(about, mean, n_seeds))
    of_seeds = sum(s * block.values.mean(axis=-1) for block, s in zip(blocks, shares, strict=True))
    groups = {(block.group, int(unit)) for block in blocks for unit in block.units}
    return Interval(
        estimate=float(scale * estimate),
        low=float(low),
        high=float(high),
        p=p,
        error=float(scale * error),
        detectable=float(detectable),
        seed_sd=float(scale * np.std(of_seeds, ddof=1)) if n_seeds > 1 else math.nan,
        n_examples=sum(block.n_questions for block in blocks),
        n_units=len(groups),
        n_seeds=n_seeds,
        n_sets=len(blocks),
        level=level,
        languages=tuple(languages),
        why_not=why_not,
        spread=about,
        scale=scale,
    )


def p_value(about: Widest, away: np.ndarray, n_seeds: int) -> np.ndarray:
    """The two-sided p-value of a distance between an estimate and the value under test, [...]."""
    return np.maximum(2 * about.below(-np.abs(away)), LEAST_P.get(n_seeds, 0.0))


def _few(n_seeds: int) -> str:
    words = {1: "one seed", 2: "two seeds"}
    return words.get(n_seeds, f"{n_seeds} seeds and this many questions")


def contrast(
    frame: pd.DataFrame, value: str, weights: Mapping[str, float], **options: Any
) -> Interval:
    """The interval of a contrast of arms, macro mean over the languages in the frame.

    Test sets with fewer than `MIN_EXAMPLES` units are left out, unless all are that small.

    Args:
        frame, value, weights: as in `contrast_blocks`.
        options: as in `interval`; by default, `languages` are those of the frame.
    """
    if not common_seeds(frame, weights):
        return Interval.unknown(NO_COMMON_SEED, options.get("level", 0.95))
    blocks = contrast_blocks(large_enough(frame), value, weights)
    shares = macro_shares({place: block.n_questions for place, block in blocks.items()})
    names = list(dict.fromkeys(code for _, code in blocks))
    return interval(list(blocks.values()), shares, **{"languages": names} | options)
