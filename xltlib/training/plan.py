"""Which example goes into which batch: fixed before training starts, and the same for every arm.

A plan is data: it can be shown, counted and compared, an interrupted run resumes from it, and two
arms' plans show whether the arms are treated equally.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import numpy as np
import pandas as pd

from xltlib.artifacts import InputError
from xltlib.tasks.kind import padded_length


@dataclass(frozen=True)
class Draw:
    """One example of one task: an item of the corpus, in one language."""

    task: str
    item: str
    language: str


@dataclass(frozen=True)
class Batching:
    """The size of a batch: at most `size` examples, and with `tokens` as many as fit.

    `tokens` counts padding: examples times the length that they are padded to.
    """

    size: int
    tokens: int | None = None

    def cut(self, order: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
        """Cut an order into batches; a single example is a batch whatever its length."""
        batches: list[list[int]] = []
        longest = 0
        for i in order:
            longest = max(longest, padded_length(lengths[i]))
            full = not batches or len(batches[-1]) == self.size
            if full or (self.tokens and longest * (len(batches[-1]) + 1) > self.tokens):
                batches.append([])
                longest = padded_length(lengths[i])
            batches[-1].append(int(i))
        return batches


def length_batches(
    lengths: Sequence[int], batching: Batching, rng: np.random.Generator
) -> list[list[int]]:
    """One epoch in random order, with examples of similar length in a batch to reduce padding.

    Examples are shuffled, sorted by length within pools of 20 batches and cut into batches, which
    are shuffled: every example occurs exactly once.
    """
    order = rng.permutation(len(lengths))
    pool = 20 * batching.size
    batches: list[list[int]] = []
    for first in range(0, len(order), pool):
        part = order[first : first + pool]
        part = part[np.argsort([lengths[i] for i in part], kind="stable")]
        batches += batching.cut(part.tolist(), lengths)
    return [batches[i] for i in rng.permutation(len(batches))]


def n_batches(lengths: Sequence[int], epochs: float, batching: Batching, seed: int) -> int:
    """The number of batches of a training run; a fraction of an epoch has that share of them."""
    epoch = len(length_batches(lengths, batching, np.random.default_rng(seed)))
    return max(1, round(epochs * epoch))


def copies_plan(
    lengths: Callable[[int], Sequence[int]], copies: int, steps: int, batching: Batching, seed: int
) -> list[tuple[int, list[int]]]:
    """Batches over several copies of a training set, one epoch of each in turn, up to `steps`.

    Args:
        lengths: gives the lengths of a copy's examples by its number; called only for copies that
            are read.

    Returns:
        (copy, indices into that copy) for each batch.
    """
    rng = np.random.default_rng(seed)
    batches: list[tuple[int, list[int]]] = []
    numbers = cycle(range(copies))
    while len(batches) < steps:
        copy = next(numbers)
        batches += [(copy, batch) for batch in length_batches(lengths(copy), batching, rng)]
    return batches[:steps]


def language_shares(sizes: Mapping[str, int], temperature: float) -> dict[str, float]:
    """Each language's share of the draws: its size to the power of 1 / temperature, normalised.

    The exponential smoothing of multilingual training (Devlin et al.'s multilingual BERT; Conneau
    et al. 2020 write alpha for 1 / temperature).
    """
    weights = {language: size ** (1 / temperature) for language, size in sizes.items()}
    total = sum(weights.values())
    return {language: weight / total for language, weight in weights.items()}


def in_turn(shares: Mapping[str, float], n: int) -> list[str]:
    """A sequence of `n` languages, spread evenly, in which each count is within one of its share.

    The language furthest behind its share comes next, so with equal shares they take turns.
    """
    given = dict.fromkeys(shares, 0)
    order = []
    for position in range(1, n + 1):
        # Rounded, so that shares that differ only in the last bit count as equal.
        behind = {code: round(share * position - given[code], 9) for code, share in shares.items()}
        chosen = max(behind, key=lambda code: behind[code])  # the first if tied
        given[chosen] += 1
        order.append(chosen)
    return order


def draw_items(
    task: str,
    ids_by_language: dict[str, list[str]],
    languages: Sequence[str],
    examples: int,
    seed: int,
    temperature: float,
) -> list[Draw]:
    """Draw an arm's examples of one task, paired with those of every other arm.

    Args:
        ids_by_language: item ids in every language that *any* arm uses. In a parallel corpus, items
            are drawn from those common to all languages, so all arms get the same items, each in
            one of its own languages.
        languages: the arm's languages, which take turns by their shares (`language_shares`).

    Raises:
        InputError: the budget is larger than the corpus.
    """
    common = set.intersection(*(set(ids) for ids in ids_by_language.values()))
    rng = np.random.default_rng([seed, *task.encode()])
    sizes = {language: len(ids_by_language[language]) for language in languages}
    turns = in_turn(language_shares(sizes, temperature), examples)
    if len(common) >= examples:
        items = rng.permutation(sorted(common))[:examples].tolist()
        return [Draw(task, item, language) for item, language in zip(items, turns, strict=True)]
    if common:
        raise InputError(
            f"intermediate.examples.{task}: {examples}, but only {len(common)} items exist in all "
            f"of {' '.join(sorted(ids_by_language))}. Lower it to {len(common)} or less."
        )
    draws = []
    for language in languages:
        share = turns.count(language)
        ids = sorted(ids_by_language[language])
        if len(ids) < share:
            raise InputError(
                f"intermediate.examples.{task}: {language} would have to supply {share}, but has "
                f"{len(ids)}. Lower it, lower intermediate.temperature or add a language."
            )
        draws += [Draw(task, item, language) for item in rng.permutation(ids)[:share].tolist()]
    return draws


@dataclass(frozen=True)
class TaskBatch:
    """One batch of one task: its pass over the task's draws, and its draws."""

    task: str
    number: int
    draws: tuple[int, ...]


def task_plan(
    examples: Mapping[str, int],
    batch_size: int,
    seed: int,
    schedule: Literal["mixed", "sequential"] = "mixed",
    epochs: int = 1,
) -> list[TaskBatch]:
    """Batches of one task each: `epochs` passes over every task's draws, each in a new order.

    The plan depends on the numbers of examples but not on languages, so every arm takes the same
    steps, on the same positions of its draws.

    Args:
        examples: the number for each task, in the order used by `sequential`; `mixed` shuffles the
            batches of all tasks together, one pass after another.
    """
    rng = np.random.default_rng([seed, 1])
    passes = []
    for number in range(epochs):
        batches = {
            task: [
                TaskBatch(task, number, tuple(chunk.tolist()))
                for chunk in np.array_split(rng.permutation(n), range(batch_size, n, batch_size))
            ]
            for task, n in sorted(examples.items())
        }
        passes.append(batches)
    if schedule == "sequential":
        return [batch for task in examples for batches in passes for batch in batches[task]]
    plan = []
    for batches in passes:
        pooled = [batch for of_task in batches.values() for batch in of_task]
        plan += [pooled[i] for i in rng.permutation(len(pooled))]
    return plan


def mixture_table(draws: dict[str, list[Draw]], batch_size: int, epochs: int = 1) -> pd.DataFrame:
    """Distinct examples by task and language, with each task's optimiser steps over all passes."""
    rows = []
    for task, items in sorted(draws.items()):
        steps = epochs * -(-len(items) // batch_size)
        counts = pd.Series([draw.language for draw in items]).value_counts().sort_index()
        rows += [
            {"task": task, "language": language, "examples": int(n), "task_steps": steps}
            for language, n in counts.items()
        ]
    return pd.DataFrame(rows, columns=["task", "language", "examples", "task_steps"])
