"""Attacks side by side: many searches at once, their queries merged into batches for the model.

TextAttack's search asks for a few texts at a time and waits. Here every example is attacked in a
greenlet of its own; when all of them wait, their queries go to the model together, the same query
once. The search code runs as it is, and an example knows nothing of its neighbours: it is seeded by
its id, has its own random numbers, and gets the same answers as alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from greenlet import getcurrent, greenlet
from tqdm.auto import tqdm

from xltlib.artifacts import InputError
from xltlib.attacks.example import attack_example
from xltlib.attacks.goal import Output, Predictor, Query, Scorer, ask, nearby
from xltlib.attacks.tools import Row, Tools
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EngineSettings, RecipeSettings
from xltlib.text_files import recovered_json_lines

T = TypeVar("T")
# Windows whose logits are kept: an edit leaves the windows that it does not touch as they were.
KEPT_WINDOWS = 20_000


def attack_examples(
    rows: Iterable[Row],
    tools: Tools,
    settings: RecipeSettings,
    log: Path,
    *,
    engine: EngineSettings | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Attack each example; those already in the log are taken from there.

    Neither order, nor interruption, nor how many are attacked at once changes an outcome.

    Args:
        rows: QA rows whose answers have a place in the context.
        log: JSON lines, one a finished example, appended to; beside it stand, while examples are
            under way, the model's answers to their queries, so that a kill loses only those that
            the model was at. A line that it cut short is dropped.

    Returns:
        One row an example, in the order of `rows`; the columns are those of
        `xltlib.attacks.example.attack_example`.

    Raises:
        InputError: a log that cannot be written.
    """
    engine = engine or EngineSettings()
    rows = list(rows)
    finished = {_key(record): record for record in recovered_json_lines(log)}
    answers = Answers(tools.predictor, engine, log.with_name(f"{log.name}.queries"))

    def job(row: Row) -> Callable[[Scorer], dict[str, Any]]:
        guide = {"guided": answers.guided, "partial": engine.guide_words is not None}
        return lambda scorer: attack_example(row, scorer, settings, tools, **guide)

    left = [job(row) for row in rows if _key(row) not in finished]
    with tqdm(total=len(rows), desc=settings.kind, unit="example", disable=not progress) as bar:
        bar.update(len(rows) - len(left))
        for record in side_by_side(left, answers, engine.at_once):
            finished[_key(record)] = record
            _append(log, [record], sync=True)
            tried = [one for one in finished.values() if one["outcome"] != "skipped"]
            won = sum(one["outcome"] == "succeeded" for one in tried)
            rate = answers.asked / max(bar.format_dict["elapsed"], 1e-9)
            bar.set_postfix_str(f"{won}/{len(tried)} succeeded, {rate:.1f} queries/s")
            bar.update()
    answers.forget()
    return pd.DataFrame([finished[_key(row)] for row in rows])


def side_by_side(
    jobs: Iterable[Callable[[Scorer], T]], scorer: Scorer, at_once: int
) -> Iterator[T]:
    """Run jobs that put queries to a model, merging their queries; results as they come.

    A job is a function of a scorer. It has the random numbers of `random` and `numpy.random` to
    itself: what others draw in between does not move them.
    """
    waiting: list[_Running[T]] = []
    coming = iter(jobs)
    while True:
        while len(waiting) < at_once and (job := next(coming, None)) is not None:
            one = _Running(job)
            if one.go_on(None):
                waiting.append(one)
            else:
                yield one.result
        if not waiting:
            return
        queries = list(dict.fromkeys(query for one in waiting for query in one.queries))
        known = dict(zip(queries, scorer(queries), strict=True))
        going = []
        for one in waiting:
            if one.go_on([known[query] for query in one.queries]):
                going.append(one)
            else:
                yield one.result
        waiting = going


class _Running(Generic[T]):
    """A job in its greenlet; `queries` is what it waits for, `result` what it came to."""

    def __init__(self, job: Callable[[Scorer], T]) -> None:
        self.queries: list[Query] = []
        self.result: T
        self._greenlet = greenlet(lambda _: job(self._ask))
        self._random = random.getstate(), np.random.get_state()

    def _ask(self, queries: list[Query]) -> list[Output]:
        return getcurrent().parent.switch(queries)

    def go_on(self, outputs: list[Output] | None) -> bool:
        """Run until the job waits for the model again (True) or is finished (False)."""
        others = random.getstate(), np.random.get_state()
        random.setstate(self._random[0])
        np.random.set_state(self._random[1])
        try:
            self._greenlet.parent = getcurrent()
            value = self._greenlet.switch(outputs)
        finally:
            self._random = random.getstate(), np.random.get_state()
            random.setstate(others[0])
            np.random.set_state(others[1])
        if self._greenlet.dead:
            self.result = value
            return False
        self.queries = value
        return True


@dataclass
class Answers:
    """The model's answers to merged queries, from a journal where an earlier run has left them."""

    predictor: Predictor
    settings: EngineSettings
    journal: Path
    asked: int = 0
    _known: dict[str, Output] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for line in recovered_json_lines(self.journal):
            self._known[line["query"]] = Output(line["answer"], line["probability"])
        exact = guide = self.predictor
        if isinstance(self.predictor, SpanPredictor):
            options = {"batch_size": self.settings.batch_size, "remember": KEPT_WINDOWS}
            exact = replace(self.predictor, precision="float32", **options)
            guide = exact.faster() if self.guided else exact
        self._models = {"exact": exact, "whole": guide, "guide": guide}

    @property
    def guided(self) -> bool:
        """Whether a model in lower precision guides the search."""
        return self.settings.precision != "float32"

    def __call__(self, queries: list[Query]) -> list[Output]:
        """Answer queries; those of each reading go to their model together."""
        names = {query: _digest(query) for query in queries}
        found = {q: self._known[name] for q, name in names.items() if name in self._known}
        new = [query for query in queries if query not in found]
        reach = self.settings.guide_words
        for reading, model in self._models.items():
            chosen = [query for query in new if query.reading == reading]
            partial = reading == "guide" and reach is not None
            put = [nearby(query, reach) if partial else query for query in chosen]
            if chosen:
                found |= dict(zip(chosen, ask(model, put), strict=True))
        self.asked += len(new)
        lines = [
            {"query": names[query], "answer": found[query].answer}
            | {"probability": found[query].probability}
            for query in new
        ]
        _append(self.journal, lines)
        return [found[query] for query in queries]

    def forget(self) -> None:
        """Drop the journal: every example is finished."""
        self.journal.unlink(missing_ok=True)


def _digest(query: Query) -> str:
    return hashlib.sha256(json.dumps(astuple(query)).encode("utf-8")).hexdigest()[:32]


def _key(row: Row) -> str:
    return f"{row['language']}/{row['id']}"


def _append(file: Path, records: list[dict[str, Any]], *, sync: bool = False) -> None:
    """Add lines, and see them onto the disk."""
    # A new line first: the last one may have been cut short.
    text = "".join("\n" + json.dumps(record, ensure_ascii=False) for record in records)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8") as lines:
            lines.write(text)
            lines.flush()
            if sync:
                os.fsync(lines.fileno())
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written ({error.strerror or error}); examples before this one are "
            "kept. Free some space and run the same command again."
        ) from error
