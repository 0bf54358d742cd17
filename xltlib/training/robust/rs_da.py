"""RS-DA: randomised smoothing by data augmentation (after Robust-XLT, section 3.2).

Every word with k > 0 neighbours is replaced by a uniform draw from itself and its neighbours, so it
changes with probability k / (k + 1). Both texts of a pair are drawn independently. As in the
authors' code, words are looked up as written, so capitalised words never match a lower-case list.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset

from xltlib.corpora import text_columns
from xltlib.languages import words
from xltlib.training.robust.neighbours import Neighbours


def draw(word: str, neighbours: Neighbours, rng: random.Random) -> str:
    """The word or one of its neighbours, all equally likely."""
    near = neighbours.get(word)
    return rng.choice([word, *near]) if near else word


def smooth(
    text: str,
    neighbours: Neighbours,
    rng: random.Random,
    frozen: Sequence[tuple[int, int]] = (),
) -> tuple[str, list[int]]:
    """A text with newly drawn words, except those that a frozen span touches.

    Args:
        frozen: character spans (start, end) that are not changed, for example answers.

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


def smoothed(rows: Dataset, neighbours: Mapping[str, Neighbours], seed: int, copy: int) -> Dataset:
    """One copy of a data set of any task kind, with newly drawn words.

    Each row is drawn by its own id, so it does not depend on the order or size of the set. QA
    answers keep their words and get updated offsets.

    Args:
        neighbours: neighbours by language; a language without any keeps its words.
    """
    columns = text_columns(rows)

    def one(row: dict[str, Any]) -> dict[str, Any]:
        rng = random.Random(f"{seed} {copy} {row['language']} {row['id']}")
        near = neighbours.get(row["language"], {})
        changed: dict[str, Any] = {}
        for name in columns:
            if name == "context":
                changed |= _smooth_context(row, near, rng)
            elif isinstance(row[name], str):
                changed[name] = smooth(row[name], near, rng)[0]
            else:  # a list of tokens or choices keeps its length
                changed[name] = [smooth(text, near, rng)[0] for text in row[name]]
        return row | changed

    return Dataset.from_list([one(row) for row in rows], features=rows.features)


def _smooth_context(
    row: dict[str, Any], neighbours: Neighbours, rng: random.Random
) -> dict[str, Any]:
    """A passage with newly drawn words around its answers, and the answers' new offsets."""
    texts, starts = row["answers"]["text"], list(row["answers"]["answer_start"])
    placed = [i for i, start in enumerate(starts) if start >= 0]
    spans = [(starts[i], starts[i] + len(texts[i])) for i in placed]
    context, moved = smooth(row["context"], neighbours, rng, spans)
    for i, start in zip(placed, moved, strict=True):
        starts[i] = start
    return {"context": context, "answers": {"text": texts, "answer_start": starts}}
