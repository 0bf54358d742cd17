"""The table of contrasts: differences between arms by every measure of robustness."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import (
    common_seeds,
    contrast_blocks,
    large_enough,
    macro_shares,
    where_all_were_tested,
)
from xltlib.analysis.intervals import NO_COMMON_SEED, Interval, interval
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
from xltlib.analysis.tables import MACRO
from xltlib.analysis.variance import seed_variance
from xltlib.analysis.verdict import holm

LEFT_OUT = "left out"
"""The column with languages that an arm of a contrast has trained on."""
TOO_FEW = "too few"
"""The column with languages that have too few questions, or none in some condition or of an arm."""


def table(
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
    for view, condition, whole in _views(clean, attacked):
        measure, measured = MEASURES[view], dict[frozenset[Any], pd.DataFrame]()
        for pair in rows:
            part = where_all_were_tested(whole, pair)
            if not len(part):
                continue
            trained = {"en"}.union(*(seen.get(arm, ()) for arm in pair))
            unseen = part[~part["language"].isin(trained)]
            zero_shot = len(unseen) > 0
            used = unseen if zero_shot else part[part["language"] != "en"]
            left = set(part["language"]) - set(used["language"]) - {"en"}
            places = frozenset(zip(used["corpus"], used["language"], strict=True))
            if places not in measured:
                measured[places] = large_enough(used) if view == "clean" else values(used, view)
            name = {"contrast": " - ".join(pair), "measured": view, "condition": condition}
            about = {"zero-shot": zero_shot, LEFT_OUT: " ".join(sorted(left))}
            found = _intervals(measured[places], measure, pair, level)
            wanted = set(whole["language"]) - left - {"en"}
            rows[pair] += _rows(name | about, found, smallest[measure.unit], p_values, wanted)
    return pd.DataFrame([row for of_pair in rows.values() for row in of_pair], columns=COLUMNS)


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
    if not common_seeds(frame, pair):
        yield on, MACRO, Interval.unknown(NO_COMMON_SEED, level)
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
    wanted: set[str],
) -> Iterator[dict[str, Any]]:
    every = list(found)
    corrected = iter(holm([one.p for _, language, one in every if language != MACRO]))
    for on, language, one in every:
        row = name | {"on": on, "language": language} | _columns(one, smallest)
        macro = language == MACRO and bool(one.languages)
        row[TOO_FEW] = " ".join(sorted(wanted - set(one.languages))) if macro else ""
        if language != MACRO:
            row["p (Holm)"] = next(corrected)
        if not p_values:
            row |= dict.fromkeys(("p", "p (TOST)", "p (Holm)"), np.nan)
        yield row


COLUMNS = [
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
