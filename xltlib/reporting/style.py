"""The style of all figures: Okabe-Ito colours with a marker for each arm, at print size.

The colours are safe for colour-blind readers, and markers distinguish the arms in grey. Every
figure states its units, profile, n and seeds, whether its data are synthetic, and the run that made
it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from textwrap import wrap
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image


@dataclass(frozen=True)
class Provenance:
    """The origin of numbers, stated by every figure and every table of the paper."""

    profile: str
    encoder: str
    synthetic: bool
    seeds: tuple[int, ...]
    fingerprint: str

    def __str__(self) -> str:
        data = "synthetic data (mini)" if self.synthetic else "real data"
        seeds = f"seed{'s' if len(self.seeds) > 1 else ''} {', '.join(map(str, self.seeds))}"
        where = f"profile {self.profile}, {self.encoder}"
        return f"{where}, {data}, {seeds}, run {self.fingerprint}"


# Okabe and Ito 2008, from dark to light, so that the order is visible in grey print.
STYLES = {
    "none": ("#000000", "o"),
    "english": ("#0072B2", "s"),
    "multilingual": ("#D55E00", "^"),
    "multilingual+targets": ("#E69F00", "D"),
}
COLORS, MARKERS = ("#009E73", "#CC79A7", "#56B4E9", "#999999"), "vPX*<>phd"
"""Styles for arms and methods that a profile adds: 36 pairs, since 4 and 9 share no factor."""
METHODS = dict(zip(("adv", "rs-rp", "rs-da"), zip(COLORS, MARKERS, strict=False), strict=False))
THEME = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("paper", font_scale=0.9),
    "axes.titlesize": "medium",
    "figure.dpi": 100,
}


def png(figure: Figure, dpi: int = 200) -> bytes:
    """A figure as PNG with 256 colours, a third of the size; the same figure gives the same
    bytes."""
    image = Image.open(BytesIO(_rendered(figure, "png", dpi=dpi))).convert("RGB")
    buffer = BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(
        buffer, format="png", optimize=True, dpi=(dpi, dpi)
    )
    return buffer.getvalue()


def pdf(figure: Figure) -> bytes:
    """A figure as PDF with letters as text; the same figure gives the same bytes."""
    with rc_context({"pdf.fonttype": 42}):
        return _rendered(figure, "pdf", metadata={"CreationDate": None})


def _rendered(figure: Figure, format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=format, **options)
    return buffer.getvalue()


def styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The colour and marker of each arm or method: fixed for the study's own, assigned in turn to
    others."""
    names, fixed = list(names), STYLES | METHODS
    others = [name for name in names if name not in fixed]
    return {name: fixed[name] for name in names if name in fixed} | {
        name: (COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(others)
    }


MAX_WIDTH, MAX_HEIGHT = 7.2, 9.0
"""Width and height of a page's text block in inches, so that text is printed at its true size."""


LEAST_HEIGHT = 1.6
"""The least height of a row of panels, in inches."""


LETTERS = 14.5
"""Letters of a title that fit in an inch."""


NOTHING = "nothing here has enough questions to be drawn"


def canvas(widths: Iterable[float], height: float = 2.7) -> tuple[Figure, list[Axes]]:
    """A figure with as many panels side by side as fit, made without pyplot's global state.

    All panels share the vertical axis; the first of each row has the label.
    """
    rows: list[list[float]] = []
    for width in widths:
        if not rows or sum(rows[-1]) + width > MAX_WIDTH:
            rows.append([])
        rows[-1].append(width)
    if not rows:
        figure = Figure(figsize=(MAX_WIDTH, LEAST_HEIGHT), layout="constrained")
        figure.text(0.5, 0.5, NOTHING, ha="center", va="center")
        return figure, []
    # Space for the title, the legend and the axis labels.
    height = min(height, max(LEAST_HEIGHT, (MAX_HEIGHT - 1.0) / len(rows)))
    figure = Figure(figsize=(MAX_WIDTH, height * len(rows) + 1.0), layout="constrained")
    lines = figure.add_gridspec(len(rows), 1)
    panels: list[Axes] = []
    widest = max(map(sum, rows))
    for i, row in enumerate(rows):
        rest = widest - sum(row)
        ratios = [*row, rest] if rest > 1 else row
        places = lines[i].subgridspec(1, len(ratios), width_ratios=ratios)
        for j in range(len(row)):
            panels.append(figure.add_subplot(places[j], sharey=panels[0] if panels else None))
            panels[-1].tick_params(labelleft=j == 0)
    return figure, panels


def least_to_most(least: int, most: int) -> str:
    """A number, or the range of several."""
    return f"{least}" if least == most else f"{least} to {most}"


def is_first_of_row(axes: Axes) -> bool:
    """Whether a panel of a `canvas` begins a row and thus has the label of the vertical axis."""
    place = axes.get_subplotspec()
    return place is not None and place.is_first_col()


def rows_of(panels: Iterable[Axes]) -> list[list[Axes]]:
    """The panels of a `canvas`, row by row."""
    rows: list[list[Axes]] = []
    for axes in panels:
        if is_first_of_row(axes):
            rows.append([])
        rows[-1].append(axes)
    return rows


def titled(figure: Figure, title: str, about: Provenance) -> Figure:
    """The figure with its title and, below that, the origin of its numbers; long lines are
    broken."""
    letters = int(LETTERS * figure.get_figwidth())
    lines = [part for line in (*title.split("\n"), str(about)) for part in wrap(line, letters)]
    figure.suptitle("\n".join(lines), fontsize="medium")
    return figure


def legend(figure: Figure, arms: list[str], extra: Iterable[Line2D] = ()) -> None:
    """A legend below the panels with every arm's style and any other handles."""
    handles = [
        Line2D([], [], color=color, marker=marker, linestyle="", label=arm)
        for arm, (color, marker) in styles(arms).items()
    ]
    handles += list(extra)
    columns = _columns([str(handle.get_label()) for handle in handles], figure.get_figwidth())
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def _columns(labels: list[str], width: float) -> int:
    """The largest number of columns in which a legend fits into a width in inches.

    A column is as wide as its longest label: about 0.08 inches for a letter, and 0.55 for the rest.
    """
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(np.array(labels), columns)
        if sum(0.55 + 0.08 * max(map(len, part)) for part in parts) <= width:
            return columns
    return 1


def shifts(count: int) -> np.ndarray:
    """Offsets that put the arms of one language side by side."""
    return np.linspace(-0.24, 0.24, count) if count > 1 else np.zeros(1)
