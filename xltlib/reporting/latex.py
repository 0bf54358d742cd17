r"""Tables and text for LaTeX, with packages that every distribution has.

A document that includes them needs `\usepackage[T1]{fontenc}` and the packages of `PACKAGES`.
"""

from __future__ import annotations

import re
import unicodedata
from math import ceil
from typing import NamedTuple

import pandas as pd
from pandas.api.types import is_float_dtype, is_numeric_dtype

from xltlib.reporting.shown import shown

PACKAGES = ("array", "booktabs", "graphicx", "longtable", "pdflscape")

_COMMANDS = {
    **{char: f"\\{char}" for char in "%_&#$}{"},
    **{
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "`": r"\`{}",
        "‘": r"\textquoteleft{}",
        "’": r"\textquoteright{}",
        "“": r"\textquotedblleft{}",
        "”": r"\textquotedblright{}",
        "–": r"\textendash{}",
        "—": r"\textemdash{}",
        "…": r"\textellipsis{}",
        "·": r"$\cdot$",
        "×": r"$\times$",
        "±": r"$\pm$",
        "°": r"$^\circ$",
        "−": "$-$",
        "≥": r"$\geq$",
        "≤": r"$\leq$",
        "≠": r"$\neq$",
        "≈": r"$\approx$",
        "→": r"$\rightarrow$",
        "Δ": r"$\Delta$",
    },
}
# Accents that LaTeX's Latin fonts can set on a letter of Latin-1 or Latin Extended-A (all below
# U+0180), and letters that they have as they are.
_ACCENTS = set("\u0300\u0301\u0302\u0303\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328")
_LETTERS = set("ßæÆœŒøØłŁđĐðÞþı")
_LIGATURES = re.compile(r"(?<=-)-|(?<=,),|(?<=')'")


def escape(text: str) -> str:
    """Text as LaTeX prints it, letter for letter: no command, no ligature that changes it.

    Characters that LaTeX's Latin fonts lack are shown as code points, e.g. [U+0E01].
    """
    flat = re.sub(r"\s", " ", unicodedata.normalize("NFC", text))
    parts = [_character(char) for char in flat]
    return _LIGATURES.sub(lambda found: "{}" + found[0], "".join(parts))


def _character(char: str) -> str:
    if char in _COMMANDS:
        return _COMMANDS[char]
    letter, *accents = [*unicodedata.normalize("NFD", char)]
    plain = letter.isascii() and letter.isprintable()
    accented = len(accents) == 1 and accents[0] in _ACCENTS and char < "\u0180"
    if char in _LETTERS or (plain and (accented or not accents)):
        return char
    return f"[U+{ord(char):04X}]"


def value(text: str) -> str:
    """A number with a true minus sign, or two dashes if it is missing."""
    if not text:
        return "--"
    # After the end of a row, a bracket would begin a length, and a star would vanish.
    return re.sub(r"^(?=[\[*])", "{}", re.sub(r"^-(?=[\d.]+$)", "$-$", escape(text)))


TEXT_WIDTH, TEXT_HEIGHT = 468.0, 648.0
"""In points (6.5 and 9 inches): every table fits a page with a text block of this size."""
SIZES = {"small": 9.0, "footnotesize": 8.0, "scriptsize": 7.0, "tiny": 5.0}
SMALLEST_UPRIGHT = "scriptsize"
"""A table that needs smaller letters is set in landscape on a page of its own."""
SEPARATION = 3.0
"""Points on either side of a column."""
WRAPPED = 24
"""Columns with longer texts are broken into lines."""
LETTER = 0.47
"""A letter's width relative to the font size, averaged over digits and text in Times."""
PAGE = 40
"""Tables with more lines continue over several pages."""


def table(frame: pd.DataFrame, *, caption: str, label: str) -> str:
    """A table with booktabs rules, its caption and its label.

    Values that are the same in every row go into the caption. Long cells are broken into lines, and
    the font is as small as the width requires. A table that is still too wide is set in landscape,
    and one that is too long for a page continues over several.
    """
    columns, alike = _split(frame)
    texts = shown(frame[columns])
    layout = _layout(texts)
    if alike:
        caption += f" In every row: {', '.join(alike)}."
    formats, heads = [], {}
    for name in columns:
        side = "r" if is_numeric_dtype(frame[name]) else "l"
        if name in layout.widths:
            formats.append(rf">{{\raggedright\arraybackslash}}p{{{layout.widths[name]:.1f}pt}}")
            heads[name] = escape(name)
        else:
            formats.append(side)
            heads[name] = _stacked(name, side)
    body = texts.map(value).rename(columns=heads).style.hide(axis="index")
    look = rf"\{layout.size}\setlength{{\tabcolsep}}{{{SEPARATION:g}pt}}"
    options = {"hrules": True, "column_format": "".join(formats)}
    if layout.lying or _lines(texts, layout) > PAGE:
        long = body.to_latex(
            environment="longtable", caption=escape(caption), label=label, **options
        )
        long = f"{{{look}\\setlength{{\\LTcapwidth}}{{\\linewidth}}\n{long}}}\n"
        return f"\\begin{{landscape}}\n{long}\\end{{landscape}}\n" if layout.lying else long
    return (
        "\\begin{table}[htbp]\n\\centering\n"
        f"\\caption{{{escape(caption)}}}\n\\label{{{label}}}\n\\smallskip{look}\n"
        f"{body.to_latex(**options)}\\end{{table}}\n"
    )


def _split(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The columns that distinguish rows or measure something, and the others as `name = value`."""
    columns, alike = [], []
    for name in frame.columns:
        values = frame[name]
        if values.isna().all():
            continue
        if len(frame) > 1 and not is_float_dtype(values) and values.astype(str).nunique() == 1:
            alike.append(f"{name} = {values.iloc[0]}")
        else:
            columns.append(name)
    return columns, alike


class _Layout(NamedTuple):
    """The font size, the widths of the broken columns in points, and whether it is in landscape."""

    size: str
    widths: dict[str, float]
    lying: bool


def _layout(texts: pd.DataFrame) -> _Layout:
    names = list(texts.columns)
    head = {name: max(map(len, _words(name))) for name in names}
    longest = {name: max(map(len, texts[name])) for name in names}
    wrapped = [name for name in names if longest[name] > WRAPPED]
    # A broken column must hold its longest word.
    least = {
        name: max([head[name], *(len(w) for text in texts[name] for w in re.split(r"[\s-]", text))])
        for name in wrapped
    }
    fixed = sum(max(head[name], longest[name]) for name in names if name not in wrapped)
    wanted = fixed + sum(max(0.75 * WRAPPED, least[name]) for name in wrapped)
    gaps = 2 * SEPARATION * len(names)
    sizes = list(SIZES)
    upright = sizes[: sizes.index(SMALLEST_UPRIGHT) + 1]
    ways = [(size, TEXT_WIDTH) for size in upright] + [(size, TEXT_HEIGHT) for size in sizes]
    fitting = (way for way in ways if wanted * LETTER * SIZES[way[0]] <= way[1] - gaps)
    size, width = next(fitting, ways[-1])
    letter = LETTER * SIZES[size]
    spare = max(0.0, (width - gaps) / letter - fixed - sum(least.values()))
    wish = {name: min(longest[name], 3 * WRAPPED) - least[name] for name in wrapped}
    share = min(1.0, spare / (sum(wish.values()) or 1.0))
    widths = {name: letter * (least[name] + share * wish[name]) for name in wrapped}
    return _Layout(size, widths, lying=width == TEXT_HEIGHT)


def _lines(texts: pd.DataFrame, layout: _Layout) -> int:
    """The approximate number of lines that the rows need."""
    letter = LETTER * SIZES[layout.size]
    letters = {name: points / letter for name, points in layout.widths.items()}
    rows = texts.to_dict("records")
    return sum(max([1, *(ceil(len(row[n]) / letters[n]) for n in letters)]) for row in rows)


def _words(name: str) -> list[str]:
    """The parts of a column's name that may be set on separate lines."""
    return re.findall(r"[^\s+]+|\+[^\s+]*", name) or [name]


def _stacked(name: str, side: str) -> str:
    words = [escape(word) for word in _words(name)]
    lines = r"\\".join(words)
    return lines if len(words) == 1 else rf"\shortstack[{side}]{{{lines}}}"
