"""Stage 03: fine-tune the arm's encoder on an English target task."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset
from IPython.display import Image
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    set_seed,
)

from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.span_qa import answer
from xltlib.params import DataAugmentationSettings, Params
from xltlib.reporting import figures, style
from xltlib.study import data
from xltlib.study.corpora import encoder_folder
from xltlib.study.grid import Cell
from xltlib.tasks.kind import Row, length
from xltlib.tasks.span_qa import featurize, pad_spans, training_rows
from xltlib.training.multitask import MultiTaskModel, load_pretrained
from xltlib.training.plan import copies_plan, n_batches
from xltlib.training.robust.methods import copies, robust_training
from xltlib.training.run import train, use_threads


def training_data(params: Params, task: str) -> Dataset:
    """The English training examples of a target task, the same for every arm."""
    target = params.targets[task]
    rows = data.load(params, target.data.corpus, target.data.split, target.data.languages[0])
    limit = target.max_examples
    return rows if limit is None else rows.select(range(min(limit, len(rows))))


@dataclass(frozen=True)
class Learner:
    """A model that learns one target task: what it reads, how it is scored, how it is kept."""

    model: nn.Module
    encoder: nn.Module
    rows: Callable[[Dataset], list[Row]]
    collate: Callable[[list[Row]], dict[str, Any]]
    dev_score: Callable[[nn.Module, Dataset], float]
    save: Callable[[Path], None]


def learner(
    params: Params, task: str, folder: Path, encoder: str, tokenizer: PreTrainedTokenizerBase
) -> Learner:
    """A learner with a fresh head on the encoder of a folder.

    Span QA is an ordinary question-answering model of transformers, which anyone can load; the
    other kinds have a head of `xltlib.tasks` on the encoder's states.
    """
    target, options = params.targets[task], params.encoders[encoder]
    device = params.compute.device
    if data.is_qa(params, task):
        model = load_pretrained(AutoModelForQuestionAnswering, folder, options).to(device)

        def windows(rows: Dataset) -> list[Row]:
            features = featurize(
                tokenizer, list(rows["question"]), list(rows["context"]), params.span_qa
            )
            return training_rows(features, list(rows["answers"]))

        def f1(model: nn.Module, dev: Dataset) -> float:
            predictor = SpanPredictor(model, tokenizer, params.span_qa)
            return 100 * float(np.mean(answer(predictor, target.data.corpus, dev)["f1"]))

        return Learner(
            model,
            model.base_model,
            windows,
            lambda rows: pad_spans(tokenizer, rows),
            f1,
            model.save_pretrained,
        )
    kind = data.kind_of(params, target.data, target.max_length)
    headed = MultiTaskModel(load_pretrained(AutoModel, folder, options), {task: kind}).to(device)
    return Learner(
        headed,
        headed.encoder,
        lambda rows: kind.rows(tokenizer, rows),
        lambda rows: {"task": task} | kind.collate(tokenizer, rows),
        lambda model, dev: model.score(task, tokenizer, dev)[kind.metric],
        headed.save,
    )


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Fine-tune and save the model; a finished cell is read back."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, params, target = time.time(), cell.params, cell.params.targets[cell.task]
    use_threads(params.compute.threads)
    set_seed(cell.seed)
    folder, optimisation = starting_encoder(cell), target.optimisation
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    learns = learner(params, cell.task, folder, cell.encoder, tokenizer)
    examples, method = training_data(params, cell.task), params.methods.get(cell.method)
    standard = learns.rows(examples)
    steps = n_batches(len(standard), target.epochs, optimisation.batch_size)
    sets = [standard]
    if isinstance(method, DataAugmentationSettings):
        sets = [
            learns.rows(copy)
            for copy in copies(examples, method, tokenizer, learns.encoder, cell.seed)
        ]
        steps *= 1 if method.matched else method.copies
    order = copies_plan(
        [[length(row) for row in rows] for rows in sets], steps, optimisation.batch_size, cell.seed
    )
    log = train(
        learns.model,
        [[sets[copy][i] for i in batch] for copy, batch in order],
        learns.collate,
        optimisation,
        seed=cell.seed,
        checkpoints=cell.path("checkpoints"),
        device=params.compute.device,
        robust=robust_training(method, tokenizer),
        dev_score=_dev_score(cell, learns),
        progress=progress,
    )
    learns.save(cell.path("model"))
    tokenizer.save_pretrained(cell.path("model"))
    cell.finish(
        log.as_metrics() | {"examples": len(examples), "rows": len(standard)}, started=started
    )


def starting_encoder(cell: Cell) -> Path:
    """The encoder that the arm's intermediate training left; the pretrained one without any."""
    before = cell.reads("intermediate")
    return before.path("encoder") if before.metrics()["steps"] > 0 else encoder_folder(cell)


def _dev_score(cell: Cell, learns: Learner) -> Callable[[nn.Module], float] | None:
    """The score on the training data's dev split, where it names one."""
    used = cell.params.targets[cell.task].data
    if used.dev_split is None:
        return None
    dev = data.load(cell.params, used.corpus, used.dev_split, used.languages[0])
    return lambda model: learns.dev_score(model, dev)


def settings_table(cell: Cell) -> pd.DataFrame:
    """The recipe: data, windows, optimisation, and the method's settings."""
    params, target = cell.params, cell.params.targets[cell.task]
    limits = (
        params.span_qa.model_dump()
        if data.is_qa(params, cell.task)
        else {"max_length": target.max_length}
    )
    method = params.methods.get(cell.method)
    settings = (
        {"training data": f"{target.data.corpus} {target.data.split}, {target.data.languages[0]}"}
        | {"epochs": target.epochs}
        | limits
        | target.optimisation.model_dump()
        | {"method": cell.method}
        | (method.model_dump() if method else {})
    )
    return pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())})


def loss_figure(cell: Cell) -> Image:
    """Training loss by optimiser step."""
    figure = figures.training_loss(cell.metrics()["losses"], f"Target training, {cell.key}")
    return Image(style.png(figure, dpi=100))
