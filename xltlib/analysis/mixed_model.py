"""A mixed-effects check of the first contrast: the same data with another kind of model.

Each outcome (clean F1, attacked F1, their difference) is a difference between two arms by question
and seed, so everything that both arms share cancels out. The model has crossed random intercepts
for questions (question x arm in the answers themselves) and for trainings (arm x seed, because each
arm is trained separately with each seed; Baayen, Davidson and Bates 2008). It assumes normal
errors, which F1 does not have. A variance estimated as zero lies on the boundary, where standard
errors cannot be trusted; such a fit is marked degenerate.
"""

from __future__ import annotations

import hashlib
import warnings

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from xltlib.analysis.blocks import large_enough, where_all_were_tested

OUTCOMES = ("clean", "under attack", "difference in differences")
MAX_QUESTIONS = 120
"""With more questions, those with the lowest hashes: statsmodels solves crossed models densely."""
BOUNDARY = 1e-4
"""A component with a smaller share of the variance counts as zero."""
COLUMNS = [
    *("contrast", "attack", "outcome", "estimate", "low", "high", "level (%)", "p"),
    *("question x arm sd", "arm x seed sd", "fit", "n", "seeds"),
]


def mixed_model(
    attacked: pd.DataFrame, treated: str, control: str, *, level: float, p_values: bool = True
) -> pd.DataFrame:
    """One row per attack and outcome: treated minus control, in points of F1, over the seeds of
    both arms.

    Intervals use Student's t with the degrees of freedom of trainings, seeds - 1; with one seed
    there is no interval. Test sets that are too small (`large_enough`) are left out. `fit` is `ok`,
    `degenerate` (some variance is zero), `not converged` or `one seed`.

    Args:
        attacked: `xltlib.analysis.conditions`; zero-shot languages only.
    """
    rows = []
    pair = attacked[attacked["arm"].isin([treated, control])]
    for attack, part in pair.groupby("attack", sort=True):
        part = where_all_were_tested(part, (treated, control))
        of_both = part.groupby("seed")["arm"].transform("nunique") == 2
        if not of_both.any():
            continue
        part = _fewer(large_enough(part[of_both]))
        seeds = part["seed"].nunique()
        for outcome in OUTCOMES:
            rows.append(
                {
                    "contrast": f"{treated} - {control}",
                    "attack": attack,
                    "outcome": outcome,
                    **_row(_frame(part, treated, outcome), seeds, level, p_values),
                    "level (%)": 100 * level,
                    "n": part[["corpus", "language", "id"]].drop_duplicates().shape[0],
                    "seeds": seeds,
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _fewer(part: pd.DataFrame) -> pd.DataFrame:
    """At most `MAX_QUESTIONS` questions, evenly over the test sets."""
    keys = ["corpus", "language", "id"]
    asked = part[keys].drop_duplicates()
    if len(asked) <= MAX_QUESTIONS:
        return part
    each = max(2, MAX_QUESTIONS // len(asked[keys[:2]].drop_duplicates()))
    order = asked.assign(
        order=[hashlib.sha256(str(one).encode()).hexdigest() for one in asked["id"]]
    ).sort_values("order")
    return part.merge(order.groupby(keys[:2]).head(each)[keys], on=keys)


def _frame(part: pd.DataFrame, treated: str, outcome: str) -> pd.DataFrame:
    """One row per question and seed: treated minus control, in points."""
    clean, attacked = part["original_f1"], part["attacked_f1"]
    value = dict(zip(OUTCOMES, (clean, attacked, attacked - clean), strict=True))[outcome]
    sign = np.where(part["arm"] == treated, 100.0, -100.0)
    keys = ["corpus", "language", "id", "seed"]
    frame = part[keys].assign(value=sign * value).groupby(keys, as_index=False)["value"].sum()
    place = frame["corpus"] + "/" + frame["language"]
    return frame.assign(place=place, question=place + "/" + frame["id"].astype(str), all=1)


def _row(frame: pd.DataFrame, seeds: int, level: float, p_values: bool) -> dict[str, object]:
    names = {"question": "question x arm sd"}
    # Every seed answers every question, so whatever the variances, the estimate is this mean.
    estimate = frame.groupby("place")["value"].mean().mean()
    if seeds == 1:
        # With one difference per question, questions and the residual are the same.
        return {"estimate": estimate, "fit": "one seed"}
    if frame.groupby("question")["value"].nunique().max() == 1:
        return {"estimate": estimate, "fit": "degenerate"}
    names["seed"] = "arm x seed sd"
    formula = "value ~ 1" + (" + C(place, Sum)" if frame["place"].nunique() > 1 else "")
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", ConvergenceWarning)
        model = smf.mixedlm(
            formula, frame, groups="all", vc_formula={name: f"0 + C({name})" for name in names}
        )
        try:
            found = model.fit(method="powell")
        except np.linalg.LinAlgError:
            return {"estimate": estimate, "fit": "degenerate"}
    error = found.bse_fe["Intercept"]
    low = high = p = np.nan
    if error > 0:
        df = seeds - 1
        reach = stats.t.ppf((1 + level) / 2, df) * error
        low, high = estimate - reach, estimate + reach
        if seeds > 2 and p_values:
            p = 2 * stats.t.sf(abs(estimate / error), df)
    variances = dict(zip(found.model.exog_vc.names, found.vcomp, strict=True))
    total = sum(variances.values()) + found.scale
    hessian = any("Hessian" in str(one.message) for one in raised)
    if min(variances.values()) <= BOUNDARY * total or hessian or not error > 0:
        fit = "degenerate"
    else:
        fit = "ok" if found.converged else "not converged"
    sds = {names[name]: float(np.sqrt(max(v, 0.0))) for name, v in variances.items()}
    return {"estimate": estimate, "low": low, "high": high, "p": p, "fit": fit} | sds
