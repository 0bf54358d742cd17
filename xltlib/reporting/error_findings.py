"""Sentences about where models fail and how well they are calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xltlib.analysis.calibration import CLEAN
from xltlib.reporting.sentences import Sentence, counted

PLURALS = {
    "date": "dates",
    "number": "numbers",
    "name-like": "name-like answers",
    "other": 'answers of the kind "other"',
}


def of_types(table: pd.DataFrame, absent: Sequence[str]) -> list[Sentence]:
    """The kinds of answers and questions that lose the most and the least F1, over all conditions.

    Args:
        table: `xltlib.analysis.answer_types.by_type`.
        absent: test sets whose texts cannot be read on this machine.
    """
    found = []
    for view, part in table.groupby("by", sort=False):
        conditions = part["condition"].nunique()
        counts = part["type"].map(part["type"].value_counts())
        whole = part[counts == conditions]
        means = whole.groupby("type")["drop in f1"].mean().sort_values()
        if len(means) < 2:
            continue
        names = [str(means.index[-1]), str(means.index[0])]
        if view == "answer":
            most, least = (PLURALS[name] for name in names)
            of, where = "answers", "languages other than English"
        else:
            most, least = (f'questions with "{name}"' for name in names)
            of, where = "questions", "English"
        numbers = {
            "most": float(means.iloc[-1]),
            "least": float(means.iloc[0]),
            "conditions": conditions,
            "kinds": len(means),
            "n": int(whole["n"].min()),
        }
        words = (
            f"Of the {{kinds}} kinds of {of} with enough questions under every condition, in "
            f"{where}, {most} lose the most F1 ({{most:z.1f}} points) and {least} the least "
            f"({{least:z.1f}}), averaged over {counted('conditions', conditions, 'condition')} "
            "(at least {n} questions of each kind; no test, exploratory)."
        )
        found.append(Sentence(f"types {view}", words, numbers))
    if absent:
        words = (
            f"The kinds of answers and questions are unknown for {', '.join(absent)}: the texts "
            "are not on this machine, and git keeps none."
        )
        found.append(Sentence("types absent", words, {}))
    return found


def of_calibration(table: pd.DataFrame) -> list[Sentence]:
    """The calibration error on each corpus, clean and on the static set where it is largest.

    Args:
        table: `xltlib.analysis.calibration.errors`.
    """
    found = []
    for corpus, part in table.groupby("corpus", sort=True):
        means = part.groupby("condition")[["calibration error", "over-confidence"]].mean()
        if CLEAN not in means.index:
            continue
        names = {"calibration error": "error", "over-confidence": "over"}
        numbers = {f"clean_{key}": float(means.loc[CLEAN, name]) for name, key in names.items()}
        words = (
            f"On {corpus}, without English, the calibration error averages {{clean_error:.1f}} "
            "points over the arms on clean text"
        )
        others = means.drop(CLEAN)
        if len(others):
            worst = others["calibration error"].idxmax()
            numbers |= {key: float(others.loc[worst, name]) for name, key in names.items()}
            words += f", and {{error:.1f}} under {worst}"
            words += ", the static set with the largest error" if len(others) > 1 else ""
        key = "over" if len(others) else "clean_over"
        side = "above" if numbers[key] > 0 else "below"
        numbers["gap"] = abs(numbers[key])
        words += (
            f"; there the mean probability of an answer is {{gap:.1f}} points {side} the share of "
            "exact matches (at least {n} answers of each model)."
        )
        numbers["n"] = int(part["n"].min())
        found.append(Sentence(f"calibration {corpus}", words, numbers))
    return found
