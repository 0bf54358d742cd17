"""Scoring a span-QA model: a prediction per question, scores per language."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
from datasets import Dataset

from xltlib.artifacts import InputError, fingerprint
from xltlib.corpora.answer_spans import stripped_span
from xltlib.corpora.squad_files import is_answerable, read_squad, require_stated_language
from xltlib.evaluation import squad
from xltlib.evaluation.answer_scoring import normalizer
from xltlib.evaluation.predictor import SpanPredictor, window_settings
from xltlib.languages import find_language
from xltlib.text_files import shown

METRICS = ("squad", "mlqa")
"""Official rules: SQuAD 1.1's, also for XQuAD and TyDi QA, and MLQA's own."""


class Scores(TypedDict):
    """What `evaluate` returns: F1 and EM in points (0-100), and how they were computed."""

    model: str
    data: str
    language: str
    metric: str
    f1: float
    em: float
    n: int
    unanswerable_left_out: int
    wrong_offsets: int
    max_length: int


def evaluate(
    model: Path | str | SpanPredictor,
    data: Path | str,
    *,
    language: str = "en",
    metric: str = "squad",
    max_length: int | None = None,
    batch_size: int = 32,
    device: str = "cpu",
    progress: bool = False,
) -> Scores:
    """F1 and EM of a span-QA model on a file of questions.

    Args:
        model: the folder of a Hugging Face span-QA model, or a `SpanPredictor`, which keeps its
            own windows, batch size and device: a loaded model is one as
            `SpanPredictor(model, tokenizer)`.
        data: a file, SQuAD JSON or rows as JSON or JSON lines.
        language: the code of the file's language.
        metric: the corpus whose official rule is used: `squad` (also for XQuAD and TyDi QA) or
            `mlqa`.
        max_length: tokens per window; by default 384, or fewer if the model reads fewer.

    Raises:
        InputError: the model or the file cannot be read, an argument is of another type, the
            language (in CLDR) or the metric is unknown, a question states another language, or
            none has an answer.
    """
    if not isinstance(model, Path | str | SpanPredictor):
        raise InputError(
            f"model: {type(model).__name__} cannot be evaluated; give a model's folder, or a "
            "xltlib.evaluation.predictor.SpanPredictor, e.g. SpanPredictor(model, tokenizer)"
        )
    if not isinstance(data, Path | str):
        raise InputError(
            f"data: {type(data).__name__} cannot be read; give a file: SQuAD JSON, or rows as JSON "
            "or JSON lines"
        )
    for name, size in (("max_length", max_length), ("batch_size", batch_size)):
        if not (name == "max_length" and size is None) and (type(size) is not int or size < 1):
            raise InputError(f"{name} {shown(size)}: give a whole number, 1 or more")
    if not isinstance(language, str):
        raise InputError(f"language {shown(language)}: give the file's language code, e.g. sw")
    find_language(language)
    if metric not in METRICS:
        raise InputError(f"metric {metric}: unknown; known: {' '.join(METRICS)}")
    every = read_squad(Path(data), language, unanswerable="keep")
    require_stated_language(data, language)
    rows = every.select([i for i, row in enumerate(every) if is_answerable(row)])
    if not len(rows):
        raise InputError(
            f"{data}: no question in it (of {len(every):,}) has an answer, so there is nothing to "
            "score. Give a file with answers."
        )
    predictor = model
    if not isinstance(predictor, SpanPredictor):
        predictor = SpanPredictor.load(
            predictor,
            device=device,
            settings=None if max_length is None else window_settings(max_length),
            batch_size=batch_size,
            progress=progress,
        )
    scores = summarize(answer(predictor, metric, rows))[metric]["languages"][language]
    return {
        "model": type(model).__name__ if isinstance(model, SpanPredictor) else str(model),
        "data": str(data),
        "language": language,
        "metric": metric,
        "f1": scores["f1"],
        "em": scores["em"],
        "n": scores["n"],
        "unanswerable_left_out": len(every) - len(rows),
        "wrong_offsets": sum(rows["wrong_offsets"]),
        "max_length": predictor.settings.max_length,
    }


def answer(predictor: SpanPredictor, corpus: str, dataset: Dataset) -> pd.DataFrame:
    """Answer every question of one language's test set.

    Scores follow SQuAD 1.1's rules, or MLQA's own for MLQA.

    Returns:
        One row per question: corpus, language, id, passage (a hash that the questions of a passage
        share), prediction, probability, gold_probability (of the likeliest gold span; NaN if no
        gold answer is in the passage), start and end of the prediction in characters, f1 and em in
        [0, 1].
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
    """The spans of the gold answers in their passage, without white space around them."""
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
