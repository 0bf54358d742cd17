"""Stage 04: evaluate a fine-tuned model on the test sets of its target task, in every language."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import Dataset, concatenate_datasets
from IPython.display import Image, Markdown
from torch import nn
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import read_sealed, sha256, write_sealed, write_with
from xltlib.encoders.device import resolve
from xltlib.encoders.footprint import require_reading
from xltlib.encoders.opening import open_tokenizer
from xltlib.evaluation import labelled, span_qa
from xltlib.evaluation.labelled import first_of, language_pairs
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EngineSettings, EvaluationSettings, Params
from xltlib.reporting import cell_findings, figures
from xltlib.study import data, saved, work
from xltlib.study.cell import ModelCell
from xltlib.study.target_tasks import is_qa
from xltlib.training.multitask import MultiTaskModel
from xltlib.training.run import use_threads


def predictor(cell: ModelCell, settings: EvaluationSettings | EngineSettings) -> SpanPredictor:
    """A predictor with the cell's fine-tuned model."""
    params: Params = cell.params
    use_threads(params.compute.threads)
    return SpanPredictor.load(
        cell.reads("target").artefact("model"),
        device=params.compute.device,
        settings=params.span_qa,
        batch_size=settings.batch_size,
        precision=settings.precision,
    )


def require_room(
    cell: ModelCell,
    model: nn.Module,
    settings: EvaluationSettings | EngineSettings,
    lower: str,
    *,
    gradients: bool = False,
    beside: Iterable[Path] = (),
) -> None:
    """Refuse to answer with the cell's model if that would not fit into memory.

    Args:
        lower: the setting that makes it fit.
        gradients: the gradients of single examples are taken too.
        beside: the folders of other models that are loaded too.

    Raises:
        InputError: names the memory and the setting.
    """
    params: Params = cell.params
    qa = is_qa(params, cell.task)
    tokens = params.span_qa.max_length if qa else params.targets[cell.task].max_length
    require_reading(
        params.compute,
        model,
        (settings.batch_size, tokens),
        lower,
        bf16=resolve(settings.precision, params.compute.device) == "bf16",
        gradients=gradients,
        beside=beside,
    )


def run(cell: ModelCell, *, progress: bool = True) -> dict[str, Any]:
    """Answer and score all test sets; finished languages are read back."""
    return work.once(cell, lambda: _run(cell, progress))


def _run(cell: ModelCell, progress: bool) -> None:
    started, params = time.time(), cell.params
    answers, summary = _span_answers(cell) if is_qa(params, cell.task) else _labels(cell)
    frames = []
    sets = _sets(cell)
    for i, (name, corpus, language, rows) in enumerate(
        tqdm(sets, desc="test sets", disable=not progress)
    ):
        part = cell.work(f"parts/{i}.{language}.parquet")
        frames.append(_kept(part, partial(answers, corpus, rows)).assign(corpus=name))
    found = pd.concat(frames, ignore_index=True)
    write_with(cell.path("predictions.parquet"), found.to_parquet)
    saved.write_scores(cell.path("scores.parquet"), found.drop(columns=TEXTS, errors="ignore"))
    work.finish(cell, summary(found), started=started)


def _kept(part: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A part that an earlier run wrote; made again where it is missing or damaged."""
    seal = part.with_suffix(".json")
    if not part.exists() or read_sealed(seal) != {"sha256": sha256(part)}:
        write_with(part, make().to_parquet)
        write_sealed(seal, {"sha256": sha256(part)})
    return pd.read_parquet(part)


TEXTS = ["prediction", "gold"]
"""Columns with text from a corpus, which stay on this machine."""


def _sets(cell: ModelCell) -> list[tuple[str, str, str, Dataset]]:
    """Every test set of the cell's task: its name, corpus, language, and rows.

    All pairs with the same first language are one set, because the more rows are read together,
    the less padding they need.
    """
    test_sets = cell.params.targets[cell.task].test_sets
    return [
        (name, settings.corpus, language, rows)
        for name, settings in zip(data.names(test_sets), test_sets, strict=True)
        for sets in [data.test_set(cell.params, settings)]
        for language, rows in (_paired(sets) if settings.pairs else sets).items()
    ]


def _paired(sets: dict[str, Dataset]) -> dict[str, Dataset]:
    """The generalised test sets, by the language of sentence 1."""
    pairs = list(language_pairs(sets))
    return {
        first: concatenate_datasets([rows for name, rows in pairs if first_of(name) == first])
        for first in sets
    }


Answers = Callable[[str, Dataset], pd.DataFrame]
Summary = Callable[[pd.DataFrame], dict[str, dict]]


def _span_answers(cell: ModelCell) -> tuple[Answers, Summary]:
    """How a span-QA model answers a corpus, and how the answers are summarised.

    The model is loaded only when a test set needs it.
    """
    settings = cell.params.evaluation

    @cache
    def load() -> SpanPredictor:
        found = predictor(cell, settings)
        require_room(cell, found.model, settings, "evaluation.batch_size")
        return found

    return lambda corpus, rows: span_qa.answer(load(), corpus, rows), span_qa.summarize


def labelled_model(cell: ModelCell) -> tuple[MultiTaskModel, PreTrainedTokenizerBase]:
    """The cell's fine-tuned model with a head of `xltlib.tasks`, and its tokenizer."""
    params, target = cell.params, cell.params.targets[cell.task]
    use_threads(params.compute.threads)
    kind = data.kind_of(params, target.data, target.max_length)
    folder = cell.reads("target").artefact("model")
    model = MultiTaskModel.load(folder, {cell.task: kind}).to(params.compute.device)
    return model, open_tokenizer(folder)


def _labels(cell: ModelCell) -> tuple[Answers, Summary]:
    """The same for a model with a head of `xltlib.tasks`."""
    params, target, settings = cell.params, cell.params.targets[cell.task], cell.params.evaluation
    kind = data.kind_of(params, target.data, target.max_length)

    @cache
    def load() -> tuple[MultiTaskModel, PreTrainedTokenizerBase]:
        found = labelled_model(cell)
        require_room(cell, found[0], settings, "evaluation.batch_size")
        return found

    def answers(corpus: str, rows: Dataset) -> pd.DataFrame:
        model, tokenizer = load()
        return labelled.answer(
            model,
            cell.task,
            tokenizer,
            corpus,
            rows,
            batch_size=settings.batch_size,
            precision=settings.precision,
        )

    return answers, lambda found: labelled.summarize(found, kind)


def findings(cell: ModelCell) -> Markdown:
    """The score on each test set, in English and elsewhere."""
    return saved.found(cell, cell_findings.of_evaluation(cell.metrics()))


def score_figure(cell: ModelCell) -> Image | Markdown:
    """Scores by test set and language; stage 07 draws pairs of languages."""
    scores = score_table(cell.metrics())
    scores = scores[~scores["language"].str.contains("-", regex=False)]
    if not len(scores):
        return Markdown("*Stage 07 draws the scores of pairs of languages.*")
    values = scores.drop(columns=["corpus", "language"]).iloc[0]
    metric = cell_findings.main_metric(values.to_dict())
    about = saved.provenance(cell)
    return saved.drawn(figures.scores_of_model(scores.assign(arm=cell.arm), metric, about=about))


def score_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per corpus and language (or pair): metrics in points, and the number of examples."""
    return pd.DataFrame(
        [
            {"corpus": corpus, "language": language}
            | {name: score for name, score in scores.items() if name != "n"}
            | {"n": scores["n"]}
            for corpus, summary in metrics.items()
            for language, scores in summary["languages"].items()
        ]
    ).round(1)


def count_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per corpus and language (or pair): the number of examples."""
    return score_table(metrics)[["corpus", "language", "n"]]


def average_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per corpus and average: over languages with and without English, or over pairs."""
    return pd.DataFrame(
        [
            {"corpus": corpus, "average": name}
            | {metric: values[name] for metric, values in summary["averages"].items()}
            for corpus, summary in metrics.items()
            for name in next(iter(summary["averages"].values()))
        ]
    ).round(1)
