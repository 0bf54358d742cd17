"""Attacked examples as a data set of their own: to release, and to test other models on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xltlib.artifacts import write_json
from xltlib.attacks.goal import moved
from xltlib.evaluation import squad
from xltlib.evaluation.predictor import SpanPredictor


def save(file: Path, results: pd.DataFrame, **about: Any) -> None:
    """Write attacked passages as a SQuAD 1.1 file, which `xlt evaluate` and others can read.

    All examples but the skipped ones, whose passages are as they were; answers are where they stand
    now, and every question keeps its id and says what the attack came to. An answer that the attack
    made impossible to place has the offset -1.

    Args:
        about: what a reader should know of the set, such as the recipe and the model attacked.
    """
    articles = []
    for language, part in results[results["outcome"] != "skipped"].groupby("language", sort=True):
        paragraphs = []
        for row in part.itertuples():
            answers = []
            for text, start in zip(row.answers["text"], row.answers["answer_start"], strict=True):
                place = moved(row.context, row.attacked_context, text, int(start))
                answers.append({"text": text, "answer_start": -1 if place is None else place})
            qa = {"id": row.id, "question": row.question, "answers": answers}
            qa |= {"outcome": row.outcome, "clean_context": row.context}
            paragraphs.append({"context": row.attacked_context, "qas": [qa]})
        articles.append({"title": str(language), "paragraphs": paragraphs})
    write_json(file, {"version": "1.1", "about": about, "data": articles})


def transfer_matrix(
    made: Mapping[str, pd.DataFrame], predictors: Iterable[tuple[str, SpanPredictor]]
) -> pd.DataFrame:
    """Examples made against one model, tested on all: one row a pair of models.

    Only examples on which the attack succeeded against its own model count, and of those only the
    `n` that the tested model answers right when they are clean (F1 of half or more); `broken` of
    them it answers wrong when they are attacked.

    Args:
        made: results of the same attack by the model it was made against.
        predictors: the models to test, one at a time, with their names.
    """
    rows = []
    for name, predictor in predictors:
        for source, results in made.items():
            won = results[results["outcome"] == "succeeded"]
            golds = [answers["text"] for answers in won["answers"]]
            clean, attacked = (
                np.array([squad.f1(p.text, gold) for p, gold in zip(found, golds, strict=True)])
                for found in (
                    predictor.predict(list(won["question"]), list(won[column]))
                    for column in ("context", "attacked_context")
                )
            )
            right = clean >= 0.5
            counts = {"broken": int((attacked[right] < 0.5).sum()), "n": int(right.sum())}
            rows.append({"made against": source, "tested on": name} | counts)
    return pd.DataFrame(rows)
