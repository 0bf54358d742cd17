"""Figures of the study: points in the Okabe-Ito colours with a marker for each arm.

Colours are safe for the colour-blind, and markers tell the arms apart in grey. Every figure says
its units, its profile, n and seeds, and whether its data is synthetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xltlib.analysis.tables import (
    MACRO,
    arms_in,
    language_order,
    under_attack,
)
from xltlib.analysis.tables import (
    success_rate as success_table,
)

# Okabe and Ito 2008; from dark to light, so that grey print keeps an order too.
STYLES = {
    "none": ("#000000", "o"),
    "english": ("#0072B2", "s"),
    "multilingual": ("#D55E00", "^"),
    "multilingual+targets": ("#E69F00", "D"),
}
OTHERS = (("#009E73", "v"), ("#CC79A7", "P"), ("#56B4E9", "X"), ("#999999", "*"))
"""For arms and methods that a profile adds."""
THEME = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("paper", font_scale=1.1),
    "axes.titlesize": "medium",
    "figure.dpi": 100,
}


def png(figure: Figure, dpi: int = 150) -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each arm: the study's own, and the others in turn."""
    names = list(names)
    others = [name for name in names if name not in STYLES]
    return {name: STYLES[name] for name in names if name in STYLES} | {
        name: OTHERS[i % len(OTHERS)] for i, name in enumerate(others)
    }


MAX_WIDTH = 14.0


def _canvas(widths: Iterable[float], height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side, in rows where they do not fit, without pyplot's state.

    A row's panels share an axis, and its first one has the label.
    """
    widths = list(widths)
    fit = max(1, int((MAX_WIDTH - 1.2) // max(widths)))
    columns = len(widths) if sum(widths) + 1.2 <= MAX_WIDTH else min(fit, len(widths))
    rows = -(-len(widths) // columns)
    ratios = widths if rows == 1 else [max(widths)] * columns
    size = (min(MAX_WIDTH, max(6.5, 1.2 + sum(ratios))), height * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False, width_ratios=ratios).ravel()
    for empty in axes[len(widths) :]:
        empty.set_visible(False)
    return figure, list(axes[: len(widths)])


def _title(figure: Figure, title: str, profile: str, synthetic: bool, seeds: Iterable[int]) -> None:
    """Title, and below it where the numbers come from."""
    data = "synthetic data (mini)" if synthetic else "real data"
    named = sorted(set(seeds))
    run = f"seed{'s' if len(named) > 1 else ''} {', '.join(map(str, named))}"
    figure.suptitle(f"{title}\nprofile {profile}, {data}, {run}", fontsize="medium")


def _legend(figure: Figure, arms: list[str], extra: Iterable[Line2D] = ()) -> None:
    handles = [
        Line2D([], [], color=color, marker=marker, linestyle="", label=arm)
        for arm, (color, marker) in styles(arms).items()
    ]
    handles += list(extra)
    columns = min(len(handles), int(figure.get_figwidth() // 1.6))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def _panels(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame, list[str]]]:
    """A panel a corpus: its rows and languages."""
    return [
        (str(corpus), part, language_order(set(part["language"])))
        for corpus, part in frame.groupby("corpus", sort=True)
    ]


def _frame(axes: Axes, corpus: str, part: pd.DataFrame, languages: list[str]) -> None:
    """Panel title and language codes with the number of questions, once where all have as many."""
    counts = part.groupby("language")["id"].nunique()
    if counts.nunique() == 1:
        labels, title = languages, f"{corpus} (n={counts.iloc[0]} each)"
    else:
        labels, title = [f"{code}\nn={counts[code]}" for code in languages], corpus
    if len(languages) == 1:
        title = title.removesuffix(" each)") + ")"
    axes.set_title(title)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.grid(axis="x", visible=False)


def _shifts(count: int) -> np.ndarray:
    """Offsets that set the arms of one language side by side."""
    return np.linspace(-0.24, 0.24, count) if count > 1 else np.zeros(1)


def _by_arm_and_language(
    frame: pd.DataFrame,
    draw: Callable[[Axes, float, tuple[str, str, str], dict[str, Any]], None],
    title: str,
    ylabel: str,
    *,
    profile: str,
    synthetic: bool,
    legend: Iterable[Line2D] = (),
) -> Figure:
    """A panel a corpus, languages along it, the arms of a language side by side.

    `draw` gets the axes, the place on them, (corpus, arm, language), and the arm's style.
    """
    from matplotlib import rc_context

    panels, arms = _panels(frame), arms_in(frame)
    looks = styles(arms)
    with rc_context(THEME):
        figure, all_axes = _canvas([1.2 + 0.5 * len(p[2]) for p in panels])
        for axes, (corpus, part, languages) in zip(all_axes, panels, strict=True):
            for shift, arm in zip(_shifts(len(arms)), arms, strict=True):
                color, marker = looks[arm]
                style = {"color": color, "marker": marker, "ms": 5.5, "linestyle": ""}
                there = set(part.loc[part["arm"] == arm, "language"])
                for x, language in enumerate(languages):
                    if language in there:
                        draw(axes, x + shift, (corpus, arm, language), style)
            _frame(axes, corpus, part, languages)
            if axes.get_subplotspec().is_first_col():
                axes.set_ylabel(ylabel)
        _title(figure, title, profile, synthetic, frame["seed"])
        _legend(figure, arms, legend)
    return figure


def _means(
    frame: pd.DataFrame, value: str, title: str, ylabel: str, *, profile: str, synthetic: bool
) -> Figure:
    """Mean over seeds by language and arm; thin lines span the seeds."""
    by_seed = frame.groupby(["corpus", "arm", "language", "seed"])[value].mean()

    def draw(axes: Axes, x: float, place: tuple[str, str, str], style: dict[str, Any]) -> None:
        points = by_seed.loc[place]
        axes.vlines(x, points.min(), points.max(), color=style["color"], lw=1)
        axes.plot(x, points.mean(), **style)

    return _by_arm_and_language(frame, draw, title, ylabel, profile=profile, synthetic=synthetic)


def scores_by_language(clean: pd.DataFrame, *, profile: str, synthetic: bool) -> Figure:
    """Zero-shot F1 by language and arm."""
    points = clean.assign(points=100 * clean["f1"])
    title = "Zero-shot F1 by language and intermediate arm (bars span the seeds)"
    return _means(
        points, "points", title, "F1 (points, 0-100)", profile=profile, synthetic=synthetic
    )


def _by_attack(attacked: pd.DataFrame) -> pd.DataFrame:
    """Attacked questions with a panel for each attack on each corpus."""
    return attacked.assign(corpus=attacked["attack"] + " on " + attacked["corpus"])


def drop(attacked: pd.DataFrame, *, profile: str, synthetic: bool) -> Figure:
    """F1 lost to the attack by language and arm."""
    attacked = _by_attack(attacked)
    lost = attacked.assign(lost=100 * (attacked["original_f1"] - attacked["attacked_f1"]))
    title = "F1 lost under attack (bars span the seeds)"
    return _means(lost, "lost", title, "drop in F1 (points)", profile=profile, synthetic=synthetic)


def clean_and_attacked(attacked: pd.DataFrame, *, profile: str, synthetic: bool) -> Figure:
    """F1 of the attacked questions before (filled) and after (hollow), by language and arm."""
    attacked = _by_attack(attacked)
    rows = under_attack(attacked).set_index(["corpus", "arm", "language"])

    def draw(axes: Axes, x: float, place: tuple[str, str, str], style: dict[str, Any]) -> None:
        before, after = rows.loc[place, ["clean f1", "attacked f1"]]
        axes.vlines(x, after, before, color=style["color"], lw=0.8)
        axes.plot(x, before, **style)
        axes.plot(x, after, **style, mfc="white")

    grey = {"color": "#666666", "marker": "o", "linestyle": ""}
    return _by_arm_and_language(
        attacked,
        draw,
        "F1 of the attacked questions, clean and under attack (mean over seeds)",
        "F1 (points, 0-100)",
        profile=profile,
        synthetic=synthetic,
        legend=[
            Line2D([], [], **grey, label="clean"),
            Line2D([], [], **grey, mfc="white", label="attacked"),
        ],
    )


def success_rate(attacked: pd.DataFrame, *, profile: str, synthetic: bool) -> Figure:
    """Attack success rate by language and arm with Wilson's 95 % interval."""
    attacked = _by_attack(attacked)
    rows = success_table(attacked).set_index(["corpus", "arm", "language"])

    def draw(axes: Axes, x: float, place: tuple[str, str, str], style: dict[str, Any]) -> None:
        row = rows.loc[place]
        axes.set_ylim(-4, 104)
        if row["n"]:
            axes.vlines(x, row["low"], row["high"], color=style["color"], lw=0.8)
            axes.plot(x, row["success rate"], **style)

    return _by_arm_and_language(
        attacked,
        draw,
        "Attack success rate among questions answered right\n"
        "(n: questions given to the attack; lines: 95 % Wilson interval)",
        "attack success rate (%)",
        profile=profile,
        synthetic=synthetic,
    )


def contrast(table: pd.DataFrame, *, profile: str, synthetic: bool) -> Figure:
    """Macro contrasts with their bootstrap intervals, a panel a pair of arms.

    A point without a line has too few questions for an interval.
    """
    from matplotlib import rc_context

    rows = table[table["language"] == MACRO]
    pairs = list(dict.fromkeys(rows["contrast"]))
    measures = [
        f"{measured}, {on} (n={n})"
        for measured, on, n in rows.loc[
            rows["contrast"] == pairs[0], ["measured", "on", "n"]
        ].values
    ]
    with rc_context(THEME):
        size = (3.2 + 2.6 * len(pairs), 1.9 + 0.3 * len(measures))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(pairs), sharex=True, sharey=True, squeeze=False)[0]
        for axes, pair in zip(panels, pairs, strict=True):
            headline = pair == "multilingual - english"
            color = STYLES["multilingual"][0] if headline else "#000000"
            axes.axvline(0, color="#666666", lw=1, ls="--")
            for y, row in enumerate(rows[rows["contrast"] == pair].itertuples()):
                axes.hlines(y, row.low, row.high, color=color, lw=2)
                axes.plot(row.estimate, y, "D" if headline else "o", color=color, ms=5)
            axes.set_title(pair.replace(" - ", "\nminus "))
        panels[0].set_yticks(range(len(measures)), measures)
        panels[0].set_ylim(len(measures) - 0.5, -0.5)
        level = rows["level (%)"].iloc[0]
        figure.supxlabel(
            f"difference in F1 (points), {level:.0f} % paired bootstrap interval", fontsize="medium"
        )
        title = "Contrasts between arms, macro over zero-shot languages"
        seeds = f"{rows['seeds'].max()} seed{'s' if rows['seeds'].max() > 1 else ''}"
        data = "synthetic data (mini)" if synthetic else "real data"
        figure.suptitle(f"{title}\nprofile {profile}, {data}, {seeds}", fontsize="medium")
    return figure


def pair_heat_map(
    pairs: pd.DataFrame, *, seeds: Iterable[int], profile: str, synthetic: bool
) -> Figure:
    """Accuracy of every ordered pair of languages, a panel a model, one scale for all."""
    from matplotlib import rc_context

    models = list(pairs.groupby(["arm", "method"], sort=False))
    languages = language_order(set(pairs["sentence1"]))
    size = 1.0 + 0.62 * len(languages)
    with rc_context(THEME):
        figure = Figure(
            figsize=(max(6.5, 1.2 + size * len(models)), 1.7 + size), layout="constrained"
        )
        panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
        scale = {"vmin": pairs["accuracy"].min(), "vmax": pairs["accuracy"].max()}
        for axes, ((arm, method), part) in zip(panels, models, strict=True):
            grid = part.pivot(index="sentence1", columns="sentence2", values="accuracy")
            sns.heatmap(
                grid.loc[languages, languages],
                ax=axes,
                cmap="cividis",
                annot=len(languages) <= 10,
                fmt=".1f",
                square=True,
                cbar=axes is panels[-1],
                cbar_kws={"label": "accuracy (points)"},
                **scale,
            )
            axes.set_title(f"{method}\n(arm {arm})")
            axes.set_xlabel("sentence 2")
            axes.set_ylabel("sentence 1" if axes is panels[0] else "")
        corpus, n = pairs["corpus"].iloc[0], pairs["n"].iloc[0]
        title = f"{corpus}: accuracy by languages of both sentences (n={n} each, mean over seeds)"
        _title(figure, title, profile, synthetic, seeds)
    return figure


def transfer_gains(
    means: pd.DataFrame, *, seeds: Iterable[int], profile: str, synthetic: bool
) -> Figure:
    """What each robust method gains over standard training, with bootstrap intervals."""
    from matplotlib import rc_context

    gains = means[means["gain"].notna()]
    models = list(dict.fromkeys(zip(gains["arm"], gains["method"], strict=True)))
    looks = styles([f"{method} (arm {arm})" for arm, method in models])
    views = list(dict.fromkeys(gains["pairs"]))
    with rc_context(THEME):
        figure = Figure(figsize=(7.5, 1.9 + 0.45 * max(1, len(views))), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color="#666666", lw=1, ls="--")
        for shift, (arm, method) in zip(_shifts(len(models)), models, strict=False):
            color, marker = looks[f"{method} (arm {arm})"]
            own = gains[(gains["arm"] == arm) & (gains["method"] == method)]
            for row in own.to_dict("records"):
                y = views.index(row["pairs"]) + shift
                axes.hlines(y, row["low"], row["high"], color=color, lw=1.5)
                axes.plot(row["gain"], y, marker, color=color, ms=5.5)
        counts = gains.groupby("pairs")["n pairs"].first()
        axes.set_yticks(range(len(views)), [f"{view} ({counts[view]})" for view in views])
        axes.set_ylim(max(1, len(views)) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("gain in accuracy over standard training (points), bootstrap interval")
        if not models:
            axes.text(0.5, 0.5, "no robust method here", ha="center", transform=axes.transAxes)
        else:
            _legend(figure, list(looks))
        corpus, n = means["corpus"].iloc[0], means["n"].iloc[0]
        title = f"{corpus}: what robust training gains (pairs of languages averaged; n={n} items)"
        _title(figure, title, profile, synthetic, seeds)
    return figure


def attack_transfer(table: pd.DataFrame, *, profile: str, synthetic: bool) -> Figure:
    """How many examples made against one model break another, a panel an attack."""
    from matplotlib import rc_context

    attacks = list(table.groupby("attack", sort=False))
    models = arms_in(table.rename(columns={"tested on": "arm"}))
    size = 1.4 + 0.75 * len(models)
    with rc_context(THEME):
        figure, panels = _canvas([size + 0.4] * len(attacks), height=size + 0.6)
        for axes, (attack, part) in zip(panels, attacks, strict=True):
            grids = [
                part.pivot(index="made against", columns="tested on", values=name).reindex(
                    index=models, columns=models
                )
                for name in ("broken", "n")
            ]
            labels = grids[0].map("{:.0f}".format) + "\nn=" + grids[1].map("{:.0f}".format)
            sns.heatmap(
                grids[0],
                ax=axes,
                cmap="cividis",
                vmin=0,
                vmax=100,
                annot=labels,
                fmt="",
                square=True,
                cbar_kws={"label": "broken (%)"},
            )
            axes.set_title(attack)
            axes.set_ylabel("made against")
        title = "Attacked examples made against one model, tested on another"
        data = "synthetic data (mini)" if synthetic else "real data"
        figure.suptitle(f"{title}\nprofile {profile}, {data}", fontsize="medium")
    return figure


def training_loss(losses: list[dict[str, float]], title: str) -> Figure:
    """Training loss by optimiser step."""
    from matplotlib import rc_context

    with rc_context(THEME):
        figure = Figure(figsize=(6.0, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot([p["step"] for p in losses], [p["loss"] for p in losses], "o-", color="#0072B2")
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("training loss (nats)")
        axes.set_title(title)
        if not losses:
            axes.text(0.5, 0.5, "no training in this arm", ha="center", transform=axes.transAxes)
    return figure
