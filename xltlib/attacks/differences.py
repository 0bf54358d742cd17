"""The places where an attacked text differs from its original."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from rapidfuzz.distance import LCSseq, Levenshtein

from xltlib.attacks.query import Spans
from xltlib.languages import words


def edits(original: str, attacked: str) -> list[dict[str, Any]]:
    """The differences between two texts: the old text, the new text, and the offset in the
    original.

    Texts with the same number of words are compared word by word, unless fewer words differ when
    they are aligned. An inserted sentence is one edit. In other cases words and the text between
    them are aligned.
    """
    old, new = words(original), words(attacked)
    if _parts(original)[::2] == _parts(attacked)[::2]:
        by_word = [
            {"old": original[a:b], "new": attacked[c:d], "start": a}
            for (a, b), (c, d) in zip(old, new, strict=True)
            if original[a:b] != attacked[c:d]
        ]
        # An inserted and a removed word together move all words between them, which a replacement
        # of each of them would hide.
        aligned = _by_parts(original, attacked, LCSseq.opcodes)
        return min(by_word, aligned, key=lambda found: sum(map(size, found)))
    start, end = _common_ends(original, attacked, old)
    if start + end == len(original):
        return [{"old": "", "new": attacked[start : len(attacked) - end], "start": start}]
    return _by_parts(original, attacked)


def size(edit: dict[str, Any]) -> int:
    """The number of words that an edit changes or inserts."""
    return max(1, *(len(words(edit[side])) for side in ("old", "new")))


def _common_ends(original: str, attacked: str, old: Spans) -> tuple[int, int]:
    """The number of characters that two texts share at the beginning and at the end, in whole
    words."""
    shorter = min(len(original), len(attacked))
    start = next((i for i in range(shorter) if original[i] != attacked[i]), shorter)
    # Inserted text may begin like the text after it; never cut an old word because of that.
    start = next((a for a, b in old if a < start < b), start)
    end = 0
    while (
        end < shorter - start
        and original[len(original) - 1 - end] == attacked[len(attacked) - 1 - end]
    ):
        end += 1
    return start, end


def _by_parts(
    original: str, attacked: str, align: Callable[[list[str], list[str]], Any] = Levenshtein.opcodes
) -> list[dict[str, Any]]:
    """The places where two texts differ after aligning words and the text between them."""
    old, new = _parts(original), _parts(attacked)
    found: list[dict[str, Any]] = []
    for step in align(old, new):
        if step.tag == "equal":
            continue
        at = len("".join(old[: step.src_start]))
        before = "".join(old[step.src_start : step.src_end])
        after = "".join(new[step.dest_start : step.dest_end])
        if not before and not after:  # there is nothing between two words that touch
            continue
        if found and found[-1]["start"] + len(found[-1]["old"]) == at:
            found[-1] = {
                "old": found[-1]["old"] + before,
                "new": found[-1]["new"] + after,
                "start": found[-1]["start"],
            }
        else:
            found.append({"old": before, "new": after, "start": at})
    return found


def _parts(text: str) -> list[str]:
    """A text as a list of words (odd positions) and the text between them (even positions)."""
    borders = [0, *(place for span in words(text) for place in span), len(text)]
    return [text[a:b] for a, b in pairwise(borders)]
