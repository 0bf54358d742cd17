"""Whether a model knows when it is right: the answer's probability against exact match.

Only clean and static sets are used, because adaptive attacks record the gold answer's probability
and not that of the given answer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

BINS = 10
MIN_IN_BIN = 20
"""Bins with fewer answers than this are not drawn."""
MIN_ANSWERS = 100
"""Models with fewer answers have no calibration error, because it would be mostly noise."""
CLEAN = "clean"
MODEL = ["arm", "seed"]


def _conditions(answers: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Corpus, condition, and the zero-shot answers whose probability is known."""
    names = answers["corpus"].astype(str).str.partition("+")
    frame = answers.assign(on=names[0], condition=names[2].where(names[1] == "+", CLEAN))
    frame = frame[(frame["language"] != "en") & frame["probability"].notna()]
    for (on, condition), part in frame.groupby(["on", "condition"], sort=True):
        yield str(on), str(condition), part


def _bins(probability: pd.Series) -> pd.Series:
    """Bins of equal width, from 0."""
    return np.minimum((probability * BINS).astype(int), BINS - 1)


def expected_error(probability: pd.Series, right: pd.Series) -> float:
    """The expected calibration error of some answers, in [0, 1] (Guo et al. 2017).

    The mean over bins, weighted by their numbers of answers, of the gap between mean probability
    and share of right answers.
    """
    bins = _bins(probability)
    gaps = (probability.groupby(bins).mean() - right.groupby(bins).mean()).abs()
    return float((gaps * bins.value_counts(normalize=True)).sum())


def errors(answers: pd.DataFrame) -> pd.DataFrame:
    """One row per corpus, condition and arm, in points, mean over seeds.

    `over-confidence` is mean probability minus exact match. `n` counts the answers of one model.

    Args:
        answers: one row per answer: `conditions.KEYS`, probability and em in [0, 1].
    """
    rows = []
    for on, condition, part in _conditions(answers):
        for arm, own in part.groupby("arm", sort=True):
            seeds = [model for _, model in own.groupby("seed") if len(model) >= MIN_ANSWERS]
            if not seeds:
                continue
            exact, said = (
                100 * float(np.mean([model[name].mean() for model in seeds]))
                for name in ("em", "probability")
            )
            error = np.mean([expected_error(model["probability"], model["em"]) for model in seeds])
            rows.append(
                {"corpus": on, "condition": condition, "arm": arm}
                | {"exact match": exact, "mean probability": said, "over-confidence": said - exact}
                | {"calibration error": 100 * float(error)}
                | {"n": min(map(len, seeds)), "seeds": len(seeds)}
            )
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *("corpus", "condition", "arm", "exact match", "mean probability", "over-confidence"),
    *("calibration error", "n", "seeds"),
]


def reliability(answers: pd.DataFrame) -> pd.DataFrame:
    """One row per corpus, condition, arm and bin: mean probability, exact match, n, all seeds."""
    rows = []
    for on, condition, part in _conditions(answers):
        groups = part.groupby(["arm", _bins(part["probability"]).rename("bin")])
        means = groups[["probability", "em"]].mean().assign(n=groups.size())
        rows.append(means.reset_index().assign(corpus=on, condition=condition))
    empty = pd.DataFrame(columns=["corpus", "condition", "arm", "probability", "em", "n"])
    table = pd.concat(rows or [empty], ignore_index=True)
    return table[table["n"] >= MIN_IN_BIN].reset_index(drop=True)
