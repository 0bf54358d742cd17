"""A power statement in sentences."""

from __future__ import annotations

import pandas as pd

from xltlib.analysis.power import ALIKE
from xltlib.reporting.sentences import Sentence, counted


def of_power(table: pd.DataFrame) -> list[Sentence]:
    """One sentence per measure.

    Args:
        table: `xltlib.analysis.power.statement`.
    """
    found = []
    for row in table.to_dict("records"):
        numbers = {
            name.replace(" ", "_"): row[name]
            for name in ("seeds", "questions", "languages", "seed sd", "detectable", "smallest")
        } | {"models": row["models"]}
        where = "1 language"
        if row["languages"] > 1:
            where = "each of {languages} languages"
        plan = (
            f"{row['measure'][0].upper()}{row['measure'][1:]}: with "
            f"{counted('seeds', row['seeds'], 'seed')} and {{questions}} questions in {where}"
        )
        assumed = "if its standard deviation over seeds is {seed_sd:.1f} (assumed)"
        if row["detectable"] == row["detectable"]:
            enough = "enough" if row["enough"] else "not enough"
            said = (
                "the minimum detectable difference between two arms (80 % power) is "
                f"{{detectable:.1f}} points {assumed}; that is {enough} to detect the smallest "
                "effect of interest, {smallest:.1f} points"
            )
        elif row["basis"] == ALIKE:
            del numbers["detectable"], numbers["seed_sd"], numbers["smallest"]
            said = "the minimum detectable difference between two arms cannot be estimated"
        else:
            del numbers["detectable"]
            said = f"no difference between two arms can be detected (80 % power) {assumed}"
        words = (
            f"{plan}, {said}. Estimated from {counted('models', row['models'], 'model')}, "
            f"{row['basis']}."
        )
        found.append(Sentence(f"power {row['measure']}", words, numbers))
    return found
