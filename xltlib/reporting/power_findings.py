"""A power statement in sentences."""

from __future__ import annotations

import pandas as pd

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
        enough = "enough" if row["enough"] else "not enough"
        words = (
            f"{row['measure'][0].upper()}{row['measure'][1:]}: with "
            f"{counted('seeds', row['seeds'], 'seed')} and {{questions}} questions in "
            f"{counted('languages', row['languages'], 'language')}, the minimum detectable "
            "difference between two arms (80 % power) is {detectable:.1f} points if its standard "
            f"deviation over seeds is {{seed_sd:.1f}} (assumed); that is {enough} to detect the "
            "smallest effect of interest, {smallest:.1f} points. Pilot: "
            f"{counted('models', row['models'], 'model')} ({row['basis']})."
        )
        found.append(Sentence(f"power {row['measure']}", words, numbers))
    return found
