"""Does alignment go with robustness? Measures of languages against what attacks cost there.

Languages are few and the arms of one language are alike, so languages are the unit: correlations
are taken within each arm and averaged, and a p-value comes from exchanging the languages, in all
arms alike.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from xltlib.analysis.tables import arms_in
from xltlib.languages import LANGUAGES, SYNTACTIC_DISTANCE

KEYS = ["arm", "language"]
OUTCOMES = ["clean f1", "drop in f1"]
DISTANCE = "syntactic distance from en"
MIN_LANGUAGES = 4
PERMUTATIONS = 5000


def by_language(measures: pd.DataFrame, under_attack: pd.DataFrame) -> pd.DataFrame:
    """One row an arm and language: its measures, its distance from English, and the outcomes.

    `n` counts the attacked questions, each once for every attack and seed.

    Args:
        measures: columns arm, seed, language and one for each measure, such as retrieval.
        under_attack: `xltlib.analysis.tables.under_attack`; attacks and corpora are averaged.
    """
    names = measures.columns.difference(["encoder", "seed", *KEYS], sort=False)
    aligned = measures.groupby(KEYS)[list(names)].mean()
    groups = under_attack.groupby(KEYS)
    attacked = groups[OUTCOMES].mean().assign(n=groups["n"].sum())
    table = aligned.join(attacked, how="outer").reset_index()
    table = table[table["language"] != "en"]
    table[DISTANCE] = table["language"].map(SYNTACTIC_DISTANCE)
    table["Latin script"] = [int(LANGUAGES[code].script == "Latin") for code in table["language"]]
    order = {arm: i for i, arm in enumerate(arms_in(table))}
    table = table.sort_values(
        KEYS, key=lambda part: part.map(order) if part.name == "arm" else part
    )
    return table[[*KEYS, *names, DISTANCE, "Latin script", *OUTCOMES, "n"]].reset_index(drop=True)


def correlations(table: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Spearman's correlation of each measure with each outcome, mean over the arms.

    Rows have NaN where fewer than `MIN_LANGUAGES` languages have both.
    """
    rows = []
    for measure in table.columns.difference([*KEYS, *OUTCOMES, "n"], sort=False):
        for outcome in OUTCOMES:
            both = table[[*KEYS, measure, outcome]].dropna()
            wide = both.pivot(index="language", columns="arm").dropna()
            rho = p = np.nan
            if len(wide) >= MIN_LANGUAGES:
                rho, p = _permuted(wide[measure].to_numpy(), wide[outcome].to_numpy(), seed)
            rows.append(
                {
                    "measure": measure,
                    "outcome": outcome,
                    "Spearman's rho": rho,
                    "p (permutation)": p,
                    "n languages": len(wide),
                    "n arms": both["arm"].nunique(),
                }
            )
    return pd.DataFrame(rows)


def _permuted(one: np.ndarray, other: np.ndarray, seed: int) -> tuple[float, float]:
    """The mean correlation over columns, and the share of permutations that are as far from zero.

    Args:
        one, other: [languages, arms].
    """
    rng = np.random.default_rng(seed)

    def standardised(values: np.ndarray) -> np.ndarray:
        ranks = rankdata(values, axis=0)
        centred = ranks - ranks.mean(axis=0)
        length = np.sqrt((centred**2).sum(axis=0))
        return centred / np.where(length > 0, length, np.inf)

    a, b = standardised(one), standardised(other)
    found = float((a * b).sum(axis=0).mean())
    drawn = [(a[rng.permutation(len(a))] * b).sum(axis=0).mean() for _ in range(PERMUTATIONS)]
    as_far = np.abs(drawn) >= abs(found) - 1e-12
    return found, float((1 + as_far.sum()) / (1 + PERMUTATIONS))
