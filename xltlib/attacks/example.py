"""One example under attack, and the record of what came of it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from textattack.goal_function_results.goal_function_result import GoalFunctionResultStatus
from textattack.shared import AttackedText

from xltlib.attacks.embedding import ascend
from xltlib.attacks.goal import (
    Output,
    Query,
    Scorer,
    SpanGoal,
    SpanQAVictim,
    TargetedSpan,
    UntargetedSpanF1,
    example,
)
from xltlib.attacks.recipes import RECIPES, seed_of
from xltlib.attacks.resources import Resources, Row
from xltlib.evaluation import squad
from xltlib.languages import words
from xltlib.params import EmbeddingSettings, RecipeSettings

_OUTCOMES = {
    GoalFunctionResultStatus.SUCCEEDED: "succeeded",
    GoalFunctionResultStatus.SKIPPED: "skipped",
}


def attack_example(
    row: Row,
    scorer: Scorer,
    settings: RecipeSettings,
    resources: Resources,
    *,
    guided: bool = False,
    partial: bool = False,
) -> dict[str, Any]:
    """Attack one example; `guided` and `partial` are `SpanQAVictim`'s.

    Returns:
        `outcome` is succeeded, failed, or skipped: the clean answer was already what the attack
        wants, or a targeted attack has no target. Predictions and F1 (in [0, 1]) before and after;
        `probability` is the gold answer's, or the target's; `edits` are the places where the texts
        differ; `unconfirmed` counts texts that only the fast model found broken, and `missed` says
        that float32 finds the last text broken and the fast model did not.
    """
    number = int.from_bytes(hashlib.sha256(seed_of(row, settings).encode()).digest()[:4], "big")
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
    if settings.goal == "targeted":
        row = row | {"target": resources.target(settings, row)}
    goal = _goal(settings, SpanQAVictim(scorer, guided=guided, partial=partial))
    if settings.goal == "targeted" and not row["target"]:
        clean = scorer([Query(row["question"], row["context"], (), reading="exact")])[0]
        return _record(row, row["context"], clean, clean, 1, "skipped", goal)
    if isinstance(settings, EmbeddingSettings):
        return _embedding(row, goal, settings, resources)
    attack = RECIPES[settings.kind](goal, row, settings, resources)
    result = attack.attack(*example(row))
    before, after = result.original_result, result.perturbed_result
    outcome, last, missed = _OUTCOMES.get(after.goal_status, "failed"), after.raw_output, False
    if guided and outcome == "failed":
        last = scorer([replace(goal.query(after.attacked_text), reading="exact")])[0]
        missed = goal.reached(last)
        outcome = "succeeded" if missed else outcome
    context = after.attacked_text.tokenizer_input[1]
    queries = int(after.num_queries)
    return _record(row, context, before.raw_output, last, queries, outcome, goal, missed=missed)


def _goal(settings: RecipeSettings, victim: SpanQAVictim) -> SpanGoal:
    options = {"query_budget": settings.max_queries}
    if settings.goal == "targeted":
        return TargetedSpan(victim, **options)
    return UntargetedSpanF1(victim, f1_threshold=settings.f1_threshold, **options)


def _embedding(
    row: Row, goal: SpanGoal, settings: EmbeddingSettings, resources: Resources
) -> dict[str, Any]:
    """The white-box attack on embeddings, with the same record; it changes no text."""
    columns, truth = example(row)
    first, _ = goal.init_attack_example(AttackedText(columns), truth)
    clean, context = first.raw_output, row["context"]
    if first.goal_status == GoalFunctionResultStatus.SKIPPED:
        return _record(row, context, clean, clean, 1, "skipped", goal)
    found = ascend(
        resources.white_box,
        row["question"],
        context,
        goal.wanted_spans(context),
        row["answers"]["text"],
        radius=settings.radius,
        step_size=settings.step_size,
        steps=settings.steps,
        toward=settings.goal == "targeted",
    )
    last = Output(found.answer, found.probability)
    outcome = "succeeded" if goal.reached(last) else "failed"
    record = _record(row, context, clean, last, 1 + found.queries, outcome, goal)
    return record | {"perturbation_norm": found.norm}


def _record(
    row: Row,
    attacked: str,
    before: Output,
    after: Output,
    queries: int,
    outcome: str,
    goal: SpanGoal,
    *,
    missed: bool = False,
) -> dict[str, Any]:
    golds, changes = row["answers"]["text"], edits(row["context"], attacked)
    return {
        "id": row["id"],
        "language": row["language"],
        "question": row["question"],
        "context": row["context"],
        "attacked_context": attacked,
        "answers": row["answers"],
        "target": row.get("target"),
        "original_prediction": before.answer,
        "attacked_prediction": after.answer,
        "original_f1": squad.f1(before.answer, golds),
        "attacked_f1": squad.f1(after.answer, golds),
        "original_probability": before.probability,
        "attacked_probability": after.probability,
        "edits": changes,
        "n_edited_words": len(changes),
        "n_words": len(words(row["context"])),
        "queries": queries,
        "unconfirmed": goal.unconfirmed,
        "missed": bool(missed),
        "outcome": outcome,
    }


def edits(original: str, attacked: str) -> list[dict[str, Any]]:
    """Where two texts differ: what stood there, what does now, and its offset in the original.

    Texts with the same number of words are compared word by word; of others, one edit covers all
    that differs, as when a sentence was put in.
    """
    old, new = words(original), words(attacked)
    if len(old) == len(new):
        return [
            {"old": original[a:b], "new": attacked[c:d], "start": a}
            for (a, b), (c, d) in zip(old, new, strict=True)
            if original[a:b] != attacked[c:d]
        ]
    shorter = min(len(original), len(attacked))
    start = next((i for i in range(shorter) if original[i] != attacked[i]), shorter)
    # What was put in may begin as what follows it does: never cut a word of the old text for that.
    start = next((a for a, b in old if a < start < b), start)
    end = 0
    while (
        end < shorter - start
        and original[len(original) - 1 - end] == attacked[len(attacked) - 1 - end]
    ):
        end += 1
    return [
        {
            "old": original[start : len(original) - end],
            "new": attacked[start : len(attacked) - end],
            "start": start,
        }
    ]
