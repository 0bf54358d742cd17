"""Scoring a span-QA model on a corpus: predictions a question, scores a language."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from xltlib.artifacts import fingerprint
from xltlib.corpora.answers import stripped_span
from xltlib.evaluation import squad
from xltlib.evaluation.answers import normalizer
from xltlib.evaluation.predictor import SpanPredictor


def answer(predictor: SpanPredictor, corpus: str, dataset: Dataset) -> pd.DataFrame:
    """Answer every question of one language's test set.

    Scores follow SQuAD 1.1's rules, and MLQA's own on MLQA.

    Returns:
        One row per question: corpus, language, id, passage (a hash: questions of one passage share
        it), prediction, probability, gold_probability (of the likeliest gold span; NaN where no
        gold has a place in the passage), start and end of the prediction in characters, f1 and em
        in [0, 1].
    """
    golds_at = [_places(answers) for answers in dataset["answers"]]
    found, gold = predictor.score(list(dataset["question"]), list(dataset["context"]), golds_at)
    rows = []
    for i, (example, prediction) in enumerate(zip(dataset, found, strict=True)):
        language, golds = example["language"], example["answers"]["text"]
        rule = normalizer(language, corpus)
        rows.append(
            {
                "corpus": corpus,
                "language": language,
                "id": example["id"],
                "passage": fingerprint(example["context"]),
                "prediction": prediction.text,
                "probability": prediction.probability,
                "gold_probability": float(gold[i]) if golds_at[i] else np.nan,
                "start": prediction.start,
                "end": prediction.end,
                "f1": squad.f1(prediction.text, golds, rule),
                "em": squad.exact_match(prediction.text, golds, rule),
            }
        )
    return pd.DataFrame(rows)


def _places(answers: dict[str, Any]) -> list[tuple[int, int]]:
    """Where the golds stand in their passage, without white space around them."""
    pairs = zip(answers["answer_start"], answers["text"], strict=True)
    return [stripped_span(start, text) for start, text in pairs if start >= 0 and text.strip()]


def summarize(answers: pd.DataFrame) -> dict[str, dict]:
    """F1 and EM in points (0-100) by corpus: each language with its n, and both averages."""
    result: dict[str, dict] = {}
    for corpus, rows in answers.groupby("corpus", sort=True):
        by_language = rows.groupby("language", sort=True)[["f1", "em"]].mean() * 100
        counts = rows.groupby("language", sort=True).size()
        result[str(corpus)] = {
            "languages": {
                language: {"f1": scores.f1, "em": scores.em, "n": int(counts[language])}
                for language, scores in by_language.iterrows()
            },
            "averages": {
                metric: squad.averages(by_language[metric].to_dict()) for metric in ("f1", "em")
            },
        }
    return result
