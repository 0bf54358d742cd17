"""Copies of a gold answer in its passage, which no attack may edit."""

from __future__ import annotations

import string
from collections.abc import Iterable
from functools import lru_cache

import regex

from xltlib.attacks.query import occurrences
from xltlib.evaluation import squad

Form = tuple[str, tuple[int, ...]]
"""A text in another form, and the offset in the text that each of its characters comes from."""
# A copy in another form ends where a word does: "US" is no copy in "trust". Scripts without case
# have no other form.
_INSIDE_A_WORD = regex.compile(r"[\p{Cased}\p{M}\p{N}]")


def copies_in(context: str, gold: str) -> list[tuple[int, int]]:
    """The spans [start, end) of all copies of a gold answer, as they overlap.

    They are copies letter by letter, those in another case, and those that SQuAD's rule takes for
    the same, which ignores punctuation and English articles too. An answer without text has none.
    """
    if not gold.strip():
        return []
    found = {(start, start + len(gold)) for start in occurrences(context, gold)}
    same = squad.normalize_answer(gold)
    if same:  # of an answer that normalises to nothing, only the answer itself is right
        found |= _found(context, _folded(context), gold.strip().casefold())
        found |= _found(context, _normalized(context), same.casefold())
    return sorted(found)


def _found(context: str, form: Form, wanted: str) -> set[tuple[int, int]]:
    """Where a text is in a form of the context, as whole words."""
    text, places = form
    spans = ((places[at], places[at + len(wanted) - 1] + 1) for at in occurrences(text, wanted))
    return {
        (start, end)
        for start, end in spans
        if not (_within(context, start) or _within(context, end))
    }


def _within(context: str, border: int) -> bool:
    """Whether an offset is inside a word or a number."""
    beside = context[max(border - 1, 0) : border + 1]
    return len(beside) == 2 and all(map(_INSIDE_A_WORD.match, beside))


@lru_cache(maxsize=16)
def _folded(context: str) -> Form:
    """A text without case."""
    return _form((low, at) for at, char in enumerate(context) for low in char.casefold())


@lru_cache(maxsize=16)
def _normalized(context: str) -> Form:
    """A text as SQuAD's rule compares it: without case, ASCII punctuation and articles."""
    text, places = _folded(context)
    text, places = _form(
        (char, at) for char, at in zip(text, places, strict=True) if char not in string.punctuation
    )
    text = squad.ARTICLES.sub(lambda article: " " * len(article[0]), text)
    before = (" ", *text)
    return _form(
        (" " if char.isspace() else char, at)
        for char, last, at in zip(text, before, places, strict=False)
        if not (char.isspace() and last.isspace())
    )


def _form(characters: Iterable[tuple[str, int]]) -> Form:
    pairs = list(characters)
    return "".join(char for char, _ in pairs), tuple(at for _, at in pairs)
