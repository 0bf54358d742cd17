r"""A LaTeX macro for every number that a sentence quotes, so that prose changes with the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xltlib.reporting.latex import escape, value
from xltlib.reporting.sentences import Piece, Sentence

DIGITS = "Zero One Two Three Four Five Six Seven Eight Nine".split()


@dataclass(frozen=True)
class Quote:
    """A sentence, words that identify its place in the study, and its file.

    `about` tells the reader which of several runs it belongs to.
    """

    place: tuple[str, ...]
    sentence: Sentence
    file: str
    about: str = ""


Names = dict[Piece, str]
"""The macro of each number of a sentence."""


def camel(text: str) -> str:
    """Letters only: each word capitalised, digits and the plus sign spelled out."""
    words = re.findall(r"[A-Za-z]+|[0-9]|\+", text)
    return "".join(
        DIGITS[int(w)] if w.isdigit() else "Plus" if w == "+" else w[0].upper() + w[1:]
        for w in words
    )


def names(quotes: Sequence[Quote]) -> list[Names]:
    """A unique macro for each number of each sentence; the same quotes give the same macros."""
    used: set[str] = set()
    found = []
    for quote in quotes:
        own: Names = {}
        for piece in quote.sentence.pieces():
            if piece.key is not None and piece not in own:
                own[piece] = _free("xlt" + "".join(map(camel, (*quote.place, piece.key))), used)
                used.add(own[piece])
        found.append(own)
    return found


def _free(name: str, used: set[str]) -> str:
    """The name, or if it is taken, the first free one with a suffix: B to Z, BB to BZ and so on."""
    tail, free = "", name
    while free in used:
        tail = tail[:-1] + chr(ord(tail[-1]) + 1) if tail and tail[-1] != "Z" else tail + "B"
        free = name + tail
    return free


def definitions(quotes: Sequence[Quote]) -> str:
    """`numbers.tex`: every sentence and its file as comments, followed by its macros."""
    lines = ["% One macro per number; made by `xlt paper`, do not edit."]
    for quote, own in zip(quotes, names(quotes), strict=True):
        if own:
            lines += ["", f"% {_one_line(str(quote.sentence))}", f"% {quote.file}"]
            lines += [f"\\newcommand{{\\{n}}}{{{value(piece.text)}}}" for piece, n in own.items()]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """A text without line breaks, which would end a comment."""
    return " ".join(text.split())


def prose(quote: Quote, own: Names) -> str:
    """The sentence in LaTeX, with a macro in place of each number."""
    return "".join(
        escape(piece.text) if piece.key is None else f"\\{own[piece]}{{}}"
        for piece in quote.sentence.pieces()
    )
