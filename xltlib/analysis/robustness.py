"""Measures of robustness, each with one value per question, so that one model gives all intervals.

The raw change in F1 is fair only if the arms start from the same F1, because an arm that answers
more questions has more to lose. The other measures do not have this flaw. Ratios and curves are
linearised at each model's own means (the delta method), so the mean of the values is the measure
itself, and their variance is its variance to first order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import linregress

from xltlib.analysis.blocks import MIN_EXAMPLES, large_enough, macro_shares

MODEL = ["arm", "seed"]
PLACE = ["corpus", "language"]
RIGHT = 0.5
"""An answer is right if its F1 is at least this, unless the attack has its own threshold."""


@dataclass(frozen=True)
class Measure:
    """A measure of robustness. `unit` names one of `params.measures.SmallestEffects`.

    A difference of two arms is `scale` times the difference of the values, and at most `most`.
    """

    name: str
    unit: str
    words: str
    scale: float = 100.0
    most: float = 100.0


MEASURES = {
    one.name: one
    for one in (
        Measure("clean", "f1", "points of F1"),
        Measure("attacked", "f1", "points of F1"),
        Measure("change", "f1", "points of F1"),
        Measure("share kept", "kept", "points of the share of clean F1 kept"),
        Measure("effective robustness", "f1", "points of F1 beyond what clean F1 predicts"),
        Measure("answered by all", "f1", "points of F1"),
        Measure("log-odds", "log_odds", "log-odds of the gold answer", 1.0, np.inf),
    )
}
UNDER_ATTACK = [name for name in MEASURES if name != "clean"]


UNDEFINED = f"undefined: a model answers fewer than {MIN_EXAMPLES} clean questions correctly"
"""Why there is no share of clean F1 kept."""


def values(condition: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of one condition with a column `value`; empty if the measure does not apply.

    Test sets that are too small (`large_enough`) are left out. A value is NaN where the measure is
    undefined: the share kept of a model whose clean F1, added up, is below `MIN_EXAMPLES`. A share
    of two or three right answers has no error that its linearisation could show.

    Args:
        condition: `xltlib.analysis.conditions`, all arms, zero-shot languages only.
    """
    return large_enough(_values(large_enough(condition), measure))


def is_defined(valued: pd.DataFrame, measure: str) -> bool:
    """Whether every model has a value. Only the share kept can be undefined: in any other measure,
    a missing value is a missing answer."""
    return measure != "share kept" or bool(valued["value"].notna().all())


def _values(condition: pd.DataFrame, measure: str) -> pd.DataFrame:
    if measure == "attacked":
        return condition.assign(value=condition["attacked_f1"])
    if measure == "change":
        return condition.assign(value=condition["attacked_f1"] - condition["original_f1"])
    if measure == "answered by all":
        chosen = answered_by_all(condition)
        return chosen.assign(value=chosen["attacked_f1"] - chosen["original_f1"])
    if measure == "share kept":
        return _share_kept(condition)
    if measure == "effective robustness":
        return _effective_robustness(condition)
    return _log_odds(condition)


def answered_by_all(attacked: pd.DataFrame) -> pd.DataFrame:
    """The attacked questions that every model of a condition answers correctly when clean.

    An answer is right if the attack's own measure, `original_success_f1`, is at least
    `f1_threshold`, or without one (for example, on a static test set) if the official F1 is at
    least `RIGHT`.
    """
    f1, least = attacked["original_f1"], pd.Series(RIGHT, index=attacked.index)
    if {"original_success_f1", "f1_threshold"} <= set(attacked):
        own = attacked[["original_success_f1", "f1_threshold"]].astype(float)
        known = own.notna().all(axis=1)
        f1 = own["original_success_f1"].where(known, f1)
        least = own["f1_threshold"].where(known, least)
    right = f1 >= least
    return attacked[
        right.groupby([attacked[key] for key in ["attack", *PLACE, "id"]]).transform("all")
    ]


def over_conditions(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One value per question, whose macro mean is the mean over conditions of their macro means.

    Conditions weigh the same, though they may have different questions. A question's value is the
    mean of its test set, plus the question's deviation in each condition, weighted by what the
    condition contributes. If all conditions have the same questions, this is the question's mean.

    Args:
        parts: by condition, the `values` of the same models.
    """
    rows = pd.concat([part.assign(attack=name) for name, part in parts.items()], ignore_index=True)
    cell = [*MODEL, "attack", *PLACE]
    rows["mean"] = rows.groupby(cell)["value"].transform("mean")
    asked = rows.groupby(["attack", *PLACE])["id"].nunique()
    weights = pd.concat(
        [_weights(asked[name]).rename(name) for name in parts], axis=1, names=["attack"]
    ).stack() / len(parts)
    place = rows.groupby(PLACE)["id"].nunique()
    whole = _weights(place)
    at = [pd.MultiIndex.from_frame(rows[keys]) for keys in ([*PLACE, "attack"], PLACE)]
    share = weights.reindex(at[0]).to_numpy() / whole.reindex(at[1]).to_numpy()
    n_here = asked.reorder_levels([*PLACE, "attack"]).reindex(at[0]).to_numpy()
    n_place = place.reindex(at[1]).to_numpy()
    rows["deviation"] = (rows["value"] - rows["mean"]) * share * n_place / n_here
    rows["part"] = rows["mean"] * share
    of_place = rows.drop_duplicates(cell).groupby([*MODEL, *PLACE])["part"].sum()
    found = rows.groupby([*MODEL, *PLACE, "id"], as_index=False)["deviation"].sum(skipna=False)
    level = of_place.reindex(pd.MultiIndex.from_frame(found[[*MODEL, *PLACE]])).to_numpy()
    found = found.assign(value=found["deviation"] + level).drop(columns="deviation")
    if "passage" in rows:
        question = [*PLACE, "id"]
        found = found.join(rows.drop_duplicates(question).set_index(question)["passage"], question)
    return found


def _weights(questions: pd.Series) -> pd.Series:
    """The weight of each test set in a macro mean, from its number of questions."""
    return pd.Series(macro_shares(questions.to_dict()), index=questions.index)


def _macro(condition: pd.DataFrame, column: str) -> pd.Series:
    """Each model's macro mean over languages, aligned with the rows of the condition."""
    means = condition.groupby([*MODEL, "language"])[column].mean().groupby(MODEL).mean()
    return means.reindex(pd.MultiIndex.from_frame(condition[MODEL])).set_axis(condition.index)


def of_test_sets(valued: pd.DataFrame, measure: str) -> pd.DataFrame:
    """`values` with the measure of each test set as its mean.

    Only the share kept differs: it is a ratio, and the share of a macro mean is not the mean of the
    languages' shares.
    """
    if measure != "share kept" or not len(valued):
        return valued
    return pd.concat([_share_kept(part) for _, part in valued.groupby(PLACE)])


def _share_kept(condition: pd.DataFrame) -> pd.DataFrame:
    """Attacked divided by clean F1, both macro means; NaN for a model with too little clean F1."""
    clean, attacked = (_macro(condition, name) for name in ("original_f1", "attacked_f1"))
    answered = condition.groupby(MODEL)["original_f1"].transform("sum")
    clean = clean.where(answered >= MIN_EXAMPLES)
    kept = attacked / clean
    change = condition["attacked_f1"] - kept * condition["original_f1"]
    return condition.assign(value=kept + change / clean)


def points(condition: pd.DataFrame) -> pd.DataFrame:
    """Clean and attacked F1 in [0, 1] of one condition, by model, corpus and language, with n."""
    groups = condition.groupby([*MODEL, *PLACE])
    means = groups[["original_f1", "attacked_f1"]].mean()
    return means.assign(n=groups["id"].nunique()).reset_index()


def _logit(share: pd.Series, n: pd.Series) -> pd.Series:
    """The logit, kept finite by adding half a right and half a wrong answer."""
    return pd.Series(logit((share * n + 0.5) / (n + 1)), index=share.index)


def fitted_line(table: pd.DataFrame) -> tuple[float, float] | None:
    """Intercept and slope of attacked over clean F1 on the logit scale, over all models and places.

    Taori et al. 2020, arXiv 2007.00644, section 2. None if clean F1 does not vary.

    Args:
        table: `points`; places with fewer than `MIN_EXAMPLES` questions are not used.
    """
    table = table[table["n"] >= MIN_EXAMPLES]
    x, y = (_logit(table[name], table["n"]) for name in ("original_f1", "attacked_f1"))
    if len(table) < 3 or np.ptp(x) == 0:
        return None
    fit = linregress(x, y)
    return float(fit.intercept), float(fit.slope)


def predicted(clean: Any, line: tuple[float, float]) -> Any:
    """The attacked F1 in [0, 1] that the line predicts for a clean F1 strictly between 0 and 1."""
    return expit(line[0] + line[1] * logit(clean))


def _effective_robustness(condition: pd.DataFrame) -> pd.DataFrame:
    """Attacked F1 minus what clean F1 predicts, by model, corpus and language.

    The line is treated as known, because it is fitted over all models and shared by the compared
    arms.
    """
    table = points(condition)
    line = fitted_line(table) if len(table) else None
    if line is None:
        return condition.iloc[:0].assign(value=0.0)
    clean = (table["original_f1"] * table["n"] + 0.5) / (table["n"] + 1)
    expected = predicted(clean, line)
    slope = line[1] * expected * (1 - expected) / (clean * (1 - clean))
    table = table.assign(expected=expected, slope=slope)
    rows = condition.merge(
        table.rename(columns={"original_f1": "mean"}).drop(columns=["attacked_f1", "n"]),
        on=[*MODEL, *PLACE],
        how="left",
        validate="many_to_one",
    )
    predictable = rows["expected"] + rows["slope"] * (rows["original_f1"] - rows["mean"])
    return rows.assign(value=rows["attacked_f1"] - predictable)


LEAST_PROBABILITY = 1e-4


def _log_odds(condition: pd.DataFrame) -> pd.DataFrame:
    """The change in the log-odds of the gold answer, if both probabilities were recorded."""
    names = ["original_probability", "attacked_probability"]
    if not set(names) <= set(condition):
        return condition.iloc[:0].assign(value=0.0)
    known = condition[condition[names].notna().all(axis=1)]
    keys = ["attack", *PLACE, "id"]
    models = len(condition[MODEL].drop_duplicates())
    known = known[known.groupby(keys)["arm"].transform("size") == models]
    clipped = known[names].astype(float).clip(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    odds = logit(clipped)
    return known.assign(value=odds["attacked_probability"] - odds["original_probability"])
