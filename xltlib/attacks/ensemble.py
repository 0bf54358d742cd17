"""The worst of several attacks: what is left of a model's score when any of them may be tried.

A model is as robust as its answer under the attack that hurts it most (AutoAttack, Croce and Hein
2020, takes the worst of several on each image). It is computed from finished attacks on the same
examples, so it costs no query.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from xltlib.artifacts import InputError

KEYS = ("corpus", "language", "id")
_TRIED = ("succeeded", "failed", "skipped", "no_candidates")


def worst(attacks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Of each example the attack that leaves the lowest F1, with its name in the column `attack`.

    Ties go to the attack that leaves the gold answer the least probability, then to the first one
    named. `queries` are those of all attacks. Only examples that all attacks were tried on count;
    an attack that found no candidates leaves the clean answer.

    Args:
        attacks: results by the attack's name.

    Raises:
        InputError: nothing was given, or no example is in all of them.
    """
    if not attacks:
        raise InputError("the worst of no attacks; give results by the attack's name")
    keys = [key for key in KEYS if all(key in frame for frame in attacks.values())]
    order = {name: rank for rank, name in enumerate(attacks)}
    tried = {name: frame[frame["outcome"].isin(_TRIED)] for name, frame in attacks.items()}
    named = [frame.assign(attack=name) for name, frame in tried.items()]
    everything = pd.concat(named, ignore_index=True)
    counts = everything.groupby(keys)["attack"].transform("nunique")
    everything = everything[counts == len(attacks)]
    if everything.empty:
        raise InputError(
            f"no example was attacked by all of {', '.join(attacks)}; attack the same examples"
        )
    queries = everything.groupby(keys)["queries"].sum()
    best = (
        everything.assign(rank=everything["attack"].map(order))
        .sort_values(["attacked_f1", "attacked_probability", "rank"], kind="stable")
        .drop_duplicates(keys)
        .drop(columns=["rank", "queries"])
        .join(queries, on=keys)
    )
    return best.sort_values(keys, kind="stable").reset_index(drop=True)
