"""Stage 02: give the encoder its intermediate training, on the arm's languages."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from IPython.display import Image
from transformers import AutoModel, AutoTokenizer, set_seed

from xltlib import corpora
from xltlib.analysis import figures
from xltlib.artifacts import InputError
from xltlib.params import IntermediateArm, Params, TaskData
from xltlib.study import data
from xltlib.study.corpora import encoder_folder
from xltlib.study.grid import Cell
from xltlib.tasks.classification import SequenceClassification
from xltlib.tasks.tagging import Tagging
from xltlib.training import plan
from xltlib.training.multitask import MultiTaskModel, TaskKind, load_pretrained
from xltlib.training.run import train, use_threads


def task_kind(params: Params, task: TaskData) -> TaskKind:
    """The task kind of a corpus, with its labels."""
    kind = corpora.task_kind(task.corpus)
    if kind == "nli":
        return SequenceClassification()
    if kind == "tagging":
        return Tagging(corpora.tag_set(task.corpus, params.corpora[task.corpus]))
    raise InputError(
        f"intermediate: corpus {task.corpus} is of kind {kind}; intermediate tasks are nli, tagging"
    )


def arm_draws(params: Params, arm: str, seed: int) -> dict[str, list[plan.Draw]]:
    """The examples of one arm: for each task the budget's items, each in one language.

    Items come from those that exist in the languages of all arms, so that arms differ in the
    languages alone.
    """
    settings = params.intermediate
    draws = {}
    for name, task in settings.arms[arm].tasks.items():
        used = {
            (other.tasks[name].corpus, other.tasks[name].split, language)
            for other in settings.arms.values()
            if name in other.tasks
            for language in other.tasks[name].languages
        }
        ids = {
            language: list(data.load(params, corpus, split, language)["id"])
            for corpus, split, language in sorted(used)
        }
        draws[name] = plan.draw_items(name, ids, task.languages, settings.examples[name], seed)
    return draws


def budget_table(cell: Cell) -> pd.DataFrame:
    """Tasks, examples and steps of every arm at this seed: equal but for the languages."""
    frames = []
    for arm in cell.params.intermediate.arms:
        draws = arm_draws(cell.params, arm, cell.seed)
        table = plan.mixture_table(draws, cell.params.intermediate.optimisation.batch_size)
        frames.append(table.assign(arm=arm))
    return pd.concat(frames, ignore_index=True)[
        ["arm", "task", "language", "examples", "task_steps"]
    ]


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Train the arm's encoder and save it; a finished cell is read back."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, params = time.time(), cell.params
    settings, arm = params.intermediate, params.intermediate.arms[cell.arm]
    if not arm.tasks:
        cell.finish({"steps": 0, "examples": {}, "losses": [], "dev": {}}, started=started)
        return
    use_threads(params.compute.threads)
    set_seed(cell.seed)
    folder, options = encoder_folder(cell), params.encoders[cell.encoder]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    kinds = {name: task_kind(params, task) for name, task in arm.tasks.items()}
    model = MultiTaskModel(load_pretrained(AutoModel, folder, options), kinds)
    model.to(params.compute.device)
    draws = arm_draws(params, cell.arm, cell.seed)
    rows = {
        name: _rows(params, arm, name, kind, tokenizer, draws[name]) for name, kind in kinds.items()
    }
    batches = [
        (task, [rows[task][i] for i in chosen])
        for task, chosen in plan.mixed_plan(draws, settings.optimisation.batch_size, cell.seed)
    ]
    log = train(
        model,
        batches,
        lambda batch: {"task": batch[0]} | kinds[batch[0]].collate(tokenizer, batch[1]),
        settings.optimisation,
        seed=cell.seed,
        checkpoints=cell.path("checkpoints"),
        device=params.compute.device,
        progress=progress,
    )
    model.encoder.save_pretrained(cell.path("encoder"))
    tokenizer.save_pretrained(cell.path("encoder"))
    dev = {
        name: {
            language: model.evaluate(
                name,
                kind,
                tokenizer,
                data.load(params, arm.tasks[name].corpus, arm.tasks[name].dev_split, language),
                settings.max_length,
            )
            for language in arm.tasks[name].languages
        }
        for name, kind in kinds.items()
        if arm.tasks[name].dev_split is not None
    }
    cell.finish(
        {
            "steps": log.steps,
            "examples": {name: len(items) for name, items in draws.items()},
            "losses": log.losses,
            "dev": dev,
        },
        started=started,
    )


def _rows(
    params: Params,
    arm: IntermediateArm,
    name: str,
    kind: TaskKind,
    tokenizer: Any,
    draws: list[plan.Draw],
) -> list[dict[str, Any]]:
    """The drawn examples as features, in the order of the draws."""
    task, rows = arm.tasks[name], {}
    for language in task.languages:
        dataset = data.load(params, task.corpus, task.split, language)
        place = {item: i for i, item in enumerate(dataset["id"])}
        wanted = [draw.item for draw in draws if draw.language == language]
        chosen = dataset.select([place[item] for item in wanted])
        coded = kind.rows(tokenizer, chosen, params.intermediate.max_length)
        rows |= {(language, item): row for item, row in zip(wanted, coded, strict=True)}
    return [rows[draw.language, draw.item] for draw in draws]


def dev_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a task, language and metric, in points (0-100)."""
    return pd.DataFrame(
        [
            {"task": task, "language": language, "metric": metric, "points": value}
            for task, languages in metrics["dev"].items()
            for language, scores in languages.items()
            for metric, value in scores.items()
        ],
        columns=["task", "language", "metric", "points"],
    ).round(1)


def budgets_equal(cell: Cell) -> dict[str, bool]:
    """Whether all arms that train have equal numbers of examples and steps for each task."""
    totals = (
        budget_table(cell)
        .groupby(["task", "arm"])
        .agg(examples=("examples", "sum"), steps=("task_steps", "first"))
    )
    return {
        task: len({tuple(row) for row in arms.to_numpy()}) == 1
        for task, arms in totals.groupby(level="task")
    }


def loss_figure(cell: Cell) -> Image:
    """Training loss by optimiser step."""
    figure = figures.training_loss(cell.metrics()["losses"], f"Intermediate training, {cell.key}")
    return Image(figures.png(figure, dpi=100))
