"""Concurrent searches whose queries to a model are merged into batches.

TextAttack's search asks about a few texts at a time and waits. Here every job runs in its own
greenlet, and when all of them wait, their queries go to the model together, without duplicates. A
job needs no changes and does not know of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from greenlet import getcurrent, greenlet

from xltlib.attacks.query import Output, Query, Scorer, UnusableAnswer
from xltlib.attacks.random_state import random_state, set_random_state

T = TypeVar("T")


def side_by_side(
    jobs: Iterable[Callable[[Scorer], T]],
    scorer: Scorer,
    at_once: int,
    batch_size: int = 1,
    *,
    isolated: bool = True,
) -> Generator[T, None, None]:
    """Run jobs that query a model, merging their queries; yields results as they come.

    A job is a function of a scorer. If the model fails on the queries of some jobs, its error is
    raised inside those; if it fails for each of several jobs, the run stops. Unusable answers stop
    nothing else.

    Whatever ends the run, no job outlives it: what a job restores on its way out is restored then,
    and not when the job happens to be collected.

    Args:
        batch_size: float32 readings are collected until there are this many, or until no job waits
            for anything else.
        isolated: give each job its own state of `random`, `numpy.random` and torch, unaffected by
            other jobs. This costs time at every query; jobs that use only their own generators do
            not need it.
    """
    waiting: list[_Running[T]] = []
    coming = iter(jobs)
    try:
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
    finally:
        for one in waiting:
            one.stop()


def _to_serve(waiting: list[_Running[T]], batch_size: int) -> list[_Running[T]]:
    """The jobs to answer next: float32 is used when a batch is full, or when all jobs wait for
    it."""
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
            yield jobs[0], error
            return
        first = error
    # Which job's queries caused it? If all do, it is the model, unless it has answered them.
    found: list[tuple[_Running[T], list[Output] | Exception]] = []
    for one in jobs:
        try:
            found += _together([one], scorer)
        except Exception as error:
            found.append((one, error))
    if not any(isinstance(answer, list | UnusableAnswer) for _, answer in found):
        raise first
    yield from found


def _together(jobs: list[_Running[T]], scorer: Scorer) -> list[tuple[_Running[T], list[Output]]]:
    queries = list(dict.fromkeys(query for one in jobs for query in one.queries))
    known = dict(zip(queries, scorer(queries), strict=True))
    return [(one, [known[query] for query in one.queries]) for one in jobs]


class _Running(Generic[T]):
    """A job in its greenlet; `queries` are those it waits for, `result` is its outcome."""

    def __init__(self, job: Callable[[Scorer], T], isolated: bool) -> None:
        self.queries: list[Query] = []
        self.result: T
        self._greenlet = greenlet(lambda _: job(self._ask))
        self._random = random_state() if isolated else None

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

    def stop(self) -> None:
        """End the job, if it has not ended."""
        with _random_numbers_of(self):
            self._greenlet.parent = getcurrent()
            self._greenlet.throw()


@contextmanager
def _random_numbers_of(job: _Running[T]) -> Iterator[None]:
    if job._random is None:
        yield
        return
    others = random_state()
    set_random_state(job._random)
    try:
        yield
    finally:
        job._random = random_state()
        set_random_state(others)
