"""Rows that share a text, and so are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

UNTRANSLATED = "ns"
"""PAWS-X has `NS` in place of sentences that were not translated."""


def is_untranslated(text: str) -> bool:
    """Whether a text is PAWS-X's placeholder."""
    return text.strip().casefold() == UNTRANSLATED


def groups(*columns: Sequence[str]) -> list[int]:
    """The group of each row, numbered from 0 in row order.

    Rows that share a text, in whichever columns, are in one group, and so is whatever they link.
    Untranslated texts link nothing.
    """
    n_rows = len(columns[0])
    numbers: dict[str, int] = {}
    rows, texts = [], []
    for column in columns:
        for row, text in enumerate(column):
            if not is_untranslated(text):
                rows.append(row)
                texts.append(n_rows + numbers.setdefault(text, len(numbers)))
    size = n_rows + len(numbers)
    links = coo_array((np.ones(len(rows)), (rows, texts)), shape=(size, size))
    _, found = connected_components(links, directed=False)
    number: dict[int, int] = {}
    return [number.setdefault(int(one), len(number)) for one in found[:n_rows]]
