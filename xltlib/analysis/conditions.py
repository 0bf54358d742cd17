"""Test conditions: static perturbed sets, adaptive attacks, and the worst of the attacks.

Every condition gives the same frame, one row per question and model: attack (the condition's name),
arm, seed, corpus, language, id, original_f1, attacked_f1, original_em and attacked_em in [0, 1].
"""

from __future__ import annotations

import pandas as pd

from xltlib.params.attacks import ENSEMBLE, WORST_FIRST

KEYS = ["arm", "seed", "corpus", "language", "id"]
WHEN = ("original", "attacked")
SCORES = ["original_f1", "attacked_f1", "original_em", "attacked_em"]
TRIED = ("succeeded", "failed")
"""Outcomes that count in success rates; others are skipped, no_candidates and error."""
UNTRIED = ("skipped", "no_candidates", "error")


def is_static(answers: pd.DataFrame) -> pd.Series:
    """Which answers belong to a perturbed test set, whose name is `corpus+perturbation`."""
    return answers["corpus"].astype(str).str.contains("+", regex=False)


def static(answers: pd.DataFrame) -> pd.DataFrame:
    """Each question of a static set beside the same model's answer to the clean question.

    Args:
        answers: one row per answer: `KEYS`, f1, em, and perhaps passage and gold_probability.
    """
    perturbed = answers[is_static(answers)]
    names = perturbed["corpus"].str.split("+", n=1, expand=True)
    if not len(perturbed):
        names = pd.DataFrame({0: [], 1: []}, dtype=str)
    perturbed = perturbed.assign(corpus=names[0], attack=names[1])
    clean = answers[~is_static(answers)]
    extra = [name for name in ("passage",) if name in answers]
    measured = ["f1", "em"]
    if "gold_probability" in answers:
        perturbed, clean = map(_with_gold, (perturbed, clean))
        measured.append("probability")
    joined = perturbed[[*KEYS, "attack", *measured]].merge(
        clean[[*KEYS, *extra, *measured]], on=KEYS, suffixes=("_attacked", "_original")
    )
    return joined.rename(
        columns={f"{name}_{when}": f"{when}_{name}" for name in measured for when in WHEN}
    )


def together(*frames: pd.DataFrame) -> pd.DataFrame:
    """The rows of all frames. The columns of a frame without rows have no types, so that they would
    take those of the other columns away."""
    columns = list(dict.fromkeys(name for frame in frames for name in frame))
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full or frames[:1], ignore_index=True).reindex(columns=columns)


def _with_gold(answers: pd.DataFrame) -> pd.DataFrame:
    """The probability of the gold answer, in place of that of the given answer."""
    kept = answers.drop(columns="probability", errors="ignore")
    return kept.rename(columns={"gold_probability": "probability"})


def ensemble(attacked: pd.DataFrame) -> pd.DataFrame:
    """The worst of the attacks on each example, from finished attacks; empty with fewer than two.

    Only attacks on every model of the frame count, and only examples that all of them tried to
    change. Otherwise one arm would face more attacks than another.
    """
    models = attacked[["arm", "seed"]].drop_duplicates()
    met = attacked.groupby("attack").apply(
        lambda part: len(part[["arm", "seed"]].drop_duplicates()) == len(models),
        include_groups=False,
    )
    common = sorted(met.index[met.astype(bool)]) if len(met) else []
    if len(common) < 2:
        return attacked.iloc[:0]
    chosen = attacked[attacked["attack"].isin(common)]
    whole = chosen.groupby(KEYS)["attack"].transform("nunique") == len(common)
    chosen = chosen[whole].sort_values("attacked_f1", kind="stable")
    worst = chosen.drop_duplicates(KEYS).sort_values(KEYS).reset_index(drop=True)
    outcome = chosen.groupby(KEYS)["outcome"].agg(_worst_outcome)
    queries = chosen.groupby(KEYS)["queries"].sum()
    at = pd.MultiIndex.from_frame(worst[KEYS])
    return worst.assign(
        attack=ENSEMBLE,
        outcome=outcome.reindex(at).to_numpy(),
        queries=queries.reindex(at).to_numpy(),
    )


def _worst_outcome(outcomes: pd.Series) -> str:
    """An example is broken if one attack broke it; an error leaves that unknown."""
    found = set(outcomes)
    return next(name for name in WORST_FIRST if name in found)
