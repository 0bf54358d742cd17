"""Stage 03: fine-tune the arm's encoder on the English target task."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from datasets import Dataset
from IPython.display import Image
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    set_seed,
)

from xltlib.analysis import figures
from xltlib.params import Params
from xltlib.study import data
from xltlib.study.corpora import encoder_folder
from xltlib.study.grid import Cell
from xltlib.tasks.span_qa import SpanCollator, featurize, training_rows
from xltlib.training.multitask import load_pretrained
from xltlib.training.plan import copies_plan, n_batches
from xltlib.training.robust.adv import Adversarial
from xltlib.training.robust.rs_da import read_neighbours, smoothed
from xltlib.training.robust.rs_rp import RandomPerturbation
from xltlib.training.run import RobustTraining, train, use_threads


def training_data(params: Params) -> Dataset:
    """The English training questions, the same for every arm."""
    target = params.target.data
    (language,) = target.languages
    rows = data.load(params, target.corpus, target.split, language)
    limit = params.target.max_examples
    return rows if limit is None else rows.select(range(min(limit, len(rows))))


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Fine-tune and save the model; a finished cell is read back."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, params = time.time(), cell.params
    use_threads(params.compute.threads)
    set_seed(cell.seed)
    before = cell.reads("intermediate")
    trained = before.metrics()["steps"] > 0
    folder = before.path("encoder") if trained else encoder_folder(cell)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = load_pretrained(
        AutoModelForQuestionAnswering, folder, params.encoders[cell.encoder]
    ).to(params.compute.device)
    optimisation, questions = params.target.optimisation, training_data(params)
    standard = _windows(tokenizer, questions, params)
    steps = n_batches(len(standard), params.target.epochs, optimisation.batch_size)
    copies = [standard]
    if cell.method == "rs-da":
        settings = params.robust.rs_da
        neighbours = read_neighbours(settings.neighbours)
        copies = [
            _windows(tokenizer, smoothed(questions, neighbours, cell.seed, copy), params)
            for copy in range(settings.copies)
        ]
        steps *= 1 if settings.matched else settings.copies
    order = copies_plan(
        [[len(row["input_ids"]) for row in rows] for rows in copies],
        steps,
        optimisation.batch_size,
        cell.seed,
    )
    log = train(
        model,
        [[copies[copy][i] for i in batch] for copy, batch in order],
        SpanCollator(tokenizer),
        optimisation,
        seed=cell.seed,
        checkpoints=cell.path("checkpoints"),
        device=params.compute.device,
        robust=_robust(cell, tokenizer.all_special_ids),
        progress=progress,
    )
    model.save_pretrained(cell.path("model"))
    tokenizer.save_pretrained(cell.path("model"))
    metrics = {
        "questions": len(questions),
        "windows": len(standard),
        "steps": log.steps,
        "losses": log.losses,
    }
    cell.finish(metrics, started=started)


def _windows(
    tokenizer: PreTrainedTokenizerBase, questions: Dataset, params: Params
) -> list[dict[str, Any]]:
    """Labelled windows of a set of questions."""
    features = featurize(
        tokenizer, list(questions["question"]), list(questions["context"]), params.span_qa
    )
    return training_rows(features, list(questions["answers"]))


def _robust(cell: Cell, special_ids: list[int]) -> RobustTraining | None:
    """The cell's method where it perturbs embeddings; RS-DA changes the data instead."""
    settings = cell.params.robust.of(cell.method)
    if cell.method == "adv":
        method = Adversarial(settings.radius, settings.step_size, settings.steps)
    elif cell.method == "rs-rp":
        method = RandomPerturbation(settings.radius, settings.draws)
    else:
        return None
    return RobustTraining(method, special_ids)


def settings_table(cell: Cell) -> pd.DataFrame:
    """The recipe: data, windows and optimisation."""
    params = cell.params
    settings = (
        {"training data": f"{params.target.data.corpus} {params.target.data.split}, English"}
        | {"epochs": params.target.epochs}
        | params.span_qa.model_dump()
        | params.target.optimisation.model_dump()
        | {"method": cell.method}
        | (robust.model_dump() if (robust := params.robust.of(cell.method)) else {})
    )
    return pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())})


def loss_figure(cell: Cell) -> Image:
    """Training loss by optimiser step."""
    figure = figures.training_loss(cell.metrics()["losses"], f"Target training, {cell.key}")
    return Image(figures.png(figure, dpi=100))
