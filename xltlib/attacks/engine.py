"""Attack many examples: one line of a log each, so that a crash loses at most one."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from textattack.goal_function_results.goal_function_result import GoalFunctionResultStatus
from tqdm.auto import tqdm

from xltlib.artifacts import InputError
from xltlib.attacks.goal import Predictor, example
from xltlib.attacks.recipes import RECIPES
from xltlib.evaluation import squad
from xltlib.languages import words
from xltlib.params import AttackSettings


def attack_examples(
    rows: Iterable[dict[str, Any]],
    predictor: Predictor,
    settings: AttackSettings,
    log: Path,
    *,
    progress: bool = True,
) -> pd.DataFrame:
    """Attack each example; those already in the log are taken from there.

    Each example is seeded by its own id, so neither order nor interruption changes an outcome.

    Args:
        rows: QA rows whose answers have a place in the context.
        log: JSON lines, appended to; a last line that a kill cut short is dropped.

    Returns:
        One row an example, in the order of `rows`. `outcome` is succeeded, failed, or skipped (the
        clean answer was under the threshold already, and nothing was tried).

    Raises:
        InputError: no such recipe, or a log that cannot be written.
    """
    if settings.recipe not in RECIPES:
        raise InputError(f"attack {settings.recipe!r}: no such recipe; known: {', '.join(RECIPES)}")
    rows = list(rows)
    finished = read_log(log)
    succeeded = tried = 0
    with tqdm(rows, desc=settings.recipe, unit="example", disable=not progress) as bar:
        for row in bar:
            if (key := f"{row['language']}/{row['id']}") not in finished:
                finished[key] = attack_one(row, predictor, settings)
                _append(log, finished[key])
            tried += finished[key]["outcome"] != "skipped"
            succeeded += finished[key]["outcome"] == "succeeded"
            bar.set_postfix(success=f"{succeeded}/{tried}")
    return pd.DataFrame([finished[f"{row['language']}/{row['id']}"] for row in rows])


def attack_one(
    row: dict[str, Any], predictor: Predictor, settings: AttackSettings
) -> dict[str, Any]:
    """Attack one example and describe what came of it."""
    seed = f"{settings.seed} {row['language']} {row['id']}"
    number = int.from_bytes(hashlib.sha256(seed.encode("utf-8")).digest()[:4], "big")
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
    attack = RECIPES[settings.recipe](predictor, settings, row["language"], seed)
    result = attack.attack(*example(row))
    before, after = result.original_result, result.perturbed_result
    status = after.goal_status
    outcome = {
        GoalFunctionResultStatus.SUCCEEDED: "succeeded",
        GoalFunctionResultStatus.SKIPPED: "skipped",
    }.get(status, "failed")
    attacked = after.attacked_text.tokenizer_input[1]
    golds = row["answers"]["text"]
    edits = edited_words(row["context"], attacked)
    return {
        "id": row["id"],
        "language": row["language"],
        "question": after.attacked_text.tokenizer_input[0],
        "context": row["context"],
        "attacked_context": attacked,
        "answers": row["answers"],
        "original_prediction": before.output,
        "attacked_prediction": after.output,
        "original_f1": squad.f1(before.output, golds),
        "attacked_f1": squad.f1(after.output, golds),
        "original_probability": before.raw_output.gold_probability,
        "attacked_probability": after.raw_output.gold_probability,
        "edits": edits,
        "n_edited_words": len(edits),
        "n_words": len(words(row["context"])),
        "queries": int(after.num_queries),
        "outcome": outcome,
    }


def edited_words(original: str, attacked: str) -> list[dict[str, Any]]:
    """The words that differ: what stood there, what does now, and its offset in the original."""
    pairs = zip(words(original), words(attacked), strict=True)
    return [
        {"old": original[a:b], "new": attacked[c:d], "start": a}
        for (a, b), (c, d) in pairs
        if original[a:b] != attacked[c:d]
    ]


def read_log(log: Path) -> dict[str, dict[str, Any]]:
    """The finished examples of a log by language and id; a line cut short is not finished."""
    finished: dict[str, dict[str, Any]] = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8").split("\n"):
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            finished[f"{record['language']}/{record['id']}"] = record
    return finished


def _append(log: Path, record: dict[str, Any]) -> None:
    """Add one line and see it onto the disk."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="utf-8") as file:
            # A new line first: the last one may have been cut short.
            file.write("\n" + json.dumps(record, ensure_ascii=False))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(
            f"{log}: cannot be written ({error.strerror or error}); examples before this one are "
            "kept. Free some space and run the same command again."
        ) from error
