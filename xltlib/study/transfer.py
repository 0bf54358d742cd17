"""Stage 07: generalised cross-lingual transfer, and what robust training gains there and costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import torch
from IPython.display import display
from transformers import set_seed

from xltlib.analysis.estimates import of_distance, of_methods
from xltlib.analysis.generalised import mean_table, pair_table, with_languages
from xltlib.analysis.verdict import Lack, Verdict, judge
from xltlib.encoders.opening import open_tokenizer
from xltlib.params import STANDARD
from xltlib.params.claims import DistanceEstimate, MethodsEstimate
from xltlib.reporting import heat_maps
from xltlib.reporting.answers import kinds, record
from xltlib.reporting.findings import of_transfer
from xltlib.reporting.shown import ordered
from xltlib.study import data, saved, work
from xltlib.study.cell import EncoderCell
from xltlib.study.models import encoder_folder
from xltlib.study.target import learner, training_data
from xltlib.study.target_tasks import transfer_tasks
from xltlib.tasks.kind import Row, lengths
from xltlib.training.cost import measure
from xltlib.training.plan import Batching, length_batches
from xltlib.training.robust.methods import copies, robust_training
from xltlib.training.run import use_threads

COST_COLUMNS = [
    "task",
    "method",
    "batch",
    "seconds per step",
    "time relative to standard",
    "peak memory (MiB)",
    "memory relative to standard",
    "steps measured",
]


def run(cell: EncoderCell) -> dict[str, Any]:
    """Compute and save tables, figures, claims and the cost table; a finished cell is read back."""
    return work.once(cell, lambda: _run(cell))


def _run(cell: EncoderCell) -> None:
    started, settings = time.time(), cell.params.analysis
    answers = _answers(cell)
    made = {
        "pairs": pair_table(answers),
        "means": mean_table(answers, level=settings.level, p_values=not cell.params.synthetic),
        "cost": ordered(
            cell.measured("cost", _measured_on(cell), lambda: cost(cell)),
            COST_COLUMNS,
        ),
    }
    about = saved.provenance(cell)
    drawn = {}
    for task in answers["task"].unique():
        pairs, means = (made[name][made[name]["task"] == task] for name in ("pairs", "means"))
        drawn[f"heat_map_{task}"] = heat_maps.pair_heat_map(pairs, about=about)
        drawn[f"gains_{task}"] = heat_maps.transfer_gains(means, about=about)
    saved.save(cell, made, drawn)
    verdicts = _verdicts(cell, answers)
    metrics = {
        "answers": len(answers),
        "findings": [asdict(sentence) for sentence in of_transfer(made["means"])],
        "claims": [record(verdict) for verdict in verdicts],
    }
    work.finish(cell, metrics, started=started)


def _verdicts(cell: EncoderCell, answers: pd.DataFrame) -> list[Verdict]:
    """The claims about robust training in generalised transfer."""
    params, settings, verdicts = cell.params, cell.params.analysis, []
    smallest = settings.smallest_effects
    for name, claim in params.claims_of("methods", "distance").items():
        if isinstance(claim.estimate, DistanceEstimate):
            found = of_distance(claim.estimate, answers, level=settings.level)
            unit, matters = SLOPE_UNIT, smallest.slope
        elif isinstance(claim.estimate, MethodsEstimate):
            found = of_methods(claim.estimate, answers, level=settings.level)
            unit, matters = POINTS, smallest.accuracy
        else:
            continue
        lacks = _unlearnt(cell, claim.estimate.corpora)
        about: dict[str, Any] = {"unit": unit, "smallest": matters, "lacks": lacks}
        verdicts.append(judge(name, claim, found, synthetic=params.synthetic, **about))
    return verdicts


def _unlearnt(cell: EncoderCell, corpora: Sequence[str]) -> list[Lack]:
    """The corpora in whose English pairs standard training is no better than the commonest
    label."""
    summaries: dict[str, list[dict[str, Any]]] = {corpus: [] for corpus in corpora}
    for source in cell.of("evaluation"):
        for name, summary in source.metrics().items() if source.method == STANDARD else ():
            # Cells of earlier versions do not tell the commonest label.
            checked = ENGLISH in summary["languages"] and "commonest" in summary
            if data.corpus_of(name) in summaries and checked:
                summaries[data.corpus_of(name)].append(summary)
    found = []
    for corpus, of_models in summaries.items():
        scores = [summary["languages"][ENGLISH]["accuracy"] for summary in of_models]
        if scores and np.mean(scores) <= of_models[0]["commonest"]:
            found.append(
                Lack("target training", (corpus, float(np.mean(scores))), of_models[0]["commonest"])
            )
    return found


ENGLISH = "en-en"
"""The pair of languages that is the training data's own."""


POINTS, SLOPE_UNIT = "points of accuracy", "points of accuracy per 0.1 of syntactic distance"


def _answers(cell: EncoderCell) -> pd.DataFrame:
    """Every answer of this encoder's models to a generalised test set, with the model's factors."""
    frames = []
    for source in cell.of("evaluation"):
        frame = pd.read_parquet(source.artefact("scores.parquet")).assign(**source.factors)
        frames.append(with_languages(frame))
    return pd.concat(frames, ignore_index=True)


def _measured_on(cell: EncoderCell) -> dict[str, Any]:
    """What the cost of a step depends on: the encoder, the data, and the methods."""
    used = cell.inputs.used
    beside = {"profile", "synthetic", "analysis", "claims"}
    settings = {k: v for k, v in used.items() if k not in beside and not k.startswith("claim ")}
    return {"settings": settings, "content": cell.inputs.content}


def cost(cell: EncoderCell) -> list[dict[str, Any]]:
    """The cost of a step of each method, measured now, in one process, on the first task."""
    params = cell.params
    task = transfer_tasks(params)[0]
    optimisation = params.targets[task].optimisation
    use_threads(params.compute.threads)
    set_seed(params.seeds[0])
    folder = encoder_folder(cell)
    tokenizer = open_tokenizer(folder)
    learns = learner(params, task, folder, cell.encoder, tokenizer)
    examples = training_data(params, task)
    batches, robust = {}, {}
    for name in (STANDARD, *params.methods):
        method = params.methods.get(name)
        copy = copies(examples, method, tokenizer, learns.encoder, params.seeds[0])(0)
        batches[name] = [
            _on_device(learns.collate(rows), params.compute.device)
            for rows in _long_to_short(
                learns.rows(copy), params.cost.rounds + 1, optimisation.batch_size, params.seeds[0]
            )
        ]
        robust[name] = robust_training(method, tokenizer)
    frame = measure(
        learns.model,
        batches,
        robust,
        precision=optimisation.precision,
        rounds=params.cost.rounds,
        loss=learns.loss,
        dropout=optimisation.dropout,
    )
    return frame.assign(task=task, batch=optimisation.batch_size).to_dict("records")


def _long_to_short(rows: Sequence[Row], count: int, size: int, seed: int) -> list[list[Row]]:
    """Batches of an epoch as in training, sampled evenly over the range of their lengths.

    Each round thus compares batches at the same place in each method's own range. RS-DA's texts are
    longer, and its batches group rows differently.
    """
    tokens = lengths(rows)
    epoch = length_batches(tokens, Batching(size), np.random.default_rng(seed))
    epoch.sort(key=lambda batch: max(tokens[i] for i in batch), reverse=True)
    places = np.linspace(0, len(epoch) - 1, count).round().astype(int)
    return [[rows[i] for i in epoch[place]] for place in places]


def _on_device(batch: dict[str, Any], device: str) -> dict[str, Any]:
    return {k: v.to(device) if torch.is_tensor(v) else v for k, v in batch.items()}


def show_figures(cell: EncoderCell, name: str) -> None:
    """One saved figure per task."""
    for task in transfer_tasks(cell.params):
        display(saved.figure(cell, f"{name}_{task}"))


def verdicts(metrics: dict[str, Any]) -> dict[str, str]:
    """Each comparison of each claim with its verdict."""
    return kinds(metrics["claims"])
