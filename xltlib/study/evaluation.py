"""Stage 04: answer every test set with a fine-tuned model, in every language."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from xltlib.artifacts import write_with
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.span_qa import answer, summarize
from xltlib.params import AttackSettings, EvaluationSettings, Params
from xltlib.study import data
from xltlib.study.grid import Cell
from xltlib.training.run import use_threads


def predictor(cell: Cell, settings: EvaluationSettings | AttackSettings) -> SpanPredictor:
    """The cell's fine-tuned model, ready to answer."""
    params: Params = cell.params
    use_threads(params.compute.threads)
    target = cell.reads("target")
    target.metrics()
    return SpanPredictor.load(
        target.path("model"),
        device=params.compute.device,
        settings=params.span_qa,
        batch_size=settings.batch_size,
        precision=settings.precision,
    )


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Answer and score all test sets; languages that are done already are read back."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, params = time.time(), cell.params
    model, frames = None, []
    sets = [
        (settings.corpus, language, rows)
        for settings in params.evaluation.test_sets
        for language, rows in data.test_set(params, settings).items()
    ]
    for corpus, language, rows in tqdm(sets, desc="test sets", disable=not progress):
        part = cell.path(f"parts/{cell.fingerprint}.{corpus}.{language}.parquet")
        if not part.exists():
            model = model or predictor(cell, params.evaluation)
            write_with(part, answer(model, corpus, rows).to_parquet)
        frames.append(pd.read_parquet(part))
    answers = pd.concat(frames, ignore_index=True)
    write_with(cell.path("predictions.parquet"), answers.to_parquet)
    cell.finish(summarize(answers), started=started)
    for part in cell.path("parts").glob("*.parquet"):
        part.unlink()


def score_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: F1 and EM in points, n questions."""
    return pd.DataFrame(
        [
            {"corpus": corpus, "language": language}
            | {name: scores[name] for name in ("f1", "em", "n")}
            for corpus, summary in metrics.items()
            for language, scores in summary["languages"].items()
        ]
    ).round(1)


def count_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: its questions."""
    return score_table(metrics)[["corpus", "language", "n"]]


def average_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus: F1 and EM averaged over languages, TyDi's way and XTREME's, in points."""
    return pd.DataFrame(
        [
            {"corpus": corpus, "average": name}
            | {metric: summary["averages"][metric][name] for metric in ("f1", "em")}
            for corpus, summary in metrics.items()
            for name in summary["averages"]["f1"]
        ]
    ).round(1)
