"""Stage 02: intermediate training of the encoder, in the arm's languages."""

from __future__ import annotations

import time
from functools import cache
from statistics import mean
from typing import Any

import pandas as pd
from datasets import Dataset
from IPython.display import Image, Markdown
from torch import nn
from transformers import AutoModel, set_seed

from xltlib.encoders.footprint import require_memory
from xltlib.encoders.opening import open_tokenizer, require_positions
from xltlib.evaluation.labelled import most_frequent_score
from xltlib.params import DataAugmentationSettings, Params, TaskData
from xltlib.reporting import cell_findings, figures
from xltlib.study import data, saved, work
from xltlib.study.cell import ArmCell
from xltlib.study.models import encoder_folder
from xltlib.study.splits import dev_languages
from xltlib.tasks.kind import Row
from xltlib.training import plan
from xltlib.training.memory import batch_shape, training_mib
from xltlib.training.multitask import MultiTaskModel, load_pretrained
from xltlib.training.numerics import choose
from xltlib.training.robust.methods import copies, robust_training
from xltlib.training.run import TrainingLog, train, use_threads


def arm_draws(params: Params, arm: str, seed: int) -> dict[str, list[plan.Draw]]:
    """The examples of one arm: the budget's items for each task, each item in one language.

    Items are drawn from those that exist in all languages of the budget's arms, so that these arms
    differ only in language.
    """
    budget, peers = params.intermediate.budget(arm), params.intermediate.peers(arm)
    draws = {}
    for name, task in peers[arm].tasks.items():
        used = {
            (other.tasks[name].corpus, other.tasks[name].split, language)
            for other in peers.values()
            if name in other.tasks
            for language in other.tasks[name].languages
        }
        ids = {
            language: data.trainable_ids(params, corpus, split, language)
            for corpus, split, language in sorted(used)
        }
        draws[name] = plan.draw_items(
            name, ids, task.languages, budget.examples[name], seed, budget.temperature
        )
    return draws


def budget_table(cell: ArmCell) -> pd.DataFrame:
    """Tasks, examples and steps of the arms that share this arm's budget, at this seed.

    Only the languages differ.
    """
    frames, budget = [], cell.params.intermediate.budget(cell.arm)
    for arm in cell.params.intermediate.peers(cell.arm):
        draws = arm_draws(cell.params, arm, cell.seed)
        table = plan.mixture_table(draws, budget.optimisation.batch_size, budget.epochs)
        frames.append(table.assign(arm=arm))
    return pd.concat(frames, ignore_index=True)[
        ["arm", "task", "language", "examples", "task_steps"]
    ]


def settings_table(cell: ArmCell) -> pd.DataFrame:
    """The recipe of the cell's arm. All arms of a budget share it, except for the method."""
    params = cell.params
    arm, budget = params.intermediate.arms[cell.arm], params.intermediate.budget(cell.arm)
    method = params.methods.get(arm.method)
    settings = (
        budget.model_dump(exclude={"arms", "budgets", "optimisation"})
        | budget.optimisation.model_dump()
        | {"method": arm.method}
        | (method.model_dump() if method else {})
    )
    return pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())})


def run(cell: ArmCell, *, progress: bool = True) -> dict[str, Any]:
    """Train the arm's encoder and save it; a finished cell is read back."""
    return work.once(cell, lambda: _run(cell, progress))


def _run(cell: ArmCell, progress: bool) -> None:
    started, params = time.time(), cell.params
    settings, arm = params.intermediate.budget(cell.arm), params.intermediate.arms[cell.arm]
    if not arm.tasks:
        nothing = TrainingLog(steps=0, losses=[], dev_scores=[], best_step=None, numerics={})
        work.finish(
            cell, nothing.as_metrics() | {"examples": {}, "dev": {}, "chance": {}}, started=started
        )
        return
    use_threads(params.compute.threads)
    set_seed(cell.seed)
    folder, options = encoder_folder(cell), params.encoders[cell.encoder]
    method = params.methods.get(arm.method)
    tokenizer = open_tokenizer(folder)
    kinds = {
        name: data.kind_of(params, task, settings.max_length) for name, task in arm.tasks.items()
    }
    frozen = settings.optimisation.frozen_layers
    encoder = load_pretrained(AutoModel, folder, options, tokenizer, frozen)
    require_positions(encoder, settings.max_length, "intermediate.max_length")
    model = MultiTaskModel(encoder, kinds)
    model.to(params.compute.device)
    draws = arm_draws(params, cell.arm, cell.seed)
    numbered = {
        name: copies(
            _drawn(params, arm.tasks[name], draws[name]),
            method,
            tokenizer,
            model.encoder,
            cell.seed,
        )
        for name in kinds
    }

    @cache
    def rows_of(task: str, copy: int) -> list[Row]:
        return kinds[task].rows(tokenizer, numbered[task](copy))

    # Each pass reads a different copy, as long as there are enough.
    n_copies = method.copies if isinstance(method, DataAugmentationSettings) else 1
    batches = [
        (batch.task, [rows_of(batch.task, batch.number % n_copies)[i] for i in batch.draws])
        for batch in plan.task_plan(
            settings.examples,
            settings.optimisation.batch_size,
            cell.seed,
            settings.schedule,
            settings.epochs,
        )
    ]
    used = choose(settings.optimisation.precision, params.compute.device)
    shapes = [batch_shape(rows) for _, rows in batches]
    batch_size = "intermediate.optimisation.batch_size"
    lower = f"{batch_size} and raise gradient_accumulation by the same factor"
    require_memory(params.compute, training_mib(model, used, shapes), lower)
    dev = {
        name: {
            language: data.load(params, task.corpus, task.dev_split, language)
            for language in dev_languages(params, task)
        }
        for name, task in arm.tasks.items()
        if task.dev_split is not None
    }

    def dev_score(model: nn.Module) -> float:
        """Mean over the tasks of the main metric on English dev."""
        assert isinstance(model, MultiTaskModel)
        return mean(
            model.score(name, tokenizer, sets["en"])[kinds[name].metric]
            for name, sets in dev.items()
        )

    log = train(
        model,
        batches,
        lambda batch: {"task": batch[0]} | kinds[batch[0]].collate(tokenizer, batch[1]),
        settings.optimisation,
        seed=cell.seed,
        checkpoints=cell.work("checkpoints"),
        device=params.compute.device,
        robust=robust_training(method, tokenizer),
        dev_score=dev_score if len(dev) == len(kinds) else None,
        progress=progress,
    )
    model.encoder.save_pretrained(cell.path("encoder"))
    tokenizer.save_pretrained(cell.path("encoder"))
    scores = {
        name: {code: model.score(name, tokenizer, rows) for code, rows in sets.items()}
        for name, sets in dev.items()
    }
    # What a model that has learnt nothing would score.
    chance = {
        name: mean(most_frequent_score(kinds[name], rows) for rows in sets.values())
        for name, sets in dev.items()
    }
    examples = {name: len(items) for name, items in draws.items()}
    metrics = log.as_metrics() | {"examples": examples, "dev": scores, "chance": chance}
    work.finish(cell, metrics, started=started, numerics=log.numerics)


def _drawn(params: Params, task: TaskData, draws: list[plan.Draw]) -> Dataset:
    """The drawn examples, in the order of the draws."""
    sets = {
        language: data.load(params, task.corpus, task.split, language)
        for language in task.languages
    }
    places = {
        (language, item): i for language, rows in sets.items() for i, item in enumerate(rows["id"])
    }
    return Dataset.from_list(
        [sets[draw.language][places[draw.language, draw.item]] for draw in draws],
        features=sets[task.languages[0]].features,
    )


def dev_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per task, language and metric, in points (0-100)."""
    return pd.DataFrame(
        [
            {"task": task, "language": language, "metric": metric, "points": value}
            for task, languages in metrics["dev"].items()
            for language, scores in languages.items()
            for metric, value in scores.items()
        ],
        columns=["task", "language", "metric", "points"],
    ).round(1)


def budgets_equal(cell: ArmCell) -> dict[str, bool]:
    """Whether all arms that train have the same number of examples and steps for each task."""
    totals = (
        budget_table(cell)
        .groupby(["task", "arm"])
        .agg(examples=("examples", "sum"), steps=("task_steps", "first"))
    )
    return {
        task: len({tuple(row) for row in arms.to_numpy()}) == 1
        for task, arms in totals.groupby(level="task")
    }


def findings(cell: ArmCell) -> Markdown:
    """How training went, and the dev scores."""
    metrics = cell.metrics()
    said = [*cell_findings.of_training(metrics), *cell_findings.of_dev(metrics["dev"])]
    return saved.found(cell, said)


def loss_figure(cell: ArmCell) -> Image:
    """Training loss by optimiser step."""
    losses = cell.metrics()["losses"]
    return saved.drawn(figures.training_loss(losses, f"Intermediate training, {cell.key}"))
