"""RankC (Qi et al. 2023, section 3): do two languages rank the same candidates alike?

With N candidates ranked in both languages, P@j is the share of the j best of one language that are
among the j best of the other, and

    RankC = mean over queries of sum_j w_j P@j,    w_j = exp(N - j) / sum_k exp(N - k),

so that the first ranks count most. Even unrelated rankings share some of their best candidates,
especially if there are few: for independent uniform rankings, E[P@j] is j / N. That is the chance
level here. RankC is also reported corrected for chance, as in Cohen's kappa.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xltlib.artifacts import InputError


@dataclass(frozen=True)
class Consistency:
    """RankC and its chance level, both in [0, 1], over `n` queries."""

    value: float
    chance: float
    n: int

    @property
    def corrected(self) -> float:
        """(RankC - chance) / (1 - chance): 0 at chance, 1 for identical rankings; it may be
        negative."""
        return (self.value - self.chance) / (1 - self.chance)


def rank_consistency(scores_a: Sequence[np.ndarray], scores_b: Sequence[np.ndarray]) -> Consistency:
    """RankC of two languages.

    Args:
        scores_a, scores_b: for each query the scores [N] of its candidates, larger is better, with
            the same candidate at the same index in both. N may differ between queries. Among equal
            scores the earlier candidate ranks first.

    Raises:
        InputError: there is no query, the numbers of queries or candidates differ, or there are
            fewer than two candidates.
    """
    if len(scores_a) == 0 or [len(s) for s in scores_a] != [len(s) for s in scores_b]:
        raise InputError(
            "RankC needs the same queries with the same candidates in both languages, and at least "
            "one query. Match candidates by their index."
        )
    if min(map(len, scores_a)) < 2:
        raise InputError("RankC needs at least two candidates; leave out queries with fewer.")
    agreements, chances = [], []
    for a, b in zip(scores_a, scores_b, strict=True):
        n = len(a)
        weights = np.exp(-np.arange(n, dtype=np.float64))
        weights /= weights.sum()
        # A candidate is among the j best of both once j reaches the worse of its two ranks.
        both = np.bincount(np.maximum(_ranks(a), _ranks(b)), minlength=n).cumsum()
        j = np.arange(1, n + 1)
        agreements.append(weights @ (both / j))
        chances.append(weights @ (j / n))
    return Consistency(float(np.mean(agreements)), float(np.mean(chances)), len(agreements))


def _ranks(scores: np.ndarray) -> np.ndarray:
    """The rank of each candidate, 0 for the best."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.argsort(-np.asarray(scores), kind="stable")] = np.arange(len(scores))
    return ranks
