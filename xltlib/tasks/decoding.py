"""Start and end logits to the best span of each example, for all windows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xltlib.params import SpanQASettings
from xltlib.tasks.offsets import borders
from xltlib.tasks.windows import Features

_GROUPS = 4  # of windows of similar length


@dataclass(frozen=True)
class Spans:
    """The best span of each example: characters [start, end) of its context, and its logit sum."""

    start: np.ndarray
    end: np.ndarray
    score: np.ndarray


def best_spans(
    features: Features,
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    n_examples: int,
    settings: SpanQASettings,
) -> Spans:
    """The best span of every example, from the n-best starts and ends of its windows.

    Args:
        start_logits, end_logits: [W, T], padded to the longest window; only the tokens of the
            context count.

    Returns:
        Spans with arrays [n_examples]; start = end = 0 if no window has a legal span.
    """
    windows = len(features)
    start, end = np.zeros((2, windows), dtype=np.int64)
    best = np.full(windows, -np.inf, dtype=start_logits.dtype)
    # Windows of similar length are processed together, so little work goes into padding.
    lengths = np.array([len(offsets) for offsets in features.offsets], dtype=np.int64)
    for group in np.array_split(np.argsort(lengths, kind="stable"), _GROUPS):
        if group.size:
            width = lengths[group[-1]]
            offsets = [features.offsets[window] for window in group]
            start[group], end[group], best[group] = _best_of_windows(
                offsets, start_logits[group, :width], end_logits[group, :width], settings
            )
    # The best of an example's windows wins: sort by example, then by descending score.
    order = np.lexsort((np.arange(windows), -best, features.example))
    _, first = np.unique(features.example[order], return_index=True)
    winner = order[first]
    result = Spans(
        start=np.zeros(n_examples, dtype=np.int64),
        end=np.zeros(n_examples, dtype=np.int64),
        score=np.full(n_examples, -np.inf),
    )
    example = features.example[winner]
    found = np.isfinite(best[winner])
    result.start[example[found]] = start[winner][found]
    result.end[example[found]] = end[winner][found]
    result.score[example] = best[winner]
    return result


def _best_of_windows(
    tokens: list[np.ndarray],
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    settings: SpanQASettings,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Characters and logit sum of each window's best span, arrays [W]; -inf where none is legal."""
    windows, width = start_logits.shape
    # Small types, and starts separate from ends, because moving memory takes most of the time.
    offsets = np.moveaxis(np.full((2, windows, width), -1, dtype=np.int32), 0, -1)
    for row, array in enumerate(tokens):
        offsets[row, : len(array)] = array
    begins, closes = borders(offsets)
    starts = np.where(begins, start_logits, -np.inf)
    ends = np.where(closes, end_logits, -np.inf)
    # If the best start and the best end make a legal span, no other span is better.
    first, last = starts.argmax(axis=1), ends.argmax(axis=1)
    hard = np.flatnonzero(_too_far(first, last, settings))
    first[hard], last[hard] = _best_pairs(starts[hard], ends[hard], settings)
    rows = np.arange(windows)
    score = starts[rows, first] + ends[rows, last]
    score[_too_far(first, last, settings)] = -np.inf
    return offsets[rows, first, 0], offsets[rows, last, 1], score


def _too_far(first: np.ndarray, last: np.ndarray, settings: SpanQASettings) -> np.ndarray:
    """Whether spans from first to last tokens are longer than any answer, or end before they
    start."""
    # Unsigned, so that an end before its start is farther away than any answer is long.
    return last.astype(np.uint32) - first.astype(np.uint32) >= settings.max_answer_length


def _best_pairs(
    starts: np.ndarray, ends: np.ndarray, settings: SpanQASettings
) -> tuple[np.ndarray, np.ndarray]:
    """The first and last token of each window's best span, from its n-best starts and ends [W, T]:
    arrays [W]. Where no pair makes a legal span, an illegal one."""
    n_best = min(settings.n_best, starts.shape[1])
    top_start, top_end = _largest(starts, n_best), _largest(ends, n_best)
    score = (
        np.take_along_axis(starts, top_start, 1)[:, :, None]
        + np.take_along_axis(ends, top_end, 1)[:, None, :]
    )
    further = _too_far(top_start[:, :, None], top_end[:, None, :], settings)
    np.putmask(score, further, -np.inf)
    choice = score.reshape(len(starts), n_best**2).argmax(axis=1)
    rows = np.arange(len(starts))
    return top_start[rows, choice // n_best], top_end[rows, choice % n_best]


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    """Indices of the n largest values of each row [W, T], largest first, ties in order.

    The same as the first n columns of a stable sort on every machine, but much faster.
    """
    least = -np.partition(-values, n - 1, axis=1)[:, n - 1 : n]
    chosen = values >= least
    exact = chosen.sum(axis=1) == n
    places = np.empty((len(values), n), dtype=np.int64)
    columns = (np.flatnonzero(chosen[exact]) % values.shape[1]).reshape(-1, n)
    order = np.argsort(-np.take_along_axis(values[exact], columns, 1), axis=1, kind="stable")
    places[exact] = np.take_along_axis(columns, order, 1)
    # Rows with ties at the boundary, and those with fewer than n legal tokens.
    places[~exact] = np.argsort(-values[~exact], axis=1, kind="stable")[:, :n]
    return places
