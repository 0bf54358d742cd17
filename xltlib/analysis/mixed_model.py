"""The mixed-effects check of the headline: F1 by arm, attack and language, with random intercepts.

Fixed are arm x attack x language, in sum coding, so that each term is an average over the
languages; random are the intercepts of questions and of seeds, crossed (Baayen, Davidson and Bates
2008). It rests on normal errors, which F1 has not; the bootstrap does not. Where both agree, so
much the better.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning

TERMS = {
    "arm": "arms, over clean and attacked",
    "attacked": "attack, over both arms",
    "arm:attacked": "difference in differences",
}
COLUMNS = [
    *("contrast", "attack", "term", "estimate", "low", "high", "level (%)", "p"),
    *("question sd", "seed sd", "converged", "n", "seeds"),
]


def mixed_model(
    attacked: pd.DataFrame, treated: str, control: str, *, level: float
) -> pd.DataFrame:
    """One row an attack and term, in points of F1, with Wald intervals.

    Args:
        attacked: one row an attacked question: attack, arm, seed, corpus, language, id,
            original_f1, attacked_f1 in [0, 1]; zero-shot languages only.
    """
    rows = []
    pair = attacked[attacked["arm"].isin([treated, control])]
    for attack, part in pair.groupby("attack", sort=True):
        if part["arm"].nunique() < 2:
            continue
        found = _fit(part, treated)
        for term, name in TERMS.items():
            estimate, error = found.fe_params[term], found.bse_fe[term]
            reach = stats.norm.ppf((1 + level) / 2) * error
            rows.append(
                {
                    "contrast": f"{treated} - {control}",
                    "attack": attack,
                    "term": name,
                    "estimate": estimate,
                    "low": estimate - reach,
                    "high": estimate + reach,
                    "level (%)": 100 * level,
                    "p": 2 * stats.norm.sf(abs(estimate / error)) if error > 0 else np.nan,
                }
                | {
                    f"{name} sd": np.sqrt(variance)
                    for name, variance in zip(found.model.exog_vc.names, found.vcomp, strict=True)
                }
                | {
                    "converged": bool(found.converged),
                    "n": part[["corpus", "language", "id"]].drop_duplicates().shape[0],
                    "seeds": part["seed"].nunique(),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _fit(part: pd.DataFrame, treated: str):
    """The fitted model; codes of one half make each coefficient a difference in points."""
    long = part.melt(
        id_vars=["arm", "seed", "corpus", "language", "id"],
        value_vars=["original_f1", "attacked_f1"],
        var_name="when",
        value_name="f1",
    )
    frame = pd.DataFrame(
        {
            "f1": 100 * long["f1"],
            "arm": np.where(long["arm"] == treated, 0.5, -0.5),
            "attacked": np.where(long["when"] == "attacked_f1", 0.5, -0.5),
            "place": long["corpus"] + "/" + long["language"],
            "question": long["corpus"] + "/" + long["language"] + "/" + long["id"].astype(str),
            "seed": long["seed"].astype(str),
            "all": 1,
        }
    )
    formula = "f1 ~ arm * attacked"
    if frame["place"].nunique() > 1:
        formula += " * C(place, Sum)"
    random = {"question": "0 + C(question)"}
    if frame["seed"].nunique() > 1:
        random["seed"] = "0 + C(seed)"
    with warnings.catch_warnings():
        # A variance of zero, as two seeds may show, is an answer; the table says what converged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = smf.mixedlm(formula, frame, groups="all", vc_formula=random)
        return model.fit(method=["powell", "nm"])
