"""Stage 03: fine-tune the arm's encoder on an English target task."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset
from IPython.display import Image, Markdown
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from xltlib.encoders.footprint import require_memory
from xltlib.encoders.opening import open_tokenizer, require_positions
from xltlib.encoders.parts import base_encoder, on_device
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.span_qa import answer
from xltlib.params import DataAugmentationSettings, Params
from xltlib.reporting import cell_findings, figures
from xltlib.study import data, saved, work
from xltlib.study.cell import ModelCell
from xltlib.study.models import starting_encoder
from xltlib.study.target_tasks import is_qa
from xltlib.tasks.kind import Row, lengths
from xltlib.tasks.span_qa import pad_spans, span_loss, training_rows
from xltlib.tasks.windows import featurize
from xltlib.training.memory import batch_shape, training_mib
from xltlib.training.multitask import MultiTaskModel, load_pretrained
from xltlib.training.numerics import BatchLoss, choose
from xltlib.training.plan import Batching, copies_plan, n_batches
from xltlib.training.robust.methods import copies, robust_training
from xltlib.training.run import model_loss, train, use_threads


def training_data(params: Params, task: str) -> Dataset:
    """The English training examples of a target task, the same for every arm."""
    target = params.targets[task]
    rows = data.load(params, target.data.corpus, target.data.split, target.data.languages[0])
    limit = target.max_examples
    return rows if limit is None else rows.select(range(min(limit, len(rows))))


@dataclass(frozen=True)
class Learner:
    """A model that learns one target task: its inputs, its score, and how it is saved."""

    model: nn.Module
    encoder: PreTrainedModel
    rows: Callable[[Dataset], list[Row]]
    collate: Callable[[list[Row]], dict[str, Any]]
    dev_score: Callable[[nn.Module, Dataset], float]
    save: Callable[[Path], None]
    loss: BatchLoss = model_loss


def learner(
    params: Params, task: str, folder: Path, encoder: str, tokenizer: PreTrainedTokenizerBase
) -> Learner:
    """A learner with a fresh head on the encoder of a folder.

    For span QA it is an ordinary question-answering model of transformers that anyone can load.
    Other kinds put a head of `xltlib.tasks` on the encoder's states.
    """
    target, options = params.targets[task], params.encoders[encoder]
    frozen = target.optimisation.frozen_layers
    device = params.compute.device
    if is_qa(params, task):
        model = load_pretrained(AutoModelForQuestionAnswering, folder, options, tokenizer, frozen)
        on_device(model, device)
        require_positions(model, params.span_qa.max_length, "span_qa.max_length")

        def windows(rows: Dataset) -> list[Row]:
            features = featurize(
                tokenizer, list(rows["question"]), list(rows["context"]), params.span_qa
            )
            return training_rows(features, list(rows["answers"]))

        def f1(model: nn.Module, dev: Dataset) -> float:
            assert isinstance(model, PreTrainedModel)
            predictor = SpanPredictor(model, tokenizer, params.span_qa)
            return 100 * float(np.mean(answer(predictor, target.data.corpus, dev)["f1"]))

        return Learner(
            model,
            base_encoder(model),
            windows,
            lambda rows: pad_spans(tokenizer, rows),
            f1,
            model.save_pretrained,
            span_loss,
        )
    kind = data.kind_of(params, target.data, target.max_length)
    pretrained = load_pretrained(AutoModel, folder, options, tokenizer, frozen)
    require_positions(pretrained, target.max_length, f"targets.{task}.max_length")
    headed = on_device(MultiTaskModel(pretrained, {task: kind}), device)

    def score(model: nn.Module, dev: Dataset) -> float:
        assert isinstance(model, MultiTaskModel)
        return model.score(task, tokenizer, dev)[kind.metric]

    return Learner(
        headed,
        headed.encoder,
        lambda rows: kind.rows(tokenizer, rows),
        lambda rows: {"task": task} | kind.collate(tokenizer, rows),
        score,
        headed.save,
    )


def run(cell: ModelCell, *, progress: bool = True) -> dict[str, Any]:
    """Fine-tune and save the model; a finished cell is read back."""
    return work.once(cell, lambda: _run(cell, progress))


def _run(cell: ModelCell, progress: bool) -> None:
    started, params, target = time.time(), cell.params, cell.params.targets[cell.task]
    use_threads(params.compute.threads)
    set_seed(cell.seed)
    folder, optimisation = starting_encoder(cell), target.optimisation
    tokenizer = open_tokenizer(folder)
    learns = learner(params, cell.task, folder, cell.encoder, tokenizer)
    examples, method = training_data(params, cell.task), params.methods.get(cell.method)
    numbered = copies(examples, method, tokenizer, learns.encoder, cell.seed)
    batching = Batching(optimisation.batch_size, optimisation.batch_tokens)

    # Steps are counted on the original data, so a step-matched method takes as many as standard.
    standard = learns.rows(examples)

    @cache
    def rows_of(copy: int) -> list[Row]:
        read = numbered(copy)
        return standard if read is examples else learns.rows(read)

    n_copies, epochs = 1, target.epochs
    if isinstance(method, DataAugmentationSettings):
        n_copies = method.copies
        if not method.matched:
            epochs = n_copies * (method.epochs or target.epochs)
    steps = n_batches(lengths(standard), epochs, batching, cell.seed)
    order = copies_plan(lambda copy: lengths(rows_of(copy)), n_copies, steps, batching, cell.seed)
    batches = [[rows_of(copy)[i] for i in batch] for copy, batch in order]
    used = choose(optimisation.precision, params.compute.device)
    shapes = [batch_shape(batch) for batch in batches]
    batch_size = f"targets.{cell.task}.optimisation.batch_size"
    lower = f"{batch_size} and raise gradient_accumulation by the same factor"
    require_memory(params.compute, training_mib(learns.model, used, shapes), lower)
    score = _dev_score(cell, learns)
    log = train(
        learns.model,
        batches,
        learns.collate,
        optimisation,
        seed=cell.seed,
        checkpoints=cell.work("checkpoints"),
        device=params.compute.device,
        loss=learns.loss,
        robust=robust_training(method, tokenizer),
        dev_score=score,
        progress=progress,
    )
    dev = {} if score is None else {"dev": score(learns.model)}
    learns.save(cell.path("model"))
    tokenizer.save_pretrained(cell.path("model"))
    work.finish(
        cell,
        log.as_metrics() | {"examples": len(examples), "rows": len(standard)} | dev,
        started=started,
        numerics=log.numerics,
    )


def _dev_score(cell: ModelCell, learns: Learner) -> Callable[[nn.Module], float] | None:
    """The score on the training data's dev split, if it names one."""
    used = cell.params.targets[cell.task].data
    if used.dev_split is None:
        return None
    dev = data.load(cell.params, used.corpus, used.dev_split, used.languages[0])
    return lambda model: learns.dev_score(model, dev)


def settings_table(cell: ModelCell) -> pd.DataFrame:
    """The recipe: data, windows, optimisation, and the method's settings."""
    params, target = cell.params, cell.params.targets[cell.task]
    limits = (
        params.span_qa.model_dump()
        if is_qa(params, cell.task)
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


def findings(cell: ModelCell) -> Markdown:
    """How training went."""
    return saved.found(cell, cell_findings.of_training(cell.metrics()))


def loss_figure(cell: ModelCell) -> Image:
    """Training loss by optimiser step."""
    losses = cell.metrics()["losses"]
    return saved.drawn(figures.training_loss(losses, f"Target training, {cell.key}"))
