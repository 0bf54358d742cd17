"""Many searches at once, their queries to a model merged into batches.

TextAttack's search asks for a few texts at a time and waits. Here every job runs in a greenlet of
its own; when all of them wait, their queries go to the model together, the same query once. A job
runs as it is and knows nothing of its neighbours.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import numpy as np
import torch
from greenlet import getcurrent, greenlet

from xltlib.attacks.query import Output, Query, Scorer

T = TypeVar("T")


def side_by_side(
    jobs: Iterable[Callable[[Scorer], T]],
    scorer: Scorer,
    at_once: int,
    batch_size: int = 1,
    *,
    isolated: bool = True,
) -> Iterator[T]:
    """Run jobs that put queries to a model, merging their queries; results as they come.

    A job is a function of a scorer. A model that fails on the queries of some jobs only raises its
    error inside those; where it fails for all, nobody can go on.

    Args:
        batch_size: float32 readings wait for each other until there are so many, or until nobody
            waits for anything else.
        isolated: a job has the random numbers of `random`, `numpy.random` and torch to itself: what
            others draw in between does not move them. It costs time at every query; jobs that draw
            only from generators of their own do without.
    """
    waiting: list[_Running[T]] = []
    coming = iter(jobs)
    while True:
        while len(waiting) < at_once and (job := next(coming, None)) is not None:
            one = _Running(job, isolated)
            if one.go_on(None):
                waiting.append(one)
            else:
                yield one.result
        if not waiting:
            return
        served = _to_serve(waiting, batch_size)
        held = [one for one in waiting if one not in served]
        going = []
        for one, outputs in _answered(served, scorer):
            if one.go_on(outputs):
                going.append(one)
            else:
                yield one.result
        waiting = held + going


def _to_serve(waiting: list[_Running[T]], batch_size: int) -> list[_Running[T]]:
    """Those whose turn it is: float32 is asked when a batch is full, or when all wait for it."""
    exact = [one for one in waiting if all(q.reading == "exact" for q in one.queries)]
    others = [one for one in waiting if one not in exact]
    if not others or sum(len(one.queries) for one in exact) >= batch_size:
        return waiting
    return others


def _answered(
    jobs: list[_Running[T]], scorer: Scorer
) -> Iterator[tuple[_Running[T], list[Output] | Exception]]:
    """Each job with the answers to its queries, or with the error that they caused."""
    try:
        yield from _together(jobs, scorer)
        return
    except Exception as error:
        if len(jobs) == 1:
            raise
        first = error
    # Which job's queries are to blame? Where all are, the model is.
    found: list[tuple[_Running[T], list[Output] | Exception]] = []
    for one in jobs:
        try:
            found += _together([one], scorer)
        except Exception as error:
            found.append((one, error))
    if all(isinstance(answer, Exception) for _, answer in found):
        raise first
    yield from found


def _together(jobs: list[_Running[T]], scorer: Scorer) -> list[tuple[_Running[T], list[Output]]]:
    queries = list(dict.fromkeys(query for one in jobs for query in one.queries))
    known = dict(zip(queries, scorer(queries), strict=True))
    return [(one, [known[query] for query in one.queries]) for one in jobs]


class _Running(Generic[T]):
    """A job in its greenlet; `queries` is what it waits for, `result` what it came to."""

    def __init__(self, job: Callable[[Scorer], T], isolated: bool) -> None:
        self.queries: list[Query] = []
        self.result: T
        self._greenlet = greenlet(lambda _: job(self._ask))
        self._random = _random_state() if isolated else None

    def _ask(self, queries: list[Query]) -> list[Output]:
        return getcurrent().parent.switch(queries)

    def go_on(self, outputs: list[Output] | Exception | None) -> bool:
        """Run until the job waits for the model again (True) or is finished (False)."""
        with _random_numbers_of(self):
            self._greenlet.parent = getcurrent()
            if isinstance(outputs, Exception):
                value = self._greenlet.throw(outputs)
            else:
                value = self._greenlet.switch(outputs)
        if self._greenlet.dead:
            self.result = value
            return False
        self.queries = value
        return True


@contextmanager
def _random_numbers_of(job: _Running[T]) -> Iterator[None]:
    if job._random is None:
        yield
        return
    others = _random_state()
    _set_random_state(job._random)
    try:
        yield
    finally:
        job._random = _random_state()
        _set_random_state(others)


def _random_state() -> tuple:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def _set_random_state(state: tuple) -> None:
    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])
