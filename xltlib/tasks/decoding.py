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
    lengths = np.array([len(offsets) for offsets in tokens])
    rows, offsets = np.arange(len(tokens)), np.concatenate(tokens)
    # All windows in a row, the characters of each after those of the one before.
    after = np.repeat(rows * (offsets.max() + 1), lengths)[:, None]
    begins, closes = borders(offsets + after)
    inside = np.arange(start_logits.shape[1]) < lengths[:, None]
    starts, ends = np.full((2, *start_logits.shape), -np.inf, dtype=start_logits.dtype)
    starts[inside] = np.where(begins, start_logits[inside], -np.inf)
    ends[inside] = np.where(closes, end_logits[inside], -np.inf)
    longest, n_best = settings.max_answer_length, settings.n_best
    first, last, score = _best_pairs(starts, ends, longest)
    # The best of all pairs is nearly always one of an n-best start and an n-best end.
    low_start = (starts >= starts[rows, first][:, None]).sum(axis=1) > n_best
    low_end = (ends >= ends[rows, last][:, None]).sum(axis=1) > n_best
    if (unsure := np.flatnonzero(low_start | low_end)).size:
        likely = (_n_best(values[unsure], n_best) for values in (starts, ends))
        first[unsure], last[unsure], score[unsure] = _best_pairs(*likely, longest)
    places = np.cumsum(lengths) - lengths
    return offsets[places + first, 0], offsets[places + last, 1], score


def _best_pairs(
    starts: np.ndarray, ends: np.ndarray, longest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row's start and end [W] with the largest sum, at most `longest` tokens; and the sum.

    Of equal sums the one with the largest start wins, then the first start, then the first end.

    Args:
        starts, ends: [W, T], -inf for tokens that cannot be a start or an end.
    """
    further = np.pad(ends, ((0, 0), (0, longest - 1)), constant_values=-np.inf)
    reach, size = further, 1  # the largest of the `size` ends from each token on
    while size < longest:
        step = min(size, longest - size)
        reach = np.maximum(reach[:, :-step], reach[:, step:])
        size += step
    total = starts + reach
    score = total.max(axis=1)
    first = np.where(total == score[:, None], starts, -np.inf).argmax(axis=1)
    reached = np.take_along_axis(further, first[:, None] + np.arange(longest), 1)
    last = np.minimum(first + reached.argmax(axis=1), starts.shape[1] - 1)
    return first, last, score


def _n_best(values: np.ndarray, n: int) -> np.ndarray:
    """Rows with -inf in place of all but the n largest values, of equal ones the first."""
    best = np.argsort(-values, axis=1, kind="stable")[:, :n]
    kept = np.full_like(values, -np.inf)
    np.put_along_axis(kept, best, np.take_along_axis(values, best, 1), 1)
    return kept
