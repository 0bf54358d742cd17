"""Is alignment related to robustness? Measures by language against the loss under attack.

Languages are few and behave alike in all arms, so they are the units: correlations are computed
within each arm and averaged, and p-values come from permuting the languages in the same way in all
arms.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import permutation_test, rankdata

from xltlib.analysis.tables import arms_in
from xltlib.analysis.verdict import holm
from xltlib.languages import LANGUAGES, SYNTACTIC_DISTANCE
from xltlib.params.attacks import ENSEMBLE

KEYS = ["arm", "language"]
OUTCOMES = ["clean f1", "drop in f1"]
DISTANCE = "syntactic distance from en"
MIN_LANGUAGES = 4
PERMUTATIONS = 5000


def by_language(measures: pd.DataFrame, under_attack: pd.DataFrame) -> pd.DataFrame:
    """One row per arm and language: its measures, its distance from English, and the outcomes.

    Only the corpus attacked in the most languages is used, because across corpora, differences
    between languages are confounded with differences between corpora; and only the conditions that
    all arms met, without the worst case over them. `n` counts the questions, once for every
    condition and seed.

    Args:
        measures: columns arm, seed, language and one for each measure, such as retrieval.
        under_attack: `xltlib.analysis.tables.under_attack`; attacks are averaged.
    """
    names = measures.columns.difference(["encoder", "seed", *KEYS], sort=False)
    aligned = measures.groupby(KEYS)[list(names)].mean()
    zero_shot = under_attack[under_attack["language"] != "en"]
    if len(zero_shot):
        corpus = zero_shot.groupby("corpus")["language"].nunique().idxmax()
        under_attack = zero_shot[zero_shot["corpus"] == corpus]
        under_attack = under_attack[under_attack["attack"] != ENSEMBLE]
        met = under_attack.groupby("attack")["arm"].transform("nunique")
        under_attack = under_attack[met == under_attack["arm"].nunique()]
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


def correlations(table: pd.DataFrame, *, seed: int, p_values: bool = True) -> pd.DataFrame:
    """Spearman's correlation of each measure with each outcome, mean over the arms.

    Values are NaN if fewer than `MIN_LANGUAGES` languages have both, or one of them is the same in
    all languages. Holm's correction covers the measures of an outcome.
    """
    rows = []
    for measure in table.columns.difference([*KEYS, *OUTCOMES, "n"], sort=False):
        for outcome in OUTCOMES:
            both = table[[*KEYS, measure, outcome]].dropna()
            wide = both.pivot(index="language", columns="arm").dropna()
            rho = p = np.nan
            if len(wide) >= MIN_LANGUAGES:
                one, other = wide[measure].to_numpy(), wide[outcome].to_numpy()
                if np.ptp(one, axis=0).any() and np.ptp(other, axis=0).any():
                    rho, p = _permuted(one, other, seed)
            rows.append(
                {
                    "measure": measure,
                    "outcome": outcome,
                    "Spearman's rho": rho,
                    "p (permutation)": p if p_values else np.nan,
                    "n languages": len(wide),
                    "n arms": both["arm"].nunique(),
                }
            )
    found = pd.DataFrame(rows, columns=COLUMNS)
    for _, part in found.groupby("outcome"):
        found.loc[part.index, "p (Holm)"] = holm(list(part["p (permutation)"]))
    return found


COLUMNS = [
    *("measure", "outcome", "Spearman's rho", "p (permutation)", "p (Holm)"),
    *("n languages", "n arms"),
]


def _permuted(one: np.ndarray, other: np.ndarray, seed: int) -> tuple[float, float]:
    """The mean of Spearman's rho over columns, and its p-value by permuting rows.

    Args:
        one, other: [languages, arms].
    """

    def standardised(values: np.ndarray) -> np.ndarray:
        ranks = rankdata(values, axis=0)
        centred = ranks - ranks.mean(axis=0)
        length = np.sqrt((centred**2).sum(axis=0))
        return centred / np.where(length > 0, length, np.inf)

    a, b = standardised(one), standardised(other)
    products = a @ b.T / a.shape[1]

    def mean_rho(rows: np.ndarray, axis: int) -> np.ndarray:
        return products[rows.astype(int), np.arange(len(a))].sum(axis=axis)

    found = permutation_test(
        (np.arange(len(a)),),
        mean_rho,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return float(found.statistic), float(found.pvalue)
