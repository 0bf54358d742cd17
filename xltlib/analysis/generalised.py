"""Generalised cross-lingual transfer: accuracy by language pair, and the gain of robust training.

Huang et al. 2021 test sentence pairs in two languages, for all ordered pairs of languages. The
units here are test items, not pairs, because an item is answered in every pair and its answers are
not independent.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import units
from xltlib.analysis.intervals import contrast
from xltlib.analysis.verdict import holm
from xltlib.params import STANDARD

VIEWS = ("all pairs", "two languages", "one language", "English")
"""The pairs that are averaged: all of them, those off the diagonal, the diagonal, and en-en."""


def with_languages(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers to generalised test sets, with the languages of both sentences as columns.

    Args:
        answers: one row per answer: task, corpus, arm, method, seed, language (as "en-sw"), id,
            correct.
    """
    pairs = answers[answers["language"].str.contains("-")]
    languages = pairs["language"].str.split("-", expand=True)
    return pairs.assign(sentence1=languages[0], sentence2=languages[1])


def pair_table(answers: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in points of each pair of languages, mean over seeds."""
    keys = ["task", "corpus", "arm", "method", "sentence1", "sentence2"]
    groups = with_languages(answers).groupby(keys, sort=False)
    table = groups.agg(accuracy=("correct", "mean"), n=("id", "nunique"), seeds=("seed", "nunique"))
    return table.assign(accuracy=100 * table["accuracy"]).reset_index()


def in_view(pairs: pd.DataFrame, view: str) -> pd.Series:
    """Whether each row, with the languages of both sentences, belongs to a view."""
    same = pairs["sentence1"] == pairs["sentence2"]
    chosen = (same | ~same, ~same, same, same & (pairs["sentence1"] == "en"))
    return chosen[VIEWS.index(view)]


def items(pairs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Each item's mean over the pairs of languages: method, seed, corpus, id and the value.

    `passage` numbers the items that are not independent, because they share a premise.

    Args:
        pairs: the answers of one arm, or of several that are averaged.
    """
    item = ["corpus", "id"]
    means = pairs.groupby(["method", "seed", *item], as_index=False, sort=False)[value].mean()
    of_item = pairs.assign(passage=units(pairs)).drop_duplicates(item).set_index(item)["passage"]
    return means.join(of_item, on=item)


def _views(pairs: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each view that has rows, with its rows."""
    for view in VIEWS:
        rows = in_view(pairs, view)
        if rows.any():
            yield view, pairs[rows]


def mean_table(answers: pd.DataFrame, *, level: float, p_values: bool) -> pd.DataFrame:
    """Mean accuracy of each model in each view, and its gain over standard training, in points.

    All methods of an arm are averaged over the seeds that they share. The gain has an interval over
    seeds and test items, and a p-value with Holm's correction over the methods that are compared in
    the same view. `n` counts test items; `why not` says why there is no interval.
    """
    rows = []
    for (task, corpus, arm), part in with_languages(answers).groupby(
        ["task", "corpus", "arm"], sort=False
    ):
        seeds = [set(of_method) for of_method in part.groupby("method")["seed"].unique()]
        common = set.intersection(*seeds) or set.union(*seeds)
        for view, pairs in _views(part[part["seed"].isin(common)]):
            answered = items(pairs, "correct").rename(columns={"method": "arm"})
            answered = answered.assign(language=view)
            of_view = []
            for method in dict.fromkeys(answered["arm"]):
                own = answered[answered["arm"] == method]
                row = {
                    "task": task,
                    "corpus": corpus,
                    "arm": arm,
                    "method": method,
                    "pairs": view,
                    "n pairs": pairs["language"].nunique(),
                    "accuracy": 100 * own["correct"].mean(),
                    "p": np.nan,
                    "why not": "",
                }
                if method != STANDARD and STANDARD in set(answered["arm"]):
                    weights = {method: 1.0, STANDARD: -1.0}
                    gain = contrast(answered, "correct", weights, level=level)
                    row |= {"gain": gain.estimate, "low": gain.low, "high": gain.high}
                    row |= {"level (%)": 100 * level, "why not": gain.why_not}
                    row |= {"detectable": gain.detectable, "p": gain.p if p_values else np.nan}
                row |= {"n": own["id"].nunique(), "seeds": own["seed"].nunique()}
                of_view.append(row)
            corrected = holm([row["p"] for row in of_view])
            rows += [row | {"p (Holm)": p} for row, p in zip(of_view, corrected, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *("task", "corpus", "arm", "method", "pairs", "n pairs", "accuracy"),
    *("gain", "low", "high", "level (%)", "detectable", "p", "p (Holm)", "n", "seeds", "why not"),
]
