"""Intervals, p-values and equivalence tests of contrasts between arms, all from one model.

`blocks` has the contrast of each question, `variance` the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from xltlib.analysis.blocks import Block, contrast_blocks
from xltlib.analysis.variance import Seeds, Spread, seed_variance, spread

MIN_EXAMPLES = 5
"""There is no interval for a language with fewer questions."""
MIN_SEEDS = 3
"""There is no p-value with fewer seeds: two trainings cannot show how much trainings vary."""
POINTS = 100.0
"""Values are shares in [0, 1]; a difference of two in points lies within +-100."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval and p-value, in the measure's unit.

    `p` is the two-sided p-value of no difference, NaN with fewer than `MIN_SEEDS` seeds. If bounds,
    p and `detectable` are NaN, `why_not` says why. `n_units` is the number of sampling units:
    questions with their translations, or passages where several questions share one.
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
    n_languages: int
    level: float
    languages: tuple[str, ...] = ()
    why_not: str = ""
    spread: Spread | None = field(default=None, repr=False, compare=False)
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
        size. NaN if there is no p-value.
        """
        if self.spread is None or not self.known or self.n_seeds < MIN_SEEDS:
            return math.nan
        below = 1 - self.spread.below((self.estimate + bound) / self.scale)
        above = self.spread.below((self.estimate - bound) / self.scale)
        return float(max(below, above))

    def record(self) -> dict[str, Any]:
        """For JSON, which has no NaN."""
        names = [name for name in self.__dataclass_fields__ if name not in ("spread", "scale")]
        values = {name: getattr(self, name) for name in names} | {"languages": [*self.languages]}
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}


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
    if min(block.values.shape[-1] for block in blocks) < MIN_EXAMPLES:
        why_not = f"fewer than {MIN_EXAMPLES} questions in some language"
    elif not error > 0:
        why_not = "no question differs"
    else:
        reach = about.quantile((1 + level) / 2)
        least = reach + about.quantile(POWER)
        if scale * max(abs(estimate) + reach, least) > most:
            why_not = f"not estimable with {_few(n_seeds)}"
        else:
            low, high = scale * (estimate - reach), scale * (estimate + reach)
            detectable = scale * least
            if n_seeds >= MIN_SEEDS:
                p = float(2 * about.below(-abs(estimate)))
    groups = {(block.group, int(unit)) for block in blocks for unit in block.units}
    return Interval(
        estimate=float(scale * estimate),
        low=float(low),
        high=float(high),
        p=p,
        error=float(scale * error),
        detectable=float(detectable),
        n_examples=sum(block.values.shape[-1] for block in blocks),
        n_units=len(groups),
        n_seeds=n_seeds,
        n_languages=len(blocks),
        level=level,
        languages=tuple(languages),
        why_not=why_not,
        spread=about,
        scale=scale,
    )


def _few(n_seeds: int) -> str:
    words = {1: "one seed", 2: "two seeds"}
    return words.get(n_seeds, f"{n_seeds} seeds and this many questions")


def contrast(
    frame: pd.DataFrame,
    value: str,
    weights: Mapping[str, float],
    *,
    languages: Mapping[str, float] | None = None,
    **options: Any,
) -> Interval:
    """The interval of a contrast of arms, macro mean over the test sets in the frame.

    Args:
        frame, value, weights: as in `contrast_blocks`.
        languages: language to weight, in place of the mean, e.g. for a slope over languages.
        options: as in `interval`.
    """
    blocks = contrast_blocks(frame, value, weights)
    shares = [1 / len(blocks) if languages is None else languages[code] for _, code in blocks]
    names = list(dict.fromkeys(code for _, code in blocks))
    return interval(list(blocks.values()), shares, languages=names, **options)
