"""Result tables: flat frames with scores in points (0-100); every row has its n and seeds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from xltlib.analysis.conditions import TRIED, UNTRIED
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
    """F1 and EM by corpus, language and arm (NaN if not tested), mean over seeds, with averages."""
    rows = []
    for corpus, part in clean.groupby("corpus", sort=True):
        arms, languages = arms_in(part), language_order(set(part["language"]))
        every = pd.MultiIndex.from_product([arms, languages])
        means = 100 * part.groupby(["arm", "language"])[list(METRICS)].mean().reindex(every)
        for language in languages:
            one = part[part["language"] == language]
            rows.append(
                {"corpus": corpus, "language": language}
                | {f"{m} {a}": means.loc[(a, language), m] for a in arms for m in METRICS}
                | {"n": one["id"].nunique(), "seeds": _seeds(one)}
            )
        # All arms are averaged over the same languages; the average of one is that language.
        tested = means["f1"].notna().groupby(level=1).all()
        part = part[part["language"].isin(tested.index[tested])]
        averages = AVERAGES if part["language"].nunique() > 1 else {}
        for name, title in averages.items():
            values = {
                f"{m} {a}": squad.averages(means.loc[a][m][tested].to_dict()).get(name)
                for a in arms
                for m in METRICS
            }
            if None not in values.values():
                used = part if name == "xtreme_with_en" else part[part["language"] != "en"]
                n = int(used.groupby("language")["id"].nunique().sum())
                rows.append({"corpus": corpus, "language": title} | values | {"n": n})
                rows[-1]["seeds"] = _seeds(part)
    return (
        pd.DataFrame(rows) if rows else pd.DataFrame(columns=["corpus", "language", "n", "seeds"])
    )


def _seeds(answers: pd.DataFrame) -> int | str:
    """The number of seeds; where arms differ in it, the fewest and the most."""
    counts = answers.groupby("arm")["seed"].nunique()
    least, most = int(counts.min()), int(counts.max())
    return most if least == most else f"{least}-{most}"


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

    `n` counts attacks that were tried. The others are counted separately: skipped because of a
    wrong clean answer, without candidates, or ended by an error. Answers to one question with
    several seeds resemble each other, so the interval counts them as one question.
    """
    rows = []
    for (attack, corpus, arm, language), part in _by_arm_and_language(attacked):
        tried = part[part["outcome"].isin(TRIED)]
        won = (tried["outcome"] == "succeeded").mean() if len(tried) else np.nan
        asked = tried["id"].nunique()
        low, high = proportion_confint(won * asked, asked, method="wilson") if asked else (0.0, 1.0)
        counts = part["outcome"].value_counts()
        rows.append(
            {
                "attack": attack,
                "corpus": corpus,
                "language": language,
                "arm": arm,
                "success rate": 100 * won,
                "low": 100 * low,
                "high": 100 * high,
                "median queries": tried["queries"].median(),
                "n": len(tried),
                **{f"n {name}": int(counts.get(name, 0)) for name in UNTRIED},
                "seeds": part["seed"].nunique(),
            }
        )
    return pd.DataFrame(rows, columns=SUCCESS_COLUMNS)


SUCCESS_COLUMNS = [
    *("attack", "corpus", "language", "arm", "success rate", "low", "high", "median queries", "n"),
    *(f"n {name}" for name in UNTRIED),
    "seeds",
]


def _by_arm_and_language(
    attacked: pd.DataFrame,
) -> Iterator[tuple[tuple[str, str, str, str], pd.DataFrame]]:
    """Groups in the study's order."""
    for (attack, corpus), part in attacked.groupby(["attack", "corpus"], sort=True):
        for language in language_order(set(part["language"])):
            for arm in arms_in(part[part["language"] == language]):
                chosen = part[(part["language"] == language) & (part["arm"] == arm)]
                yield (attack, corpus, arm, language), chosen
