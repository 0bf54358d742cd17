"""Where an answer is in its passage."""

from __future__ import annotations


def nearest_place(context: str, text: str, start: int) -> int:
    """Offset of the occurrence of a text nearest to `start`, the earlier if tied; -1 if there is
    none."""
    if not text:
        return -1
    start = max(0, min(start, len(context)))
    after = context.find(text, start)
    # Reversed, because `str.rfind` takes quadratic time on repetitive texts.
    rest = len(context) - start - len(text) + 1
    mirrored = context[::-1].find(text[::-1], max(0, rest))
    before = len(context) - mirrored - len(text) if mirrored >= 0 else -1
    if after < 0 or before < 0:
        return max(after, before)
    return before if start - before <= after - start else after


def stripped_span(start: int, text: str) -> tuple[int, int]:
    """First and last character (exclusive) of an answer without the white space around it."""
    begins = start + len(text) - len(text.lstrip())
    return begins, begins + len(text.strip())
