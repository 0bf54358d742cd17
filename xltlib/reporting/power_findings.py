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
            f"{counted('languages', row['languages'], 'language')}, a difference of "
            "{detectable:.1f} points between two arms is found with 80 % probability, if it "
            f"varies by {{seed_sd:.1f}} points over seeds (assumed); that is {enough} for the "
            "smallest effect of interest, {smallest:.1f} points. Pilot: "
            f"{counted('models', row['models'], 'model')} ({row['basis']})."
        )
        found.append(Sentence(f"power {row['measure']}", words, numbers))
    return found
