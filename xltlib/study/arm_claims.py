"""The claims about arms and distractors: what they rest on, and the verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xltlib.analysis import estimates, recipe
from xltlib.analysis.robustness import MEASURES
from xltlib.analysis.verdict import Lack, Verdict, judge
from xltlib.params import STANDARD, Params
from xltlib.params.attacks import ENSEMBLE
from xltlib.params.claims import ArmsEstimate
from xltlib.study import data, planned
from xltlib.study.cell import EncoderCell


def verdicts_of(
    cell: EncoderCell, clean: pd.DataFrame, static: pd.DataFrame, adaptive: pd.DataFrame
) -> list[Verdict]:
    """The claims about arms and distractors."""
    params, verdicts = cell.params, []
    settings = params.analysis
    smallest = settings.smallest_effects.model_dump()
    both = [
        name for name, attack in params.attacks.items() if planned.offers_english(attack.recipe)
    ]
    single = adaptive[adaptive["attack"] != ENSEMBLE]
    unlearnt = _unlearnt(cell, clean)
    for name, claim in params.claims_of("arms", "distractor language").items():
        left_out: list[str] = []
        lacks: list[Lack] = []
        if isinstance(claim.estimate, ArmsEstimate):
            measure = MEASURES[claim.estimate.metric]
            unit, matters = measure.words, smallest[measure.unit]
            lacks = list(
                dict.fromkeys(
                    lack for arm in claim.estimate.contrast for lack in unlearnt.get(arm, [])
                )
            )
            tested = static if claim.estimate.conditions == "static" else single
            compared = estimates.of_arms(
                claim.estimate, clean, tested, seen=seen_by_model(cell, clean), level=settings.level
            )
            found, left_out = compared.intervals, compared.left_out
            if compared.undefined:
                lacks.append(Lack("undefined", compared.undefined))
        else:
            unit, matters = "points of the share of questions", smallest["share"]
            found = estimates.of_distractors(single, both, level=settings.level)
        options = {"unit": unit, "smallest": matters, "left_out": left_out, "lacks": lacks}
        verdicts.append(judge(name, claim, found, synthetic=params.synthetic, **options))
    return verdicts


def seen_by_model(cell: EncoderCell, clean: pd.DataFrame) -> dict[str, set[str]]:
    """The languages of each model's intermediate training, by the model's name."""
    return {name: cell.params.seen_by(name.split(" ")[0]) for name in clean["arm"].unique()}


def untrained_arm(params: Params) -> str:
    """The arm that skips intermediate training; empty if every arm trains."""
    arms = params.intermediate.arms
    return next((name for name, arm in arms.items() if not arm.tasks), "")


def _unlearnt(cell: EncoderCell, clean: pd.DataFrame) -> dict[str, list[Lack]]:
    """The arms whose intermediate training did not work, or was not checked, and why."""
    params = cell.params
    limit = params.analysis.largest_english_loss
    arms = {arm for arm, one in params.intermediate.arms.items() if one.tasks} & set(clean["arm"])
    losses: dict[str, float] = {}
    for task in sorted({source.task for source in cell.of("evaluation")}):
        corpus = params.targets[task].data.corpus
        for arm, loss in recipe.english_losses(clean, corpus, untrained_arm(params)).items():
            losses[arm] = max(loss, losses.get(arm, loss))
    found = {arm: _at_chance(cell, arm) for arm in arms}
    for arm in arms:
        if arm not in losses:
            found[arm].append(Lack("unchecked"))
        elif losses[arm] > limit:
            found[arm].append(Lack("training", (arm, losses[arm]), limit))
    return found


def _at_chance(cell: EncoderCell, arm: str) -> list[Lack]:
    """The intermediate tasks whose dev score (mean over languages and seeds) is no better than
    always choosing the most frequent label."""
    params, scores = cell.params, {}
    chance: dict[str, float] = {}
    for source in cell.of("evaluation"):
        if source.arm == arm and source.method == STANDARD:
            trained = source.reads("target").reads("intermediate")
            scores[trained.key] = trained.metrics()["dev"]
            chance |= trained.metrics().get("chance", {})
    found = []
    for task, used in params.intermediate.arms[arm].tasks.items():
        kind = data.kind_of(params, used, params.intermediate.max_length)
        points = [
            of_language[kind.metric]
            for dev in scores.values()
            for of_language in dev.get(task, {}).values()
        ]
        least = chance.get(task, 0.0)
        if points and np.mean(points) <= least:
            found.append(Lack("chance", (arm, task, float(np.mean(points))), least))
    return found
