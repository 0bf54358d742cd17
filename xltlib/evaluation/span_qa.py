"""Scoring a span-QA model on a corpus: predictions a question, scores a language."""

from __future__ import annotations

import pandas as pd
from datasets import Dataset

from xltlib.artifacts import fingerprint
from xltlib.evaluation import mlqa, squad
from xltlib.evaluation.predictor import SpanPredictor


def answer(predictor: SpanPredictor, corpus: str, dataset: Dataset) -> pd.DataFrame:
    """Answer every question of one language's test set.

    Scores follow SQuAD 1.1's rules, and MLQA's own on MLQA.

    Returns:
        One row per question: corpus, language, id, passage (a hash: questions of one passage share
        it), prediction, probability, f1 and em in [0, 1].
    """
    found = predictor.predict(list(dataset["question"]), list(dataset["context"]))
    rows = []
    for example, prediction in zip(dataset, found, strict=True):
        language, golds = example["language"], example["answers"]["text"]
        rule = mlqa.normalizer(language) if corpus == "mlqa" else squad.normalize_answer
        rows.append(
            {
                "corpus": corpus,
                "language": language,
                "id": example["id"],
                "passage": fingerprint(example["context"]),
                "prediction": prediction.text,
                "probability": prediction.probability,
                "f1": squad.f1(prediction.text, golds, rule),
                "em": squad.exact_match(prediction.text, golds, rule),
            }
        )
    return pd.DataFrame(rows)


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
