"""The contrast of arms on each question: blocks of seeds x questions, and their sampling units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xltlib.artifacts import InputError


@dataclass(frozen=True)
class Block:
    """The contrast of each question of one test set.

    Attributes:
        values: [..., seeds, questions]; leading axes are independent repetitions (simulations).
        units: the number of each question's sampling unit, from 0 within the group.
        group: blocks in the same group (languages of a parallel corpus) share units.
    """

    values: np.ndarray
    units: np.ndarray
    group: str

    @classmethod
    def independent(cls, values: np.ndarray, group: str) -> Block:
        """A block in which every question is its own unit."""
        return cls(values, np.arange(values.shape[-1]), group)


def contrast_blocks(
    frame: pd.DataFrame,
    value: str,
    weights: Mapping[str, float],
    *,
    parallel: bool | None = None,
) -> dict[tuple[str, str], Block]:
    """The contrast of each question, by corpus and language.

    Languages of a corpus whose ids occur in several of them are translations of each other. Where
    the frame has a column `passage`, questions of one passage are one unit.

    Args:
        frame: one row per answer: arm, seed, corpus, language, id, perhaps passage, and `value`.
        weights: arm to weight, e.g. {"multilingual": 1, "english": -1}.

    Raises:
        InputError: the arms do not have the same seeds and questions.
    """
    blocks: dict[tuple[str, str], Block] = {}
    for corpus, of_corpus in frame.groupby("corpus", sort=True):
        ids_of = of_corpus.groupby("language")["id"].unique()
        shared = sum(map(len, ids_of)) > of_corpus["id"].nunique()
        numbers: dict[tuple[str, str], int] = {}
        for language, rows in of_corpus.groupby("language", sort=True):
            values, ids = _matrix(rows, value, weights, f"{corpus}/{language}")
            passages = _passages(rows, ids, shared)
            group = str(corpus) if shared else f"{corpus}/{language}"
            units = [numbers.setdefault((group, p), len(numbers)) for p in passages]
            blocks[str(corpus), str(language)] = Block(values, np.asarray(units), group)
    return _renumbered(blocks)


def _passages(rows: pd.DataFrame, ids: pd.Index, shared: bool) -> list[str]:
    """The unit of each question: its passage, or itself.

    A passage and its translations have different texts, so in a parallel corpus the unit is named
    after its first question.
    """
    if "passage" not in rows:
        return [str(one) for one in ids]
    passage = rows.drop_duplicates("id").set_index("id")["passage"].reindex(ids)
    if not shared:
        return [str(one) for one in passage]
    first = passage.index.to_series().groupby(passage.to_numpy()).transform("min")
    return [str(one) for one in first]


def _renumbered(blocks: dict[tuple[str, str], Block]) -> dict[tuple[str, str], Block]:
    """Units numbered from 0 within each group."""
    numbers: dict[str, dict[int, int]] = {}
    for block in blocks.values():
        known = numbers.setdefault(block.group, {})
        for unit in block.units:
            known.setdefault(int(unit), len(known))
    return {
        key: Block(b.values, np.asarray([numbers[b.group][int(u)] for u in b.units]), b.group)
        for key, b in blocks.items()
    }


def _matrix(
    rows: pd.DataFrame, value: str, weights: Mapping[str, float], where: str
) -> tuple[np.ndarray, pd.Index]:
    """The contrast [seeds, questions] and the questions' ids."""
    total: pd.DataFrame | None = None
    for arm, weight in weights.items():
        table = rows[rows["arm"] == arm].pivot(index="seed", columns="id", values=value)
        if total is None:
            total = weight * table
            continue
        same = table.index.equals(total.index) and table.columns.equals(total.columns)
        if not same:
            odd = sorted(set(table.columns) ^ set(total.columns))[:3]
            raise InputError(
                f"arms {', '.join(weights)} did not answer the same questions with the same "
                f"seeds in {where} (first differences: {odd or 'seeds'}). Run all their cells with "
                "the same params."
            )
        total = total + weight * table
    if total is None or total.isna().to_numpy().any() or total.size == 0:
        raise InputError(f"{where}: some questions lack an answer with some seed. Run all cells.")
    return total.to_numpy(), total.columns
