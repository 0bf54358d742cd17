"""Tables and sentences as a reader sees them: numbers rounded, columns aligned."""

from __future__ import annotations

import pandas as pd
from IPython.display import HTML, Markdown
from pandas.api.types import is_float_dtype

UP_TO_ONE = ("p", "translations", "others", "margin", "syntactic", "Spearman's")
"""The first words of columns that hold p-values, cosines, correlations and distances."""
COUNTS = ("n", "seeds")


def decimals(column: str) -> int:
    """Digits after the point: three for what lies within 1, none for counts, one for points.

    Counts are no integers where some row has none.
    """
    first = column.split()[0]
    return 3 if first in UP_TO_ONE else 0 if first in COUNTS else 1


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as text, every number as it is printed; what is missing is empty."""
    texts = frame.astype(object)
    for name in frame.columns:
        form = f".{decimals(name)}f" if is_float_dtype(frame[name]) else ""
        texts[name] = ["" if pd.isna(value) else format(value, form) for value in frame[name]]
    return texts


def style(frame: pd.DataFrame, caption: str = "") -> HTML:
    """A table ready to read, no text cut short; the same HTML for the same data.

    Texts of corpora are shown as they are: what looks like HTML in them is escaped. Wide tables
    scroll.
    """
    formats = {name: f"{{:.{decimals(name)}f}}" for name in frame.select_dtypes("float").columns}
    words = list(frame.select_dtypes(exclude="number").columns)
    table = frame.style.set_uuid("table").format(formats, na_rep="", escape="html")
    table = table.format_index(escape="html", axis="columns").hide(axis="index")
    table = table.set_properties(subset=words, **{"text-align": "left"})
    html = (table.set_caption(caption) if caption else table).to_html()
    return HTML(f'<div style="overflow-x: auto">{html}</div>')


def sentences(lines: list[str]) -> Markdown:
    """Sentences as a list."""
    return Markdown("\n".join(f"- {line}" for line in lines))
