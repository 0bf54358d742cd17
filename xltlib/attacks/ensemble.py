"""The worst of several attacks on each example.

A model is robust to attacks if it withstands all of them, as in AutoAttack (Croce and Hein 2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from xltlib.artifacts import InputError
from xltlib.attacks import report
from xltlib.attacks.api import Attacked
from xltlib.params.attacks import WORST_FIRST
from xltlib.text_files import number_of


def worst_of(attacks: Mapping[str, Attacked]) -> Attacked:
    """For each example, the attack that succeeded with the lowest F1, or else came nearest.

    Its row says in `recipe` which attack it was; `queries` and `readings` are those of all attacks
    together.

    Args:
        attacks: finished attacks of one model on the same rows, by name.

    Raises:
        InputError: they are no finished attacks by name, there are fewer than two, or they are on
            different examples.
    """
    if not isinstance(attacks, Mapping) or not all(
        isinstance(one, Attacked) for one in attacks.values()
    ):
        raise InputError(
            "worst_of: give what `attack` returned, by name, e.g. "
            '{"typo": one, "distractor": other}'
        )
    if len(attacks) < 2:
        raise InputError(
            f"worst_of: {number_of(len(attacks), 'attack')}; give two or more, by name"
        )
    frames = {name: one.results.assign(recipe=name) for name, one in attacks.items()}
    first = next(iter(frames.values()))
    keys = [key for key in ("corpus", "language", "id") if key in first]
    order = pd.MultiIndex.from_frame(first[keys])
    for name, frame in frames.items():
        if set(keys) - set(frame) or set(pd.MultiIndex.from_frame(frame[keys])) != set(order):
            raise InputError(
                f"worst_of: {name} and {next(iter(frames))} attacked different examples; give all "
                "attacks the same rows, limit and shard"
            )
    every = pd.concat(frames.values(), ignore_index=True)
    every = every.assign(rank=every["outcome"].map(WORST_FIRST.index))
    costs = every.groupby(keys, dropna=False)[["queries", "readings"]].sum().reindex(order)
    worst = every.sort_values(["rank", "attacked_success_f1"], kind="stable").drop_duplicates(keys)
    worst = worst.drop(columns="rank").set_index(keys).reindex(order)
    results = worst.assign(**costs).reset_index()[every.columns[:-1]]
    left_out = next(iter(attacks.values())).left_out
    return Attacked(results, report.summary(results), left_out)
