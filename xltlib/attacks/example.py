"""One example under attack, and the record of the outcome."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from textattack import Attack
from textattack.attack_results import AttackResult
from textattack.goal_function_results.goal_function_result import GoalFunctionResultStatus

from xltlib.artifacts import InputError
from xltlib.attacks.differences import edits, size
from xltlib.attacks.distractor import distractor_language
from xltlib.attacks.embedding import ascend
from xltlib.attacks.goal import (
    Guide,
    SpanGoal,
    SpanQAVictim,
    TargetedSpan,
    UntargetedSpanF1,
    example,
)
from xltlib.attacks.pair import WrongClass, same_class
from xltlib.attacks.passage import Passage
from xltlib.attacks.query import Output, Query, Scorer, log_odds
from xltlib.attacks.random_state import kept_random_state
from xltlib.attacks.recipes import RECIPES, Build, seed_of
from xltlib.attacks.resources import Resources, Row
from xltlib.evaluation.answer_scoring import f1_in, official
from xltlib.languages import words
from xltlib.params import EmbeddingSettings, RecipeSettings

_OUTCOMES = {
    GoalFunctionResultStatus.SUCCEEDED: "succeeded",
    GoalFunctionResultStatus.SKIPPED: "skipped",
}
OUTCOMES = ("succeeded", "failed", "skipped", "no_candidates", "error")
"""The outcomes of an attack. Only the first two count as attacked."""


def attack_example(
    row: Row,
    scorer: Scorer,
    settings: RecipeSettings,
    resources: Resources,
    *,
    build: Build | None = None,
    guide: Guide = "none",
) -> dict[str, Any]:
    """Attack one example.

    Args:
        build: makes the attack; None for the recipe that the settings belong to.
        guide: answers the queries that do not have to be in float32.

    Returns:
        `outcome` is succeeded; failed; skipped, if the clean answer was already what the attack
        wants or a targeted attack has no target; or no_candidates, if the recipe found nothing to
        try (an attack that ran out of queries before its first text has failed). The record has
        predictions and the corpus's official F1 (in [0, 1]) before and after, and `success_f1`, by
        which success is judged. `probability` is that of the gold answer or the target, and `edits`
        are the places where the texts differ. `queries` is defined in `SpanGoal`; `readings` counts
        every text that the model read. `unconfirmed` counts texts that only the fast model got
        wrong, and `missed` says that float32 gets the last text wrong although the fast model did
        not.
    """
    with _own_random_numbers(seed_of(row, settings)):
        return _attacked(row, scorer, settings, resources, build, guide)


@contextmanager
def _own_random_numbers(seed: str) -> Iterator[None]:
    """Random numbers that depend on the example alone; the caller's generators are restored."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    with kept_random_state():
        random.seed(number)
        np.random.seed(number)
        torch.random.default_generator.manual_seed(number)
        yield


def _attacked(
    row: Row,
    scorer: Scorer,
    settings: RecipeSettings,
    resources: Resources,
    build: Build | None,
    guide: Guide,
) -> dict[str, Any]:
    if settings.goal == "targeted":
        row = row | {"target": resources.falsehoods.target(settings, row)}
    goal = _goal(row, settings, SpanQAVictim(scorer, guide))
    if settings.goal == "targeted" and not row["target"]:
        (clean,) = scorer([Query(row["question"], row["context"], ())])
        goal.num_queries = goal.readings = 1
        return _record(row, row["context"], clean, clean, "skipped", goal)
    if isinstance(settings, EmbeddingSettings):
        return _embedding(row, goal, settings, resources)
    attack = (build or RECIPES[settings.kind])(goal, row, settings, resources)
    if not isinstance(attack, Attack):
        raise InputError(f"a recipe has to return a textattack.Attack, not {type(attack).__name__}")
    result = _result(attack, goal, row)
    before, after = result.original_result, result.perturbed_result
    outcome, last, missed = _OUTCOMES.get(after.goal_status, "failed"), after.raw_output, False
    starved = goal.starved or goal.num_queries >= goal.query_budget
    if outcome == "failed" and not goal.tried and not starved:
        outcome = "no_candidates"
    if guide in ("fast", "partial") and outcome == "failed":
        (last,) = scorer([goal.query(after.attacked_text, "exact")])
        goal.num_queries, goal.readings = goal.num_queries + 1, goal.readings + 1
        missed = goal.reached(last)
        outcome = "succeeded" if missed else outcome
    context = after.attacked_text.tokenizer_input[1]
    record = _record(row, context, before.raw_output, last, outcome, goal, missed=missed)
    return record | {"distractor_language": distractor_language(after.attacked_text)}


def _result(attack: Attack, goal: SpanGoal, row: Row) -> AttackResult:
    """What TextAttack finds for an example.

    Raises:
        InputError: another example, attacked at the same time, has the same search, so that each
            asks about the other's texts.
    """
    try:
        return attack.attack(Passage(row["question"], row["context"]), example(row)[1])
    finally:
        if attack.search_method.goal_function is not goal:
            raise InputError(
                f"recipe: its {type(attack.search_method).__name__} is shared by several examples, "
                "which are attacked at once; make the search inside the recipe, with the recipe's "
                "own goal"
            )


def prepare(row: Row, settings: RecipeSettings, resources: Resources) -> None:
    """Make what the recipe needs for an example, without asking the model anything.

    Raises:
        InputError: the recipe cannot attack the example's language.
    """
    if isinstance(settings, EmbeddingSettings):
        return
    with _own_random_numbers(seed_of(row, settings)):
        if settings.goal == "targeted":
            row = row | {"target": resources.falsehoods.target(settings, row) or ""}
        goal = _goal(row, settings, SpanQAVictim(lambda queries: []))
        RECIPES[settings.kind](goal, row, settings, resources)


def _goal(row: Row, settings: RecipeSettings, victim: SpanQAVictim) -> SpanGoal:
    # A guided search reserves a query for the float32 reading of its last text.
    budget = settings.max_queries - (victim.guide in ("fast", "partial"))
    f1 = f1_in(settings.f1, row["language"], row.get("corpus"))
    if "label" in row:
        wanted = (row["label"], row["answers"]["text"][0])
        return WrongClass(victim, wanted, query_budget=budget, f1=same_class)
    if settings.goal == "targeted":
        return TargetedSpan(victim, query_budget=budget, f1=f1)
    return UntargetedSpanF1(victim, f1_threshold=settings.f1_threshold, query_budget=budget, f1=f1)


def _embedding(
    row: Row, goal: SpanGoal, settings: EmbeddingSettings, resources: Resources
) -> dict[str, Any]:
    """The white-box attack on embeddings, which changes no text, with the same kind of record."""
    _, truth = example(row)
    first, _ = goal.init_attack_example(Passage(row["question"], row["context"]), truth)
    clean, context = first.raw_output, row["context"]
    if first.goal_status == GoalFunctionResultStatus.SKIPPED:
        return _record(row, context, clean, clean, "skipped", goal)
    found = ascend(
        resources.white_box,
        row["question"],
        context,
        goal.wanted_spans(context),
        row["answers"]["text"],
        radius=settings.radius,
        step_size=settings.step_size,
        steps=settings.steps,
        restarts=settings.restarts,
        seed=seed_of(row, settings),
        toward=settings.goal == "targeted",
        max_queries=settings.max_queries - 1,  # one was the clean text
        reached=lambda answer: goal.reached(Output(answer, 0.0)),
    )
    goal.num_queries += found.queries
    goal.readings += found.queries
    last = Output(found.answer, log_odds(found.probability))
    outcome = "succeeded" if goal.reached(last) else "failed" if found.free else "no_candidates"
    record = _record(row, context, clean, last, outcome, goal)
    return record | {"perturbation_norm": found.norm}


def _record(
    row: Row,
    attacked: str,
    before: Output,
    after: Output,
    outcome: str,
    goal: SpanGoal,
    *,
    missed: bool = False,
) -> dict[str, Any]:
    golds, changes = row["answers"]["text"], edits(row["context"], attacked)
    score = same_class if "label" in row else official(row["language"], row.get("corpus"))
    return _named(row) | {
        "id": row["id"],
        "language": row["language"],
        "question": row["question"],
        "context": row["context"],
        "attacked_context": attacked,
        "answers": row["answers"],
        "target": row.get("target"),
        "original_prediction": before.answer,
        "attacked_prediction": after.answer,
        "original_f1": score(before.answer, golds),
        "attacked_f1": score(after.answer, golds),
        "original_success_f1": goal.f1_of(before.answer, golds),
        "attacked_success_f1": goal.f1_of(after.answer, golds),
        "f1_threshold": getattr(goal, "f1_threshold", None),
        "original_probability": before.probability,
        "attacked_probability": after.probability,
        "edits": changes,
        "n_edited_words": sum(map(size, changes)),
        "n_words": len(words(row["context"])),
        "queries": goal.num_queries,
        "readings": goal.readings,
        "unconfirmed": goal.unconfirmed,
        "missed": bool(missed),
        "distractor_language": None,
        "outcome": outcome,
        "error": None,
    }


def _named(row: Row) -> dict[str, Any]:
    """The row's corpus, if it names one: two corpora may share an id."""
    return {"corpus": row["corpus"]} if row.get("corpus") else {}


def failed_with(error: Exception, row: Row) -> dict[str, Any]:
    """The record of an example that raised."""
    golds = {"answers": row["answers"], "target": row.get("target")}
    nothing = dict.fromkeys(("original_prediction", "attacked_prediction"), "")
    unknown = ("f1", "success_f1", "probability")
    scores = {f"{when}_{name}": None for name in unknown for when in ("original", "attacked")}
    counts = dict.fromkeys(("n_edited_words", "n_words", "queries", "readings", "unconfirmed"), 0)
    return (
        _named(row)
        | {name: row[name] for name in ("id", "language", "question", "context")}
        | {"attacked_context": row["context"]}
        | golds
        | nothing
        | scores
        | {"f1_threshold": None, "edits": []}
        | counts
        | {
            "missed": False,
            "distractor_language": None,
            "outcome": "error",
            "error": f"{type(error).__name__}: {error}",
        }
    )
