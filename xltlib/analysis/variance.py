"""The sampling error of an estimate: the variance of training runs and of questions.

A contrast is computed for each question and seed. Its variance has three components: training runs
(arm x seed), questions, and the residual. They are estimated by the analysis of variance of a
crossed design: the mean square of seeds, plus the mean square of questions, minus the residual mean
square (Searle, Casella and McCulloch 1992, chapter 4). Translations of one question are one unit,
and so are questions that share a passage. There are few seeds, so a point estimate of their mean
square is not enough: results are averaged over its fiducial distribution, as in the Behrens-Fisher
problem and in generalised inference (Weerahandi 1993; Hannig, Iyer and Patterson 2006). The result
is a mixture of Student's t distributions. It is close to the t distribution of the seed means where
seeds dominate, and to that of the question means where questions dominate. `LEAST` and `DF_SHARE`
are set by simulation: `tests/benchmarks/coverage.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from xltlib.analysis.blocks import Block

LEAST = 1 / 3
"""The least variance of seed means, as a share of the variance that the residual alone would give.

With 0, intervals are too narrow if seeds agree by chance; with 1, they are far too wide where
trainings hardly vary.
"""
OWN_SEEDS = 3
"""From this many seeds on, part of a contrast is also judged by the variance of its own seeds."""
DF_SHARE = 0.9
"""The share of the seeds' degrees of freedom that is used.

Student's t assumes normal seed means. If they are uniformly distributed, as in some simulations on
a bounded scale, using all degrees of freedom gives too many small p-values.
"""


@dataclass(frozen=True)
class Seeds:
    """The variance of trainings, pooled over the test sets of one contrast.

    Attributes:
        common: variance of the mean over test sets, [...].
        own: variance of each test set's mean beyond `common`, averaged over test sets, [...].
        rest: variance that the residual alone would give, averaged over test sets, [...].
    """

    common: np.ndarray
    own: np.ndarray
    rest: np.ndarray
    n_seeds: int
    n_blocks: int

    def nodes(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draws [..., node] of the variance that trainings add to a weighted sum, and weights.

        A draw may be negative, down to the limit set by `LEAST`, because the residual's share of
        the variance of seed means is subtracted: the variance of questions includes it too.
        """
        df = DF_SHARE * (self.n_seeds - 1)
        factors, weights = _inverse_chi2(df, 33)
        common = self.common[..., None] * factors
        own = np.zeros_like(common)
        if self._own_share(shares) > 0:
            own_df = df * (self.n_blocks - 1)
            more, own_weights = _inverse_chi2(own_df, 9 if own_df > 4 else 21)
            common = np.repeat(common, len(more), axis=-1)
            own = np.tile(self.own[..., None] * more, len(factors))
            weights = np.outer(weights, own_weights).ravel()
        of_answers = self._of_answers(shares)[..., None]
        added = self._of_means(common, own, shares) - of_answers
        return np.maximum(added, (LEAST - 1) * of_answers), weights

    def plain(self, shares: np.ndarray) -> np.ndarray:
        """The estimated variance that trainings add, at least zero, [...]."""
        added = self._of_means(self.common, self.own, shares) - self._of_answers(shares)
        return np.maximum(added, 0.0)

    def _of_means(self, common: np.ndarray, own: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """The variance of the weighted sum of seed means, including the residual's share."""
        return common * shares.sum() ** 2 + own * self._own_share(shares)

    def _own_share(self, shares: np.ndarray) -> float:
        """The weight of `own`, the variance that test sets do not share: 0 in their plain mean."""
        if self.n_blocks == 1:
            return 0.0
        whole = self.n_blocks * (shares**2).sum()
        weight = whole - shares.sum() ** 2
        return float(weight / (self.n_blocks - 1)) if weight > 1e-9 * whole else 0.0

    def _of_answers(self, shares: np.ndarray) -> np.ndarray:
        return self.rest * (shares**2).sum()


def _inverse_chi2(df: float, count: int) -> tuple[np.ndarray, np.ndarray]:
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
    """The residuals after seeds and questions, [..., seeds, questions]."""
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
    """The variance that the residuals give the block's mean, clustered by unit."""
    weights = _weights([(block, 1.0)], int(block.units.max()) + 1)
    return _rest_of_sums(_by_unit(residuals, block, len(weights)), weights)


def _rest_of_sums(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    n_seeds = sums.shape[-2]
    return _clustered(sums, weights).sum(axis=-1) / (n_seeds - 1) / n_seeds


def _weights(blocks: Sequence[tuple[Block, float]], n_units: int) -> np.ndarray:
    """The share of each unit in a weighted sum of block means, [units]; they add up to 1."""
    shares = np.zeros(n_units)
    for block, share in blocks:
        shares += abs(share) * np.bincount(block.units, minlength=n_units) / block.n_questions
    return shares / shares.sum()


def _clustered(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The variance of a sum over units, from the sum of each unit's deviations, [...].

    The jackknife over units (CR3; Bell and McCaffrey 2002): a unit that weighs much pulls the mean
    towards itself, so its own deviation is too small. With equal units it is the usual estimate.
    """
    n_units = int(np.count_nonzero(weights))
    left = sums / np.where(weights < 1, 1 - weights, 1.0)
    return max(n_units - 1, 1) / n_units * (left**2).sum(axis=-1)


def _effective(weights: np.ndarray) -> float:
    """The number of equal units that would determine a mean as well as these do (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


TOLERANCE = 1e-9
"""The tolerance of a quantile; a smaller quantile counts as zero."""


@dataclass(frozen=True)
class Spread:
    """The distribution of an estimate's error: a mixture of Student's t, centred on zero.

    Attributes:
        errors, dfs: [..., node]; weights: [node].
    """

    errors: np.ndarray
    dfs: np.ndarray
    weights: np.ndarray

    def below(self, x: np.ndarray | float) -> np.ndarray:
        """The probability of an error below x, [...]."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            scaled = np.asarray(x)[..., None] / self.errors
        return (stats.t.cdf(scaled, self.dfs) * self.weights).sum(axis=-1)

    def quantile(self, share: float) -> float:
        """The quantile of the error at a share of at least one half, for a single estimate."""
        most = float((self.errors * stats.t.ppf(share, self.dfs)).max())
        # The quantile lies between zero and the quantile of the widest component, up to rounding.
        least, most = TOLERANCE * most, (1 + TOLERANCE) * most
        if not most > TOLERANCE or self.below(least) >= share:
            return 0.0
        return float(optimize.brentq(lambda x: self.below(x) - share, least, most, xtol=TOLERANCE))


@dataclass(frozen=True)
class Widest:
    """The wider of several distributions of one error, at every probability."""

    of: tuple[Spread, ...]

    def below(self, x: np.ndarray | float) -> np.ndarray:
        """The probability of an error below x, [...]."""
        tail = np.max([one.below(-np.abs(x)) for one in self.of], axis=0)
        return np.where(np.asarray(x) < 0, tail, 1 - tail)

    def quantile(self, share: float) -> float:
        """The quantile of the error at a share of at least one half, for a single estimate."""
        return max(one.quantile(share) for one in self.of)


def spread(
    blocks: Sequence[Block], shares: Sequence[float], seeds: Seeds | None
) -> tuple[np.ndarray, Widest, np.ndarray]:
    """Estimate [...], its spread, and its plain standard error [...], of weighted block means.

    Training runs can vary more in one language than in the others, and the variance pooled over all
    of them would then make that language look too sure. With `OWN_SEEDS` or more, a part of the
    contrast has the wider of two spreads: with the pooled variance and with that of its own seeds.

    Args:
        seeds: `seed_variance` of all test sets of the contrast; None for a single seed.
    """
    weights = np.asarray(shares, float)
    estimate = sum(w * b.values.mean(axis=(-2, -1)) for b, w in zip(blocks, weights, strict=True))
    questions = rest = scaled = np.zeros(np.shape(estimate))
    for group in dict.fromkeys(block.group for block in blocks):
        own = [(b, w) for b, w in zip(blocks, weights, strict=True) if b.group == group]
        n_units = max(int(block.units.max()) for block, _ in own) + 1
        of_unit = _weights(own, n_units)
        means = sum(w * _by_unit(_centred(block), block, n_units) for block, w in own)
        variance = _clustered(means, of_unit)
        questions = questions + variance
        scaled = scaled + variance**2 / max(_effective(of_unit) - 1, 1)
        if seeds is not None:
            left = sum(w * _by_unit(_residuals(block), block, n_units) for block, w in own)
            rest = rest + _rest_of_sums(left, of_unit)
    of_questions = np.maximum(questions, rest)
    if seeds is None:
        nodes = [(np.zeros((*np.shape(estimate), 1)), np.ones(1))]
        plain = np.zeros(np.shape(estimate))
    else:
        variances = [seeds]
        if len(blocks) < seeds.n_blocks and seeds.n_seeds >= OWN_SEEDS:
            variances += filter(None, [seed_variance(blocks)])
        nodes = [one.nodes(weights) for one in variances]
        plain = np.max([one.plain(weights) for one in variances], axis=0)
    about = Widest(tuple(mixture(*of_seeds, of_questions, scaled) for of_seeds in nodes))
    return estimate, about, np.sqrt(plain + of_questions)


def mixture(
    of_seeds: np.ndarray, weights: np.ndarray, of_questions: np.ndarray, scaled: np.ndarray
) -> Spread:
    """The spread from the two parts of the variance.

    Args:
        of_seeds, weights: [..., node] and [node], from `Seeds.nodes`.
        of_questions: [...].
        scaled: sum of the squared parts of questions divided by their degrees of freedom, [...].
    """
    alone = of_questions[..., None]
    variance = np.maximum(of_seeds + alone, LEAST * alone)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Satterthwaite for the questions only: the mixture accounts for the seeds.
        whole = np.maximum(variance, alone)
        dfs = np.where(scaled[..., None] > 0, whole**2 / scaled[..., None], 1e6)
    return Spread(np.sqrt(variance), np.minimum(dfs, 1e6), weights)


def _centred(block: Block) -> np.ndarray:
    means = block.values.mean(axis=-2)
    return means - means.mean(axis=-1, keepdims=True)
