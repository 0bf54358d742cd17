"""RS-DA: randomised smoothing by data augmentation (Robust-XLT, section 3.2).

Every word with k > 0 neighbours becomes a uniform draw from itself and them, so it changes with
probability k / (k + 1); both texts of a pair are drawn independently. The authors look words up as
they stand, so with a lower-case list capitalised words never match, and so it is here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from xltlib.artifacts import InputError, read_json
from xltlib.languages import words

Neighbours = Mapping[str, Sequence[str]]
TEXTS = ("premise", "hypothesis", "question")


def read_neighbours(path: Path) -> dict[str, list[str]]:
    """A neighbour list: a JSON object of words to lists of words; words without any are dropped.

    Raises:
        InputError: the file is missing or holds something else.
    """
    raw = read_json(path)
    good = isinstance(raw, dict) and all(
        isinstance(near, list) and all(isinstance(word, str) for word in near)
        for near in raw.values()
    )
    if not good:
        raise InputError(f"{path}: not a neighbour list, which is {{word: [word, ...], ...}}")
    return {word: near for word, near in raw.items() if near}


def draw(word: str, neighbours: Neighbours, rng: random.Random) -> str:
    """The word or one of its neighbours, each as likely as the other."""
    near = neighbours.get(word)
    return rng.choice([word, *near]) if near else word


def smooth(
    text: str,
    neighbours: Neighbours,
    rng: random.Random,
    frozen: Sequence[tuple[int, int]] = (),
) -> tuple[str, list[int]]:
    """A text with its words drawn anew, but for those that a frozen span touches.

    Args:
        frozen: character spans (start, end) that stay as they are, for example answers.

    Returns:
        The text, and the offset at which each frozen span now begins.
    """
    parts, done, shift = [], 0, 0
    moved = [start for start, _ in frozen]
    for start, end in words(text):
        if any(start < last and end > first for first, last in frozen):
            continue
        word = draw(text[start:end], neighbours, rng)
        parts += [text[done:start], word]
        done, shift = end, len(word) - (end - start)
        moved = [
            place + shift if first >= end else place
            for place, (first, _) in zip(moved, frozen, strict=True)
        ]
    return "".join([*parts, text[done:]]), moved


def smoothed(rows: Dataset, neighbours: Neighbours, seed: int, copy: int) -> Dataset:
    """One copy of a QA, NLI or tagging data set with its words drawn anew.

    Each row is drawn by its own id, so neither order nor size of the set changes it.
    """

    def one(row: dict[str, Any]) -> dict[str, Any]:
        rng = random.Random(f"{seed} {copy} {row['language']} {row['id']}")
        changed: dict[str, Any] = {
            name: smooth(row[name], neighbours, rng)[0] for name in TEXTS if name in row
        }
        if "tokens" in row:
            changed["tokens"] = [draw(token, neighbours, rng) for token in row["tokens"]]
        if "context" in row:
            texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
            placed = [i for i, start in enumerate(starts) if start >= 0]
            spans = [(starts[i], starts[i] + len(texts[i])) for i in placed]
            changed["context"], moved = smooth(row["context"], neighbours, rng, spans)
            new = list(starts)
            for i, start in zip(placed, moved, strict=True):
                new[i] = start
            changed["answers"] = {"text": texts, "answer_start": new}
        return row | changed

    return Dataset.from_list([one(row) for row in rows], features=rows.features)
