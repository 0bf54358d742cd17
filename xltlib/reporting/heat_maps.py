"""Figures of pairs: accuracy by pair of languages, changes by methods, transfer of attacks."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib import rc_context
from matplotlib.figure import Figure

from xltlib.analysis.tables import arms_in, language_order
from xltlib.reporting.style import (
    MAX_WIDTH,
    THEME,
    Provenance,
    canvas,
    legend,
    rows_of,
    shifts,
    styles,
    titled,
)


def pair_heat_map(pairs: pd.DataFrame, *, about: Provenance) -> Figure:
    """Accuracy on every ordered pair of languages, one panel per model, all on one scale."""
    models = list(pairs.groupby(["arm", "method"], sort=False))
    languages = language_order(set(pairs["sentence1"]))
    # As many panels per row as legible numbers allow; with many languages, colours suffice.
    numbered = len(languages) <= 10
    size = max(1.7, 0.4 + 0.34 * len(languages)) if numbered else 3.2
    # Rather than alone in a second row, the last of three panels stands beside smaller ones.
    tight = (MAX_WIDTH - 0.7) / 3
    if len(models) == 3 and tight < size <= 1.3 * tight:
        size = tight
    with rc_context(THEME):
        figure, panels = canvas([size] * len(models), height=size + 0.6)
        scale = {"vmin": pairs["accuracy"].min(), "vmax": pairs["accuracy"].max()}
        for axes, ((arm, method), part) in zip(panels, models, strict=True):
            grid = part.pivot(index="sentence1", columns="sentence2", values="accuracy")
            sns.heatmap(
                grid.loc[languages, languages],
                ax=axes,
                cmap="cividis",
                annot=numbered,
                annot_kws={"size": "x-small" if size == tight else "small"},
                fmt=".1f",
                square=True,
                cbar=False,
                **scale,
            )
            axes.set_title(f"{method}\n(arm {arm})")
            axes.set_xlabel("sentence 2")
            axes.set_ylabel("sentence 1")
            axes.label_outer()
        # One colour scale per row, because the layout has no room for one beside several rows.
        for beside in rows_of(panels):
            figure.colorbar(beside[0].collections[0], ax=beside, label="accuracy (points)")
        corpus, n = pairs["corpus"].iloc[0], pairs["n"].iloc[0]
        title = f"{corpus}: accuracy by languages of both sentences (n={n} each, mean over seeds)"
        return titled(figure, title, about)


def transfer_gains(means: pd.DataFrame, *, about: Provenance) -> Figure:
    """Each robust method minus standard training, with intervals.

    Args:
        means: `xltlib.analysis.generalised.mean_table`, of one corpus.
    """
    gains = means[means["gain"].notna()]
    models = list(dict.fromkeys(zip(gains["arm"], gains["method"], strict=True)))
    arms = {arm for arm, _ in models}
    named = [method if len(arms) == 1 else f"{method} (arm {arm})" for arm, method in models]
    looks = styles(named)
    views = list(dict.fromkeys(gains["pairs"]))
    with rc_context(THEME):
        figure = Figure(figsize=(MAX_WIDTH, 1.9 + 0.45 * max(1, len(views))), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color="#666666", lw=1, ls="--")
        for shift, (arm, method), name in zip(shifts(len(models)), models, named, strict=False):
            color, marker = looks[name]
            own = gains[(gains["arm"] == arm) & (gains["method"] == method)]
            for row in own.to_dict("records"):
                y = views.index(row["pairs"]) + shift
                axes.hlines(y, row["low"], row["high"], color=color, lw=1.5)
                face = color if row["low"] == row["low"] else "white"
                axes.plot(row["gain"], y, marker, color=color, mfc=face, ms=5.5)
        counts = gains.groupby("pairs")["n pairs"].first()
        axes.set_yticks(range(len(views)), [f"{view} ({counts[view]})" for view in views])
        axes.set_ylim(max(1, len(views)) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        label = "accuracy, difference from standard training (points)"
        if not models:
            axes.text(0.5, 0.5, "no robust method here", ha="center", transform=axes.transAxes)
        else:
            label += f", {gains['level (%)'].iloc[0]:.0f} % interval"
            label += "; hollow: no interval" if gains["low"].isna().any() else ""
            legend(figure, list(looks))
        axes.set_xlabel(label)
        corpus, n = means["corpus"].iloc[0], means["n"].iloc[0]
        title = (
            f"{corpus}: robust minus standard training (pairs of languages averaged; n={n} items)"
        )
        return titled(figure, title, about)


def attack_transfer(table: pd.DataFrame, *, about: Provenance) -> Figure:
    """How many examples made against one model break another, one panel per attack."""
    attacks = list(table.groupby("attack", sort=False))
    models = arms_in(table.rename(columns={"tested on": "arm"}))
    # Room for three attacks on four models, with the models' names below and beside them.
    size = 0.55 * len(models)
    with rc_context(THEME):
        figure, panels = canvas([size] * len(attacks), height=size + 1.0)
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
                annot_kws={"size": "x-small"},
                cbar=False,
            )
            axes.set_title(attack)
            axes.set_ylabel("made against")
            axes.tick_params(axis="x", rotation=45)
            for label in axes.get_xticklabels():
                label.set(horizontalalignment="right", rotation_mode="anchor")
            axes.tick_params(axis="y", rotation=0)
            axes.label_outer(remove_inner_ticks=False)
        title = "Examples attacked against one model that also break another (%, and n tried)"
        return titled(figure, title, about)
