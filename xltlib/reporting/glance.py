"""The study's answer and its uncertainty at a glance, in two figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from xltlib.analysis.blocks import MIN_EXAMPLES
from xltlib.analysis.intervals import MIN_SEEDS
from xltlib.analysis.robustness import MEASURES, fitted_line, predicted
from xltlib.analysis.tables import MACRO, arms_in
from xltlib.analysis.verdict import NOT_ANSWERED, matters_of
from xltlib.reporting.style import (
    MAX_WIDTH,
    NOTHING,
    STYLES,
    THEME,
    Provenance,
    canvas,
    is_first_of_row,
    legend,
    styles,
    titled,
)
from xltlib.text_files import number_of

BAND = "#DDDDDD"
WIDEST = 6.0
"""The limit of an axis, as a multiple of the smallest effect that would matter. It is extended for
estimates beyond it; longer intervals end in an arrowhead."""


def interval_axis(
    axes: Axes, rows: Sequence[Mapping[str, Any]], smallest: Sequence[float], color: str
) -> None:
    """Draw estimates with intervals, one below another, with a line at zero and the band of
    differences too small to matter.

    Args:
        rows: estimate, low, high and detectable; NaN if unknown.
        smallest: for each row, the smallest effect that would matter.
    """
    estimates = [abs(row["estimate"]) for row in rows if row["estimate"] == row["estimate"]]
    reach = max([1.5 * one for one in estimates] + [WIDEST * max(smallest)])
    widest = [abs(row[end]) for row in rows for end in ("low", "high") if row[end] == row[end]]
    reach = min(reach, max([1.1 * one for one in widest] + [2 * max(smallest)]))
    reach = max([reach] + [1.1 * one for one in estimates])
    axes.axvline(0, color="#666666", lw=1, ls="--")
    for y, (row, least) in enumerate(zip(rows, smallest, strict=True)):
        axes.fill_betweenx([y - 0.5, y + 0.5], -least, least, color=BAND, lw=0, zorder=0)
        if row["low"] == row["low"]:
            ends = np.clip([row["low"], row["high"]], -reach, reach)
            axes.hlines(y, *ends, color=color, lw=2)
            for end, side in ((row["low"], "<"), (row["high"], ">")):
                if abs(end) > reach:
                    axes.plot(np.sign(end) * reach, y, side, color=color, ms=6, clip_on=False)
            for sign in (-1, 1):
                if abs(row["detectable"]) <= reach:  # NaN with one seed
                    axes.plot(sign * row["detectable"], y, "|", color="#000000", ms=9, mew=1.2)
        known = row["low"] == row["low"]
        axes.plot(
            row["estimate"], y, "D", color=color, ms=6, mfc=color if known else "white", zorder=3
        )
    axes.set_xlim(-reach, reach)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def interval_legend(
    figure: Figure, rows: Sequence[Mapping[str, Any]], level: float, color: str
) -> None:
    """The legend of a figure of `interval_axis`.

    Args:
        rows: all rows that it shows.
        level: of the intervals, in percent.
    """
    handles: list[Artist] = [
        Line2D([], [], marker="D", lw=2, color=color, label=f"{level:.0f} % interval"),
        Patch(color=BAND, label="too small to matter"),
    ]
    if any(row["low"] != row["low"] and row["estimate"] == row["estimate"] for row in rows):
        hollow = Line2D([], [], marker="D", lw=0, mfc="white", color=color, label="no interval")
        handles.append(hollow)
    if any(row["detectable"] == row["detectable"] for row in rows):
        handles.append(Line2D([], [], marker="|", lw=0, color="#000000", label=DETECTABLE))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)


DETECTABLE = "minimum detectable effect (80 % power)"


def in_words(row: Mapping[str, Any], smallest: float, *, synthetic: bool = False) -> str:
    """The meaning of one interval, in a few words; none where there is no p-value, or where the
    claim that the row belongs to is not answered."""
    if row["low"] != row["low"]:
        return str(row["why not"]) or "no interval"
    if synthetic:
        return "no verdict: synthetic"
    if row["seeds"] < MIN_SEEDS:
        return f"no verdict: {number_of(row['seeds'], 'seed')}"
    if row.get("kind") == NOT_ANSWERED:
        return "no verdict: not answered"
    matters = matters_of(row["low"], row["high"], smallest)
    if row["low"] > 0 or row["high"] < 0:
        side = "higher" if row["low"] > 0 else "lower"
        return f"{side}, {matters}" if matters != "open" else f"{side}; size open"
    return "no difference shown" if matters == "open" else matters


def answer(
    contrasts: pd.DataFrame,
    primary: Mapping[str, Any] | None,
    *,
    smallest: Mapping[str, float],
    about: Provenance,
) -> Figure:
    """The first contrast: clean F1, the primary outcome, and the share of clean F1 kept under each
    condition.

    Args:
        contrasts: `xltlib.analysis.contrasts.table`.
        primary: the record of the primary claim, whose verdict is in the title.
        smallest: by unit, the smallest effect that would matter.
    """
    rows = contrasts[contrasts["language"] == MACRO]
    pair = rows["contrast"].iloc[0]
    rows = rows[rows["contrast"] == pair]
    parts = [
        (measure, part.to_dict("records"))
        for measure in ("clean", "share kept")
        if len(part := rows[(rows["measured"] == measure) & (rows["n"] >= MIN_EXAMPLES)])
    ]
    for measure, part in parts:
        part[:0] = _primary_row(primary, pair, measure)
    heights = [0.8 + len(part) for _, part in parts]
    title = f"{pair.replace(' - ', ' minus ')}: {_verdict(primary, pair)}"
    with rc_context(THEME):
        figure = Figure(figsize=(MAX_WIDTH, 1.5 + 0.38 * sum(heights)), layout="constrained")
        panels = figure.subplots(max(1, len(parts)), height_ratios=heights or [1], squeeze=False)
        for axes, (measure, part) in zip(panels[:, 0], parts, strict=False):
            unit = smallest[MEASURES[measure].unit]
            interval_axis(axes, part, [unit] * len(part), STYLES["multilingual"][0])
            labels = [
                f"{'clean, ' if measure == 'clean' else ''}{row['condition']}\n"
                f"n={row['n']}, {number_of(row['seeds'], 'seed')}"
                for row in part
            ]
            axes.set_yticks(range(len(part)), labels)
            words = "F1 (points)" if measure == "clean" else "share of clean F1 kept (points)"
            axes.set_xlabel(f"{pair.replace(' - ', ' minus ')}: {words}")
            for y, row in enumerate(part):
                axes.annotate(
                    in_words(row, unit, synthetic=about.synthetic),
                    (1.025, y),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    fontsize="small",
                    annotation_clip=False,
                )
        if not parts:
            panels[0, 0].set_axis_off()
            panels[0, 0].text(0.5, 0.5, NOTHING, ha="center", transform=panels[0, 0].transAxes)
        drawn = [row for _, part in parts for row in part]
        interval_legend(figure, drawn, rows["level (%)"].iloc[0], STYLES["multilingual"][0])
        return titled(figure, title, about)


def _verdict(primary: Mapping[str, Any] | None, pair: str) -> str:
    """The verdict on the primary claim, if it compares the pair that the figure shows."""
    if primary is None:
        return "no primary claim"
    line = primary["lines"][0]
    if line["compared"] not in ("", pair):
        return "exploratory"
    return f"{line['kind']} (other rows: exploratory)"


def _primary_row(
    primary: Mapping[str, Any] | None, pair: str, measure: str
) -> list[dict[str, Any]]:
    """The primary outcome as a row of the panel of its measure; empty in the other panel."""
    if not primary or primary["unit"] != MEASURES[measure].words:
        return []
    line = primary["lines"][0]
    found = line["interval"]
    if not found or line["compared"] != pair:
        return []
    numbers = ("estimate", "low", "high", "detectable")
    row = {name: np.nan if found[name] is None else found[name] for name in numbers}
    names = {"n": found["n_examples"], "seeds": found["n_seeds"], "why not": found["why_not"]}
    names |= {"kind": line["kind"]}
    kind = "static sets" if primary["conditions"] == "static" else "attacks"
    what = "all test sets" if measure == "clean" else f"mean of {kind}"
    return [row | names | {"condition": f"primary: {what}"}]


def effective_robustness(points: pd.DataFrame, *, about: Provenance) -> Figure:
    """Attacked against clean F1: one panel per condition, with one point per arm and seed, and the
    fitted line.

    Small grey points are the languages of each model, to which the line is fitted (logit scale).

    Args:
        points: `xltlib.analysis.robustness.points` with the condition's name in `attack`.
    """
    points = points[points["n"] >= MIN_EXAMPLES]
    names, arms = list(dict.fromkeys(points["attack"])), arms_in(points)
    with rc_context(THEME):
        figure, panels = canvas([2.3] * len(names), height=2.5)
        for axes, name in zip(panels, names, strict=False):
            part = points[points["attack"] == name]
            axes.plot(
                100 * part["original_f1"], 100 * part["attacked_f1"], ".", color="#BBBBBB", ms=3
            )
            means = part.groupby(["arm", "seed"])[["original_f1", "attacked_f1"]].mean()
            for arm, (color, marker) in styles(arms).items():
                if arm in means.index:
                    own = 100 * means.loc[arm]
                    axes.plot(
                        own["original_f1"], own["attacked_f1"], marker, color=color, ms=5, alpha=0.9
                    )
            line = fitted_line(part)
            if line is not None:
                low, high = part["original_f1"].min(), part["original_f1"].max()
                x = np.linspace(max(low, 0.01), min(high, 0.99), 50)
                axes.plot(100 * x, 100 * predicted(x, line), color="#444444", lw=1)
            most = int(part.groupby(["arm", "seed"])["n"].sum().max())
            axes.set_title(f"{name} (n={most})")
            axes.set_xlabel("clean F1 (points)")
            if is_first_of_row(axes):
                axes.set_ylabel("F1 under the condition (points)")
        grey = Line2D([], [], marker=".", lw=0, color="#BBBBBB", label="one language")
        fit = Line2D([], [], color="#444444", lw=1, label="fitted line")
        legend(figure, arms, [grey, fit])
        title = "Effective robustness: the height above the line (a point per arm and seed)"
        return titled(figure, title, about)
