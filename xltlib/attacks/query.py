"""An attack's queries to a model, and the model's answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from xltlib.artifacts import InputError
from xltlib.corpora.answer_spans import nearest_place
from xltlib.evaluation.predictor import Prediction
from xltlib.languages import words
from xltlib.text_files import refuse_half_pairs, shown

Spans = tuple[tuple[int, int], ...]
Reading = Literal["guide", "whole", "exact"]
"""How a query is read: as fast as the engine allows, as fast but with the whole passage, or in
float32."""
# The shape of a batch moves log-odds by about 1e-5; no choice may depend on that.
DECIMALS = 3
MAX_LOG_ODDS = 50.0
# How far a probability may be outside [0, 1].
ROUNDING = 1e-3


class UnusableAnswer(InputError):
    """A model answered a query with something that is no answer; other examples go on."""


@dataclass(frozen=True)
class Query:
    """One question to the model about a context, and the spans whose probability is wanted."""

    question: str
    context: str
    spans: Spans
    reading: Reading = "exact"


def nearby(query: Query, reach: int) -> Query:
    """The same question about the part of the passage within `radius` words of the wanted spans.

    A query without wanted spans is unchanged.
    """
    if not query.spans:
        return query
    first, last = min(start for start, _ in query.spans), max(end for _, end in query.spans)
    spans = words(query.context)
    begin = min([first, *[start for start, end in spans if end <= first][-reach:]])
    stop = max([last, *[end for start, end in spans if start >= last][:reach]])
    moved = tuple((start - begin, end - begin) for start, end in query.spans)
    return replace(query, context=query.context[begin:stop], spans=moved)


def occurrences(text: str, part: str) -> list[int]:
    """Every offset at which `part` begins in `text`, including overlapping ones."""
    places, found = [], text.find(part) if part else -1
    while found >= 0:
        places.append(found)
        found = text.find(part, found + 1)
    return places


def moved(original: str, attacked: str, text: str, start: int) -> int | None:
    """The offset in an attacked context of a text that began at `start` in the original.

    Constraints leave every copy of an answer unchanged, so the n-th copy stays the n-th. If an edit
    has made a new copy, the one nearest to the old place is taken.
    """
    before, after = occurrences(original, text), occurrences(attacked, text)
    if len(before) == len(after) and start in before:
        return after[before.index(start)]
    place = nearest_place(attacked, text, start)
    return place if place >= 0 else None


@dataclass(frozen=True)
class Output:
    """A model's answer, and the log-odds of the likeliest of the requested spans.

    Log-odds, log p - log(1 - p), distinguish probabilities near 1 that would round to the same
    number. An output that is not `confirmed` ends no search.
    """

    answer: str
    log_odds: float
    confirmed: bool = True

    @property
    def probability(self) -> float:
        """The same as a probability in [0, 1]."""
        if self.log_odds <= -MAX_LOG_ODDS:
            return 0.0
        return float(f"{1 / (1 + math.exp(-self.log_odds)):.6g}")


Scorer = Callable[[list[Query]], list[Output]]


class Predictor(Protocol):
    """The interface that an attack needs; `xltlib.evaluation.predictor.SpanPredictor` has it."""

    def score(
        self, questions: list[str], contexts: list[str], spans: list[Spans]
    ) -> tuple[list[Prediction], np.ndarray]: ...


def ask(predictor: Predictor, queries: list[Query]) -> list[Output]:
    """Put queries to a model.

    Raises:
        UnusableAnswer: it does not return one prediction and one probability per query, or a text
            that cannot be written to a file.
    """
    given = predictor.score(
        [query.question for query in queries],
        [query.context for query in queries],
        [query.spans for query in queries],
    )
    try:
        predictions, probabilities = given
        answers = zip(queries, predictions, probabilities, strict=True)
        pairs = [(prediction.text, float(probability)) for _, prediction, probability in answers]
        for text, _ in pairs:
            if not isinstance(text, str):
                raise TypeError(f"{shown(text)} is no text")
    except (AttributeError, TypeError, ValueError) as error:
        raise UnusableAnswer(
            f"the model's `score` has to return {len(queries)} predictions and as many "
            f"probabilities, one of each per question ({error})"
        ) from error
    try:
        refuse_half_pairs([text for text, _ in pairs], "the model's answer")
    except InputError as error:
        raise UnusableAnswer(str(error)) from error
    return [Output(text, log_odds(probability)) for text, probability in pairs]


def checked(probability: float) -> float:
    """The probability itself.

    Raises:
        UnusableAnswer: it is none.
    """
    if not -ROUNDING <= probability <= 1 + ROUNDING:  # NaN is not, either
        raise UnusableAnswer(f"the model returned the probability {probability}, not one in [0, 1]")
    return probability


def log_odds(probability: float) -> float:
    """log p - log(1 - p), rounded, and within +-50.

    Raises:
        UnusableAnswer: it is no probability.
    """
    checked(probability)
    if probability <= 0:
        return -MAX_LOG_ODDS
    if probability >= 1:
        return MAX_LOG_ODDS
    odds = math.log(probability) - math.log1p(-probability)
    return max(-MAX_LOG_ODDS, min(MAX_LOG_ODDS, round(odds, DECIMALS)))
