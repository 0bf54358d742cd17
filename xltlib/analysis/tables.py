"""Result tables: flat frames with scores in points (0-100); every row has its n and seeds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from xltlib.analysis.blocks import contrast_blocks, large_enough, macro_shares
from xltlib.analysis.conditions import TRIED, UNTRIED
from xltlib.analysis.intervals import Interval, interval
from xltlib.analysis.robustness import (
    MEASURES,
    PLACE,
    UNDEFINED,
    UNDER_ATTACK,
    Measure,
    is_defined,
    of_test_sets,
    values,
)
from xltlib.analysis.variance import seed_variance
from xltlib.analysis.verdict import holm
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
    return pd.DataFrame(rows)


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


LEFT_OUT = "left out"
"""The column with languages that an arm of a contrast has trained on."""
TOO_FEW = "too few"
"""The column with languages that have too few questions, or none in some condition."""


def contrasts(
    clean: pd.DataFrame,
    attacked: pd.DataFrame,
    *,
    pairs: Sequence[tuple[str, str]],
    seen: Mapping[str, Collection[str]],
    smallest: Mapping[str, float],
    level: float,
    p_values: bool,
) -> pd.DataFrame:
    """Differences between arms by every measure of robustness, each with its interval.

    Macro over the languages that neither arm has trained on, and by language with Holm's correction
    over the languages. If this would leave no language, all languages are included, and `zero-shot`
    is false. The variance of training runs is pooled over the rows of a contrast and measure.
    `p (TOST)` is small if the arms are equivalent within the smallest effect that would matter.

    Args:
        clean: answers to clean test sets. attacked: `xltlib.analysis.conditions`.
        pairs: (treated, control) arms.
        seen: the languages that each arm has trained on.
        smallest: by unit of `robustness.MEASURES`, the smallest effect that would matter.
        p_values: whether p-values are shown; synthetic data has none.
    """
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {pair: [] for pair in pairs}
    for view, condition, part in _views(clean, attacked):
        measure, measured = MEASURES[view], dict[tuple[str, ...], pd.DataFrame]()
        for pair in rows:
            if not set(pair) <= set(part["arm"]):
                continue
            trained = {"en"}.union(*(seen.get(arm, ()) for arm in pair))
            unseen = part[~part["language"].isin(trained)]
            zero_shot = len(unseen) > 0
            used = unseen if zero_shot else part[part["language"] != "en"]
            left = tuple(sorted(set(part["language"]) - set(used["language"]) - {"en"}))
            if left not in measured:
                measured[left] = large_enough(used) if view == "clean" else values(used, view)
            name = {"contrast": " - ".join(pair), "measured": view, "condition": condition}
            about = {"zero-shot": zero_shot, LEFT_OUT: " ".join(left)}
            found = _intervals(measured[left], measure, pair, level)
            rows[pair] += _rows(name | about, found, smallest[measure.unit], p_values, used)
    return pd.DataFrame(
        [row for of_pair in rows.values() for row in of_pair], columns=CONTRAST_COLUMNS
    )


def _views(clean: pd.DataFrame, attacked: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Measure, condition, and the frame with both; clean corpora are conditions of their own."""
    for corpus, part in clean.groupby("corpus", sort=True):
        yield "clean", str(corpus), part.assign(value=part["f1"])
    for attack, part in attacked.groupby("attack", sort=True):
        for measure in UNDER_ATTACK:
            yield measure, str(attack), part


def _intervals(
    measured: pd.DataFrame, measure: Measure, pair: tuple[str, str], level: float
) -> Iterator[tuple[str, str, Interval]]:
    """The corpus, the language and the interval: macro rows first, then by language."""
    weights = {pair[0]: 1.0, pair[1]: -1.0}
    frame = measured[measured["arm"].isin(pair)]
    if set(pair) - set(frame["arm"]):
        return
    on = " ".join(sorted(frame["corpus"].unique()))
    options: dict[str, Any] = {"level": level, "scale": measure.scale, "most": measure.most}
    if not is_defined(frame, measure.name):
        yield on, MACRO, Interval.unknown(UNDEFINED, level)
        return
    blocks = contrast_blocks(frame, "value", weights)
    seeds = seed_variance([*blocks.values()])
    shares = macro_shares({place: block.n_questions for place, block in blocks.items()})
    codes = list(dict.fromkeys(language for _, language in blocks))
    yield on, MACRO, interval([*blocks.values()], shares, languages=codes, seeds=seeds, **options)
    if len(blocks) < 2:
        return
    own, known = of_test_sets(frame, measure.name), blocks
    if own is not frame:
        undefined = own["value"].isna().groupby([own[name] for name in PLACE]).transform("any")
        known = contrast_blocks(own[~undefined], "value", weights)
        seeds = seed_variance([*known.values()]) if known else None
    for corpus, language in blocks:
        block = known.get((corpus, language))
        if block is None:
            yield corpus, language, Interval.unknown(UNDEFINED, level)
        else:
            one = interval([block], [1.0], languages=[language], seeds=seeds, **options)
            yield corpus, language, one


def _rows(
    name: dict[str, Any],
    found: Iterable[tuple[str, str, Interval]],
    smallest: float,
    p_values: bool,
    used: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    every = list(found)
    codes = set(used["language"])
    corrected = iter(holm([one.p for _, language, one in every if language != MACRO]))
    for on, language, one in every:
        row = name | {"on": on, "language": language} | _columns(one, smallest)
        macro = language == MACRO and bool(one.languages)
        row[TOO_FEW] = " ".join(sorted(codes - set(one.languages))) if macro else ""
        if language != MACRO:
            row["p (Holm)"] = next(corrected)
        if not p_values:
            row |= dict.fromkeys(("p", "p (TOST)", "p (Holm)"), np.nan)
        yield row


CONTRAST_COLUMNS = [
    *("contrast", "measured", "condition", "on", "language", "estimate", "low", "high"),
    *("level (%)", "detectable", "p", "p (TOST)", "p (Holm)", "n", "units", "seeds"),
    *("zero-shot", LEFT_OUT, TOO_FEW, "why not"),
]


def _columns(one: Interval, smallest: float) -> dict[str, Any]:
    return {
        "estimate": one.estimate,
        "low": one.low,
        "high": one.high,
        "level (%)": 100 * one.level,
        "detectable": one.detectable,
        "p": one.p,
        "p (TOST)": one.equivalence_p(smallest),
        "n": one.n_examples,
        "units": one.n_units,
        "seeds": one.n_seeds,
        "why not": one.why_not,
    }
