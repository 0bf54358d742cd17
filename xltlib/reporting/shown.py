"""Tables and sentences as a reader sees them: numbers rounded, columns aligned."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown
from pandas.api.types import is_float_dtype

UP_TO_ONE = ("p", "translations", "others", "margin", "syntactic", "Spearman's")
"""The first words of columns that hold p-values, cosines, correlations and distances."""
COUNTS = ("n", "seeds")


def decimals(column: str) -> int:
    """Decimal places: three for values within 1, none for counts, one for points.

    Counts are floats if some row has none.
    """
    first = column.split()[0]
    return 3 if first in UP_TO_ONE else 0 if first in COUNTS else 1


def printed(column: str, value: float) -> str:
    """A number of a column; never "-0.0", nor a p-value of zero."""
    if column.split()[0] == "p" and value < 0.0005:
        return "<0.001"
    return format(value, f"z.{decimals(column)}f")


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as text, with numbers as printed and missing values empty."""
    texts = frame.astype(object)
    for name in frame.columns:
        text = partial(printed, name) if is_float_dtype(frame[name]) else str
        texts[name] = ["" if pd.isna(value) else text(value) for value in frame[name]]
    return texts


def ordered(rows: list[dict[str, Any]], first: Iterable[str]) -> pd.DataFrame:
    """Rows from a JSON file as a table that begins with some columns; JSON sorts them by name."""
    table, names = pd.DataFrame(rows), list(first)
    return table.reindex(columns=[*names, *table.columns.difference(names, sort=False)])


def style(frame: pd.DataFrame, caption: str = "") -> HTML:
    """A table for reading, with all texts in full; the same data give the same HTML.

    Texts of corpora are shown literally: anything in them that looks like HTML is escaped. Wide and
    long tables scroll. Text columns are aligned by inline styles, because JupyterLab removes style
    sheets from notebooks that it does not trust.
    """
    formats = {name: partial(printed, name) for name in frame.select_dtypes("float").columns}
    words = [str(frame.columns.get_loc(name)) for name in frame.select_dtypes(exclude="number")]
    table = frame.style.set_uuid("table").format(formats, na_rep="", escape="html")
    table = table.format_index(escape="html", axis="columns").hide(axis="index")
    html = (table.set_caption(caption) if caption else table).to_html()
    if words:
        of_words = re.compile(rf'class="[^"]*\bcol(?:{"|".join(words)})"')
        html = of_words.sub(r'\g<0> style="text-align: left"', html)
    return HTML(f'<div style="overflow: auto; max-height: 36rem">{html}</div>')


def sentences(lines: list[str]) -> Markdown:
    """Sentences as a list."""
    return Markdown("\n".join(f"- {line}" for line in lines))
