"""Intervals, p-values and equivalence tests of contrasts between arms, all from one model.

A contrast is computed question by question, seed by seed. Its variance has three parts: trainings
(arm x seed), questions, and what is left. They are estimated by the analysis of variance of a
crossed design (Searle, Casella and McCulloch 1992, chapter 4). Translations of one question are one
unit, and so are questions that share a passage. Seeds are few, so their part is not plugged in: it
is averaged over its fiducial distribution, as in the Behrens-Fisher problem and in generalised
inference (Weerahandi 1993; Hannig, Iyer and Patterson 2006). The result is a mixture of Student's t
distributions, which equals the plain t of the seed means where seeds dominate and the plain t of
the questions where they do. Satterthwaite's degrees of freedom alone, tried first, give up to four
times too many p-values below 0.005 with three seeds. `tests/benchmarks/coverage.py` measures this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from xltlib.artifacts import InputError

MIN_EXAMPLES = 5
"""A language with fewer questions gives no interval."""
MIN_SEEDS = 3
"""Fewer seeds give no p-value: two trainings cannot show how much trainings vary."""
POINTS = 100.0
"""Values are shares in [0, 1]; a difference of two in points lies within +-100."""


@dataclass(frozen=True)
class Block:
    """The contrast of each question of one test set.

    Attributes:
        values: [..., seeds, questions]; leading axes are independent repetitions (simulations).
        units: for each question the number of its unit of sampling, from 0 within the group.
        group: blocks of one group share units, as the languages of a parallel corpus do.
    """

    values: np.ndarray
    units: np.ndarray
    group: str

    @classmethod
    def independent(cls, values: np.ndarray, group: str) -> Block:
        """A block in which every question is a unit of its own."""
        return cls(values, np.arange(values.shape[-1]), group)


@dataclass(frozen=True)
class Seeds:
    """How much trainings vary, pooled over the test sets of one contrast.

    Attributes:
        common: variance of the mean over test sets, [...].
        own: mean over test sets of the variance of what is left of each one's mean, [...].
        rest: mean over test sets of the variance that the answers alone would give, [...].
    """

    common: np.ndarray
    own: np.ndarray
    rest: np.ndarray
    n_seeds: int
    n_blocks: int

    def nodes(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draws [..., node] of the variance that trainings give to a weighted sum, and weights."""
        df = self.n_seeds - 1
        factors, weights = _inverse_chi2(df, 33)
        common = self.common[..., None] * factors
        own = np.zeros_like(common)
        if self.n_blocks > 1:
            own_df = df * (self.n_blocks - 1)
            more, own_weights = _inverse_chi2(own_df, 9 if own_df > 4 else 21)
            common = np.repeat(common, len(more), axis=-1)
            own = np.tile(self.own[..., None] * more, len(factors))
            weights = np.outer(weights, own_weights).ravel()
            # What test sets share cannot vary less than nothing.
            shared = np.maximum(common - own / (self.n_blocks - 1), 0.0)
            own = own * self.n_blocks / (self.n_blocks - 1)
        else:
            shared, own = np.zeros_like(common), common
        squares = (shares**2).sum()
        total = shared * shares.sum() ** 2 + (own - self.rest[..., None]) * squares
        return np.maximum(total, 0.0), weights


def _inverse_chi2(df: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature over the distribution of df / chi-squared: nodes and weights."""
    at = np.linspace(-4.5, 4.5, count)
    weights = stats.norm.pdf(at)
    return df / stats.chi2.ppf(stats.norm.cdf(at), df), weights / weights.sum()


def seed_variance(blocks: Sequence[Block]) -> Seeds | None:
    """The variance of trainings over all test sets of a contrast; None with a single seed."""
    n_seeds = blocks[0].values.shape[-2]
    if n_seeds < 2:
        return None
    means = np.stack([block.values.mean(axis=-1) for block in blocks], axis=-1)
    common = means.mean(axis=-1, keepdims=True)
    rest = [_rest(_residuals(block), block) for block in blocks]
    return Seeds(
        common=common[..., 0].var(axis=-1, ddof=1) / n_seeds,
        own=(means - common).var(axis=-2, ddof=1).mean(axis=-1) / n_seeds,
        rest=np.mean(rest, axis=0),
        n_seeds=n_seeds,
        n_blocks=len(blocks),
    )


def _residuals(block: Block) -> np.ndarray:
    """What neither seed nor question explains, [..., seeds, questions]."""
    values = block.values
    by_seed = values.mean(axis=-1, keepdims=True)
    by_question = values.mean(axis=-2, keepdims=True)
    return values - by_seed - by_question + by_seed.mean(axis=-2, keepdims=True)


def _by_unit(values: np.ndarray, block: Block, n_units: int) -> np.ndarray:
    """Sums over the questions of each unit, divided by the questions of the block."""
    if n_units == values.shape[-1] and (block.units == np.arange(n_units)).all():
        return values / n_units
    order = np.argsort(block.units, kind="stable")
    held, starts = np.unique(block.units[order], return_index=True)
    sums = np.zeros((*values.shape[:-1], n_units))
    sums[..., held] = np.add.reduceat(values[..., order], starts, axis=-1)
    return sums / values.shape[-1]


def _rest(residuals: np.ndarray, block: Block) -> np.ndarray:
    """Variance of the block's mean that residuals give, clustered by unit."""
    n_units = int(block.units.max()) + 1
    return _rest_of_sums(_by_unit(residuals, block, n_units), n_units)


def _rest_of_sums(sums: np.ndarray, n_units: int) -> np.ndarray:
    n_seeds = sums.shape[-2]
    freedom = (n_seeds - 1) * max(n_units - 1, 1) / n_units
    return (sums**2).sum(axis=(-2, -1)) / freedom / n_seeds


@dataclass(frozen=True)
class Spread:
    """How an estimate lies about the truth: a mixture of Student's t, centred on zero.

    Attributes:
        errors, dfs: [..., node]; weights: [node].
    """

    errors: np.ndarray
    dfs: np.ndarray
    weights: np.ndarray

    def below(self, x: np.ndarray | float) -> np.ndarray:
        """The probability of an error below x, [...]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.asarray(x)[..., None] / self.errors
        return (stats.t.cdf(scaled, self.dfs) * self.weights).sum(axis=-1)

    def quantile(self, share: float) -> float:
        """The error below which a share of at least one half lies; for one estimate, not many."""
        most = float((self.errors * stats.t.ppf(share, self.dfs)).max())
        # The quantile lies between nothing and that of the widest part, give or take rounding.
        least, most = 1e-9 * most, (1 + 1e-9) * most
        if not most > 0 or self.below(least) >= share:
            return 0.0
        return float(optimize.brentq(lambda x: self.below(x) - share, least, most, xtol=1e-9))


def spread(
    blocks: Sequence[Block], shares: Sequence[float], seeds: Seeds | None
) -> tuple[np.ndarray, Spread, np.ndarray]:
    """Estimate [...], its spread, and its plain standard error [...], of weighted block means.

    Args:
        seeds: of all test sets of the contrast, `seed_variance`; None for a single seed.
    """
    weights = np.asarray(shares, float)
    estimate = sum(w * b.values.mean(axis=(-2, -1)) for b, w in zip(blocks, weights, strict=True))
    questions = rest = scaled = np.zeros(np.shape(estimate))
    for group in dict.fromkeys(block.group for block in blocks):
        own = [(b, w) for b, w in zip(blocks, weights, strict=True) if b.group == group]
        n_units = max(int(block.units.max()) for block, _ in own) + 1
        means = sum(w * _by_unit(_centred(block), block, n_units) for block, w in own)
        variance = n_units / max(n_units - 1, 1) * (means**2).sum(axis=-1)
        questions = questions + variance
        scaled = scaled + variance**2 / max(n_units - 1, 1)
        if seeds is not None:
            left = sum(w * _by_unit(_residuals(block), block, n_units) for block, w in own)
            rest = rest + _rest_of_sums(left, n_units)
    if seeds is None:
        of_seeds, node_weights = np.zeros((*np.shape(estimate), 1)), np.ones(1)
        plain = np.zeros(np.shape(estimate))
    else:
        of_seeds, node_weights = seeds.nodes(weights)
        plain = _plain(seeds, weights)
    of_questions = np.maximum(questions, rest)
    variance = of_seeds + of_questions[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        # Satterthwaite, for the part of the questions: that of the seeds is in the mixture.
        dfs = np.where(scaled[..., None] > 0, variance**2 / scaled[..., None], 1e6)
    return (
        estimate,
        Spread(np.sqrt(variance), np.minimum(dfs, 1e6), node_weights),
        np.sqrt(plain + of_questions),
    )


def _centred(block: Block) -> np.ndarray:
    means = block.values.mean(axis=-2)
    return means - means.mean(axis=-1, keepdims=True)


def _plain(seeds: Seeds, shares: np.ndarray) -> np.ndarray:
    """The variance of trainings as estimated, without its uncertainty."""
    if seeds.n_blocks == 1:
        return np.maximum((seeds.common - seeds.rest) * (shares**2).sum(), 0.0)
    more = seeds.own / (seeds.n_blocks - 1)
    shared = np.maximum(seeds.common - more, 0.0) * shares.sum() ** 2
    return np.maximum(shared + (more * seeds.n_blocks - seeds.rest) * (shares**2).sum(), 0.0)


@dataclass(frozen=True)
class Interval:
    """An estimate with what the model says of it, in the measure's unit.

    `p` is the two-sided p-value of no difference, NaN under `MIN_SEEDS` seeds. Bounds, p and
    `detectable` are NaN where `why_not` says why. `n_units` counts what is sampled: questions, each
    once with all its translations, or passages where questions share them.
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
        """P-value of "the true effect is at least `bound` in size": two one-sided tests.

        A small one says that the arms are the same up to the bound (Schuirmann 1987). NaN where
        there is no p-value.
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
"""A detectable effect is found with this probability."""


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
        seeds: pooled over more test sets than these, `seed_variance`; of these alone by default.
        scale: what one unit of the values is in the measure's unit.
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


def contrast_blocks(
    frame: pd.DataFrame,
    value: str,
    weights: Mapping[str, float],
    *,
    parallel: bool | None = None,
) -> dict[tuple[str, str], Block]:
    """The contrast of each question, by corpus and language.

    Languages of a corpus whose ids occur in several of them are translations of each other. Where
    the frame has a column `passage`, questions of one passage are one unit.

    Args:
        frame: one row per answer: arm, seed, corpus, language, id, perhaps passage, and `value`.
        weights: arm to weight, e.g. {"multilingual": 1, "english": -1}.

    Raises:
        InputError: the arms do not hold the same seeds and questions.
    """
    blocks: dict[tuple[str, str], Block] = {}
    for corpus, of_corpus in frame.groupby("corpus", sort=True):
        ids_of = of_corpus.groupby("language")["id"].unique()
        shared = sum(map(len, ids_of)) > of_corpus["id"].nunique()
        numbers: dict[tuple[str, str], int] = {}
        for language, rows in of_corpus.groupby("language", sort=True):
            values, ids = _matrix(rows, value, weights, f"{corpus}/{language}")
            passages = _passages(rows, ids, shared)
            group = str(corpus) if shared else f"{corpus}/{language}"
            units = [numbers.setdefault((group, p), len(numbers)) for p in passages]
            blocks[str(corpus), str(language)] = Block(values, np.asarray(units), group)
    return _renumbered(blocks)


def _passages(rows: pd.DataFrame, ids: pd.Index, shared: bool) -> list[str]:
    """Each question's unit: its passage, or itself.

    A passage and its translations have different texts, so in a parallel corpus the unit is named
    after the first of its questions.
    """
    if "passage" not in rows:
        return [str(one) for one in ids]
    passage = rows.drop_duplicates("id").set_index("id")["passage"].reindex(ids)
    if not shared:
        return [str(one) for one in passage]
    first = passage.index.to_series().groupby(passage.to_numpy()).transform("min")
    return [str(one) for one in first]


def _renumbered(blocks: dict[tuple[str, str], Block]) -> dict[tuple[str, str], Block]:
    """Units numbered from 0 within each group."""
    numbers: dict[str, dict[int, int]] = {}
    for block in blocks.values():
        known = numbers.setdefault(block.group, {})
        for unit in block.units:
            known.setdefault(int(unit), len(known))
    return {
        key: Block(b.values, np.asarray([numbers[b.group][int(u)] for u in b.units]), b.group)
        for key, b in blocks.items()
    }


def _matrix(
    rows: pd.DataFrame, value: str, weights: Mapping[str, float], where: str
) -> tuple[np.ndarray, pd.Index]:
    """The contrast [seeds, questions] and the questions' ids."""
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
                f"seeds in {where} (first differences: {odd or 'seeds'}). Run all their cells with "
                "the same params."
            )
        total = total + weight * table
    if total is None or total.isna().to_numpy().any() or total.size == 0:
        raise InputError(f"{where}: some seed lacks some question. Run all cells.")
    return total.to_numpy(), total.columns


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
        languages: language to weight, in place of the mean: a slope over languages, for example.
        options: as in `interval`.
    """
    blocks = contrast_blocks(frame, value, weights)
    shares = [1 / len(blocks) if languages is None else languages[code] for _, code in blocks]
    names = list(dict.fromkeys(code for _, code in blocks))
    return interval(list(blocks.values()), shares, languages=names, **options)
