"""Figures of the arms: scores by language, clean and attacked, and the contrasts between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xltlib.analysis.blocks import MIN_EXAMPLES
from xltlib.analysis.robustness import MEASURES
from xltlib.analysis.tables import MACRO, arms_in, language_order
from xltlib.reporting.glance import interval_axis, interval_legend
from xltlib.reporting.style import (
    MAX_WIDTH,
    STYLES,
    THEME,
    Provenance,
    canvas,
    is_first_of_row,
    least_to_most,
    legend,
    shifts,
    styles,
    titled,
)
from xltlib.text_files import number_of


def _panels(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame, list[str]]]:
    """The rows and languages of each panel (one per corpus, or per attack on a corpus); panels with
    the most arms come first."""
    attacked = "attack" in rows
    names = rows["attack"] + " on " + rows["corpus"] if attacked else rows["corpus"]
    panels = [
        (str(name), part, language_order(set(part["language"])))
        for name, part in rows.groupby(names, sort=True)
    ]
    return sorted(panels, key=lambda panel: -panel[1]["arm"].nunique())


def _width(part: pd.DataFrame, languages: list[str]) -> float:
    """The width of a panel in inches, in which a language's arms and its n fit side by side."""
    counted = part["n"].nunique() > 1
    of_language = max(0.12 + 0.08 * part["arm"].nunique(), 0.5 if counted else 0.0)
    return max(1.2, 0.6 + len(languages) * of_language)


def _frame(axes: Axes, name: str, part: pd.DataFrame, languages: list[str]) -> None:
    """Panel title and language codes with n: once if all have the same, else for each or as a
    range."""
    width = _width(part, languages)
    if width < 2:
        lines = name.replace(" on ", "\non ").replace("/", "/\n").splitlines()
        name = "\n".join(fill(line, round(14 * width)) for line in lines)
    by_language = part.groupby("language")["n"].agg(["min", "max"])
    least, most = by_language["min"].min(), by_language["max"].max()
    labels = languages
    if least == most:
        name += f"\n(n={least}{' each' if len(languages) > 1 else ''})"
    elif (by_language["min"] == by_language["max"]).all():
        labels = [f"{code}\nn={by_language['min'][code]}" for code in languages]
    else:
        name += f"\n(n={least_to_most(least, most)})"
    axes.set_title(name)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.grid(axis="x", visible=False)


def _by_arm_and_language(
    rows: pd.DataFrame,
    draw: Callable[[Axes, float, pd.Series, dict[str, Any]], None],
    title: str,
    ylabel: str,
    *,
    about: Provenance,
    extra: Iterable[Line2D] = (),
) -> Figure:
    """One panel per corpus or attack, with languages along it and the arms of a language side by
    side.

    Points with fewer than `MIN_EXAMPLES` questions are not drawn.

    Args:
        rows: one per arm and language: corpus, optionally attack, arm, language, n, and the values
            to draw.
        draw: called with the axes, the position on them, the row, and the arm's style.
    """
    rows = rows[rows["n"] >= MIN_EXAMPLES]
    panels, arms = _panels(rows), arms_in(rows)
    looks = styles(arms)
    with rc_context(THEME):
        figure, all_axes = canvas([_width(part, languages) for _, part, languages in panels])
        for axes, (name, part, languages) in zip(all_axes, panels, strict=True):
            here = arms_in(part)
            shift = dict(zip(here, shifts(len(here)), strict=True))
            for _, row in part.iterrows():
                color, marker = looks[row["arm"]]
                style = {"color": color, "marker": marker, "ms": 4.5, "linestyle": ""}
                draw(axes, languages.index(row["language"]) + shift[row["arm"]], row, style)
            _frame(axes, name, part, languages)
            if is_first_of_row(axes):
                axes.set_ylabel(ylabel)
        legend(figure, arms, extra)
        return titled(figure, title, about)


def scores_by_language(clean: pd.DataFrame, *, about: Provenance) -> Figure:
    """Zero-shot F1 by language and arm; thin lines span the seeds."""
    keys = ["corpus", "arm", "language"]
    by_seed = 100 * clean.groupby([*keys, "seed"])["f1"].mean()
    rows = by_seed.groupby(keys).agg(["mean", "min", "max"])
    rows = rows.assign(n=clean.groupby(keys)["id"].nunique()).reset_index()

    def draw(axes: Axes, x: float, row: pd.Series, style: dict[str, Any]) -> None:
        axes.vlines(x, row["min"], row["max"], color=style["color"], lw=1)
        axes.plot(x, row["mean"], **style)

    title = "Zero-shot F1 by language and intermediate arm"
    title += " (bars span the seeds)" if clean["seed"].nunique() > 1 else ""
    return _by_arm_and_language(rows, draw, title, "F1 (points, 0-100)", about=about)


def scores_of_model(scores: pd.DataFrame, metric: str, *, about: Provenance) -> Figure:
    """One model's scores by test set and language.

    Args:
        scores: columns corpus, arm, language, n, and the metric in points.
    """

    def draw(axes: Axes, x: float, row: pd.Series, style: dict[str, Any]) -> None:
        axes.plot(x, row[metric], **style)

    name = metric.upper() if metric in ("f1", "em") else metric
    title, label = f"{name} by test set and language", f"{name} (points, 0-100)"
    return _by_arm_and_language(scores, draw, title, label, about=about)


def clean_and_attacked(under_attack: pd.DataFrame, *, about: Provenance) -> Figure:
    """F1 of the attacked questions before (filled) and after (hollow), by language and arm.

    Args:
        under_attack: `xltlib.analysis.tables.under_attack`.
    """

    def draw(axes: Axes, x: float, row: pd.Series, style: dict[str, Any]) -> None:
        axes.vlines(x, row["attacked f1"], row["clean f1"], color=style["color"], lw=0.8)
        axes.plot(x, row["clean f1"], **style)
        axes.plot(x, row["attacked f1"], **style, mfc="white")

    mark = partial(Line2D, [], [], color="#666666", marker="o", linestyle="")
    return _by_arm_and_language(
        under_attack,
        draw,
        "F1 of the attacked questions, clean and under attack (mean over seeds)",
        "F1 (points, 0-100)",
        about=about,
        extra=[
            mark(label="clean"),
            mark(mfc="white", label="attacked"),
        ],
    )


def success_rate(success: pd.DataFrame, *, about: Provenance) -> Figure:
    """Attack success rate by language and arm with Wilson's 95 % interval.

    Args:
        success: `xltlib.analysis.tables.success_rate`.
    """

    def draw(axes: Axes, x: float, row: pd.Series, style: dict[str, Any]) -> None:
        axes.set_ylim(-4, 104)
        if row["n"]:
            axes.vlines(x, row["low"], row["high"], color=style["color"], lw=0.8)
            axes.plot(x, row["success rate"], **style)

    return _by_arm_and_language(
        success,
        draw,
        "Attack success rate among questions answered correctly\n"
        "(n: those of all seeds; lines: 95 % Wilson interval)",
        "attack success rate (%)",
        about=about,
    )


def contrast(table: pd.DataFrame, *, smallest: Mapping[str, float], about: Provenance) -> Figure:
    """Macro contrasts of F1 and of the share kept: one row per condition, one panel per pair of
    arms.

    Args:
        table: `xltlib.analysis.contrasts.table`.
        smallest: by unit, the smallest effect that would matter.
    """
    shown = ("clean", "change", "share kept", "effective robustness")
    rows = table[(table["language"] == MACRO) & table["measured"].isin(shown)]
    rows = rows[rows["n"] >= MIN_EXAMPLES]
    pairs = list(dict.fromkeys(rows["contrast"]))
    lines = list(dict.fromkeys(zip(rows["measured"], rows["condition"], strict=True)))
    with rc_context(THEME):
        figure = Figure(figsize=(MAX_WIDTH, 1.7 + 0.36 * len(lines)), layout="constrained")
        panels = figure.subplots(1, max(1, len(pairs)), sharey=True, squeeze=False)[0]
        for axes, pair in zip(panels, pairs, strict=False):
            own = rows[rows["contrast"] == pair].set_index(["measured", "condition"])
            empty = {"estimate": np.nan, "low": np.nan, "high": np.nan, "detectable": np.nan}
            part = [dict(own.loc[line]) if line in own.index else empty for line in lines]
            bands = [smallest[MEASURES[measure].unit] for measure, _ in lines]
            interval_axis(axes, part, bands, STYLES["multilingual"][0])
            seeds = number_of(int(own["seeds"].max()), "seed")
            arms = (part.replace("+", "+ ").replace("-", "- ") for part in pair.split(" - "))
            wrapped = (fill(arm, max(12, 100 // len(pairs))) for arm in arms)
            name = "\nminus ".join(wrapped).replace("- ", "-").replace("+ ", "+")
            axes.set_title(f"{name}\n{seeds}", fontsize="small")
        counts = rows.groupby(["measured", "condition"])["n"].agg(["min", "max"])
        labels = [
            f"{measure}\n{condition}, n={least_to_most(*counts.loc[(measure, condition)])}"
            for measure, condition in lines
        ]
        panels[0].set_yticks(range(len(lines)), labels, fontsize="small")
        if len(rows):
            level = rows["level (%)"].iloc[0]
            interval_legend(figure, rows.to_dict("records"), level, STYLES["multilingual"][0])
        title = "All contrasts between arms, in points, mean over languages (exploratory)"
        return titled(figure, title, about)


def verdicts(records: list[dict[str, Any]], *, about: Provenance) -> Figure | None:
    """Every comparison of every claim with its interval, one panel per unit; None if there are
    none.

    Args:
        records: `xltlib.analysis.verdict.Verdict.record`.
    """
    panels: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for record in records:
        for line in record["lines"]:
            if line["interval"] is not None:
                panels.setdefault(record["unit"], []).append((record, line))
    if not panels:
        return None
    heights = [1.2 + len(rows) for rows in panels.values()]
    color, drawn = STYLES["english"][0], list[dict[str, Any]]()
    with rc_context(THEME):
        figure = Figure(figsize=(MAX_WIDTH, 1.0 + 0.42 * sum(heights)), layout="constrained")
        all_axes = figure.subplots(len(panels), height_ratios=heights, squeeze=False)[:, 0]
        for axes, (unit, rows) in zip(all_axes, panels.items(), strict=True):
            known: list[dict[str, Any]] = [
                {k: np.nan if v is None else v for k, v in line["interval"].items()}
                for _, line in rows
            ]
            interval_axis(axes, known, [record["smallest"] for record, _ in rows], color)
            labels = [
                f"{record['name']}\n{line['compared']}, "
                f"n={one['n_examples']}, {number_of(one['n_seeds'], 'seed')}"
                for (record, line), one in zip(rows, known, strict=True)
            ]
            axes.set_yticks(range(len(rows)), labels, fontsize="small")
            for y, (_, line) in enumerate(rows):
                axes.annotate(
                    line["kind"].replace(" by this profile", ""),
                    (1.025, y),
                    xycoords=("axes fraction", "data"),
                    fontsize="small",
                    va="center",
                    annotation_clip=False,
                )
            axes.set_xlabel(f"effect ({unit})")
            drawn += known
        interval_legend(figure, drawn, 100 * drawn[0]["level"], color)
        title = "What this profile finds for each claim"
        empty = [record["name"] for record in records if record["lines"][0]["interval"] is None]
        if empty:
            title += f"\n(nothing to compare for: {', '.join(empty)})"
        return titled(figure, title, about)


def training_loss(losses: list[dict[str, float]], title: str) -> Figure:
    """Training loss by optimiser step."""
    with rc_context(THEME):
        figure = Figure(figsize=(6.0, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot([p["step"] for p in losses], [p["loss"] for p in losses], "o-", color="#0072B2")
        axes.locator_params(axis="x", integer=True)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("training loss (nats)")
        axes.set_title(title)
        if not losses:
            axes.text(0.5, 0.5, "no training in this arm", ha="center", transform=axes.transAxes)
    return figure
