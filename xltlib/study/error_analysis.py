"""The kinds of answers and questions of a task's test sets, from the corpora's texts.

Git keeps no text, so a clone without the corpora lacks these types, but nothing else.
"""

from __future__ import annotations

import pandas as pd

from xltlib.analysis.answer_types import types_of
from xltlib.artifacts import InputError
from xltlib.study import data
from xltlib.study.cell import EncoderCell


def types(cell: EncoderCell) -> tuple[pd.DataFrame, list[str]]:
    """Each question's types, and the names of test sets whose texts cannot be read.

    Returns:
        `analysis.answer_types.types_of` for all clean test sets of the cell's tasks, and the names.
    """
    found, absent = [types_of([], "")], []
    tasks = {source.task for source in cell.of("evaluation")}
    known: set[str] = set()
    for task in sorted(tasks):
        test_sets = cell.params.targets[task].test_sets
        for name, settings in zip(data.names(test_sets), test_sets, strict=True):
            if settings.perturbation is not None or name in known:
                continue
            known.add(name)
            try:
                sets = data.test_set(cell.params, settings)
            except InputError:
                absent.append(name)
                continue
            found += [types_of(rows, name) for rows in sets.values()]
    return pd.concat(found, ignore_index=True), absent
