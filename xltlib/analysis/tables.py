"""Result tables: flat frames, scores in points (0-100), every row with its n and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from xltlib.analysis.bootstrap import Interval, paired_bootstrap
from xltlib.analysis.power import detectable, equivalence_p
from xltlib.evaluation import squad

ARMS = ("none", "english", "multilingual", "multilingual+targets")
METRICS = ("f1", "em")
MACRO = "macro without en"
AVERAGES = {
    "tydi_without_en": "TyDi average (without en)",
    "xtreme_with_en": "XTREME average (with en)",
}


def language_order(languages: set[str]) -> list[str]:
    """English first, then by code."""
    return sorted(languages, key=lambda code: (code != "en", code))


def arms_in(frame: pd.DataFrame) -> list[str]:
    """The arms of a frame: the study's own in its order, then others by name."""
    present = set(frame["arm"])
    return [arm for arm in ARMS if arm in present] + sorted(present - set(ARMS))


def scores(clean: pd.DataFrame) -> pd.DataFrame:
    """F1 and EM by corpus, language and arm, mean over seeds, with both published averages."""
    rows = []
    for corpus, part in clean.groupby("corpus", sort=True):
        means = 100 * part.groupby(["arm", "language"])[list(METRICS)].mean()
        for language in language_order(set(part["language"])):
            one = part[part["language"] == language]
            rows.append(
                {"corpus": corpus, "language": language}
                | {f"{m} {a}": means.loc[(a, language), m] for a in arms_in(part) for m in METRICS}
                | {"n": one["id"].nunique(), "seeds": one["seed"].nunique()}
            )
        # The average of one language is that language.
        averages = AVERAGES if part["language"].nunique() > 1 else {}
        for name, title in averages.items():
            values = {
                f"{m} {a}": squad.averages(means.loc[a][m].to_dict()).get(name)
                for a in arms_in(part)
                for m in METRICS
            }
            if all(value is not None for value in values.values()):
                used = part if name == "xtreme_with_en" else part[part["language"] != "en"]
                n = used.groupby("language")["id"].nunique().sum()
                rows.append(
                    {"corpus": corpus, "language": title}
                    | values
                    | {"n": int(n), "seeds": part["seed"].nunique()}
                )
    return pd.DataFrame(rows)


def under_attack(attacked: pd.DataFrame) -> pd.DataFrame:
    """F1 and EM of the attacked questions before and after, and the drops, by language and arm."""
    rows = []
    for (attack, corpus, arm, language), part in _by_arm_and_language(attacked):
        row = {"attack": attack, "corpus": corpus, "language": language, "arm": arm}
        for metric in METRICS:
            before, after = (
                100 * part[f"{when}_{metric}"].mean() for when in ("original", "attacked")
            )
            row |= {
                f"clean {metric}": before,
                f"attacked {metric}": after,
                f"drop in {metric}": before - after,
            }
        rows.append(row | {"n": part["id"].nunique(), "seeds": part["seed"].nunique()})
    return pd.DataFrame(rows, columns=UNDER_ATTACK_COLUMNS)


UNDER_ATTACK_COLUMNS = [
    *("attack", "corpus", "language", "arm"),
    *(f"{view} {metric}" for metric in METRICS for view in ("clean", "attacked", "drop in")),
    *("n", "seeds"),
]


def success_rate(attacked: pd.DataFrame) -> pd.DataFrame:
    """Share of attacked questions that the attack breaks, in percent, with Wilson's interval.

    `n` counts attacks that were tried: those whose clean answer was right.
    """
    rows = []
    for (attack, corpus, arm, language), part in _by_arm_and_language(attacked):
        tried = part[part["outcome"] != "skipped"]
        won = int((tried["outcome"] == "succeeded").sum())
        low, high = (
            proportion_confint(won, len(tried), method="wilson") if len(tried) else (0.0, 1.0)
        )
        rows.append(
            {
                "attack": attack,
                "corpus": corpus,
                "language": language,
                "arm": arm,
                "success rate": 100 * won / len(tried) if len(tried) else float("nan"),
                "low": 100 * low,
                "high": 100 * high,
                "median queries": tried["queries"].median(),
                "n": len(tried),
                "seeds": part["seed"].nunique(),
            }
        )
    return pd.DataFrame(rows)


def answered_by_all(attacked: pd.DataFrame, threshold: float = 0.5) -> pd.DataFrame:
    """The attacked questions that every model of an attack answers right when they are clean.

    On these the arms begin alike, so that what they lose can be compared; right is an F1 of
    `threshold` or more, with every seed.
    """
    keys = ["attack", "corpus", "language", "id"]
    return attacked[attacked.groupby(keys)["original_f1"].transform("min") >= threshold]


def _by_arm_and_language(
    attacked: pd.DataFrame,
) -> Iterator[tuple[tuple[str, str, str, str], pd.DataFrame]]:
    """Groups in the study's order."""
    for (attack, corpus), part in attacked.groupby(["attack", "corpus"], sort=True):
        for language in language_order(set(part["language"])):
            for arm in arms_in(part[part["language"] == language]):
                chosen = part[(part["language"] == language) & (part["arm"] == arm)]
                yield (attack, corpus, arm, language), chosen


def _with_drop(attacked: pd.DataFrame) -> pd.DataFrame:
    """Zero-shot rows only, with the change that the attack makes to F1."""
    zero_shot = attacked[attacked["language"] != "en"]
    return zero_shot.assign(change=zero_shot["attacked_f1"] - zero_shot["original_f1"])


def contrasts(
    clean: pd.DataFrame,
    attacked: pd.DataFrame,
    *,
    pairs: Sequence[tuple[str, str]],
    samples: int,
    seed: int,
    level: float,
    smallest_effect: float,
) -> pd.DataFrame:
    """Differences of F1 between arms with paired bootstrap intervals, in points.

    On clean text (each corpus), under attack, and the difference in differences; macro over the
    zero-shot languages, then by language with Holm's correction over the languages. `detectable` is
    the true difference that would be found four times in five; `p (same)` is small where the arms
    are the same within `smallest_effect`.

    Args:
        pairs: (treated, control) arms.
    """
    rows = []
    zero_shot = clean[clean["language"] != "en"]
    views = [("clean", corpus, part, "f1") for corpus, part in zero_shot.groupby("corpus")]
    for attack, part in _with_drop(attacked).groupby("attack"):
        views.append((f"under {attack}", "attacked questions", part, "attacked_f1"))
        views.append(
            (f"difference in differences ({attack})", "attacked questions", part, "change")
        )
    for treated, control in pairs:
        weights = {treated: 1.0, control: -1.0}
        for view, corpus, part, value in views:
            if not {treated, control} <= set(part["arm"]):
                continue
            options = {"samples": samples, "seed": seed, "level": level}
            name = {"contrast": f"{treated} - {control}", "measured": view, "on": corpus}
            macro = paired_bootstrap(part, value, weights, **options)
            rows.append(
                name | {"language": MACRO} | _columns(macro, smallest_effect) | {"p (Holm)": None}
            )
            parts = [
                (language, paired_bootstrap(chosen, value, weights, **options))
                for language, chosen in part.groupby("language", sort=True)
            ]
            for (language, one), p in zip(parts, _holm([one.p for _, one in parts]), strict=True):
                rows.append(
                    name | {"language": language} | _columns(one, smallest_effect) | {"p (Holm)": p}
                )
    return pd.DataFrame(rows, columns=CONTRAST_COLUMNS)


CONTRAST_COLUMNS = [
    *("contrast", "measured", "on", "language", "estimate", "low", "high", "level (%)"),
    *("p", "detectable", "p (same)", "n", "seeds", "p (Holm)"),
]


def _holm(p_values: list[float]) -> np.ndarray:
    """Holm's correction over those that could be computed."""
    corrected = np.array(p_values)
    known = ~np.isnan(corrected)
    if known.any():
        corrected[known] = multipletests(corrected[known], method="holm")[1]
    return corrected


def _columns(interval: Interval, smallest_effect: float) -> dict[str, float | int]:
    return {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level (%)": 100 * interval.level,
        "p": interval.p,
        "detectable": detectable(interval),
        "p (same)": equivalence_p(interval, smallest_effect),
        "n": interval.n_examples,
        "seeds": interval.n_seeds,
    }
