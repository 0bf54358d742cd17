"""Conversion between the tokens of a window and the characters of its context.

Offsets are int arrays [tokens, 2] of character offsets, (-1, -1) outside the context.
"""

from __future__ import annotations

import numpy as np

from xltlib.languages import grapheme_spans


def whole_graphemes(offsets: np.ndarray, context: str) -> np.ndarray:
    """Token offsets [tokens, 2], widened to the grapheme clusters that they touch.

    A tokenizer that composes characters gives "e" and its accent the offsets of "e" alone, and
    others split a cluster, but an answer consists of whole clusters.
    """
    if context.isascii():
        return offsets
    spans = np.asarray(grapheme_spans(context), dtype=np.int64)
    used = _with_characters(offsets)
    widened = offsets.copy()
    widened[used, 0] = spans[offsets[used, 0], 0]
    widened[used, 1] = spans[offsets[used, 1] - 1, 1]
    return widened


def _with_characters(offsets: np.ndarray) -> np.ndarray:
    """Which tokens of offsets [..., tokens, 2] have characters of the context: bool."""
    return (offsets[..., 0] >= 0) & (offsets[..., 1] > offsets[..., 0])


def borders(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which tokens of offsets [..., tokens, 2] can begin an answer, and which can end one: bool.

    If several tokens share a grapheme cluster, the first can begin an answer and the last can end
    it, so that each span of characters is one span of tokens. Tokens are in the order of their
    characters.
    """
    used = _with_characters(offsets)
    begins, ends = used.copy(), used.copy()
    # Neighbours, if what is unused is left out; another row's token is no neighbour.
    places = np.flatnonzero(used)
    row = places // offsets.shape[-2]
    apart = row[1:] != row[:-1]
    first, last = (offsets[..., side].reshape(-1)[places] for side in (0, 1))
    begins.reshape(-1)[places[1:]] = apart | (first[1:] > first[:-1])
    ends.reshape(-1)[places[:-1]] = apart | (last[:-1] < last[1:])
    return begins, ends


def token_span(offsets: np.ndarray, start: int, end: int) -> tuple[int, int] | None:
    """First and last token of the characters [start, end), or None if they are not all in this
    window.

    The span must not begin or end with white space, which tokens do not have. A span that splits a
    grapheme cluster gets the tokens of the whole cluster.
    """
    inside = np.flatnonzero(_with_characters(offsets))
    if inside.size == 0 or start < offsets[inside[0], 0] or end > offsets[inside[-1], 1]:
        return None
    first = inside[offsets[inside, 1] > start][0]
    last = inside[offsets[inside, 0] < end][-1]
    first = inside[offsets[inside, 0] == offsets[first, 0]][0]
    last = inside[offsets[inside, 1] == offsets[last, 1]][-1]
    return int(first), int(last)
