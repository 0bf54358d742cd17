"""Sentences that state numbers, with the numbers stored separately from the words.

A sentence thus changes with its data, and each of its numbers can be traced to its origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log10
from string import Formatter
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """A piece of a sentence's text; `key` names the number that it shows, and is None for words."""

    text: str
    key: str | None = None


@dataclass(frozen=True)
class Sentence:
    """Words with a replacement field for each number, as in `str.format`, and the numbers.

    `name` is unique among the sentences of a stage.
    """

    name: str
    words: str
    numbers: dict[str, Any]

    def __str__(self) -> str:
        return self.words.format_map(self.numbers)

    def pieces(self) -> list[Piece]:
        """Its text in order, with each number separate from the words around it."""
        formatter, pieces = Formatter(), []
        for literal, key, form, conversion in formatter.parse(self.words):
            if literal:
                pieces.append(Piece(literal))
            if key is not None:
                field = f"{{{key}{'!' + conversion if conversion else ''}:{form}}}"
                text = formatter.vformat(field, (), self.numbers)
                is_number = isinstance(self.numbers[key], int | float)
                pieces.append(Piece(text, key if is_number else None))
        return pieces

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Sentence:
        """Rebuild a sentence from the result of `dataclasses.asdict`."""
        return cls(record["name"], record["words"], dict(record["numbers"]))


def counted(key: str, count: int, noun: str, plural: str | None = None) -> str:
    """A replacement field with the noun that it counts, for a sentence: `{n} seeds`."""
    return f"{{{key}}} {noun if count == 1 else plural or noun + 's'}"


def places(smallest: float) -> int:
    """Decimal places that show effects as small as `smallest`: one for points, more for less."""
    return 1 if smallest >= 1 else 1 + ceil(-log10(smallest))


def p_value(key: str, p: float) -> str:
    """A p-value as a replacement field; one that rounds to zero is given by its upper limit."""
    return f", p = {{{key}:.3f}}" if p >= 0.0005 else ", p < 0.001"
