"""Heat maps between languages: rank consistency, and transfer of probes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import rc_context
from matplotlib.figure import Figure

from xltlib.analysis.tables import arms_in, language_order
from xltlib.reporting.style import MAX_WIDTH, THEME, Provenance, canvas, titled


def consistency_map(table: pd.DataFrame, *, about: Provenance) -> Figure:
    """Corrected RankC of every pair of languages of one model; the diagonal is uninformative."""
    languages = language_order({*table["language 1"], *table["language 2"]})
    grid = pd.DataFrame(np.nan, index=languages, columns=languages)
    for row in table.to_dict("records"):
        one, other = row["language 1"], row["language 2"]
        grid.loc[one, other] = grid.loc[other, one] = row["corrected"]
    corpus, model, n = table[["corpus", "model", "n"]].iloc[0]
    return _heat_map(
        grid,
        axes=("language", "language"),
        label="RankC (points; 0 is chance, 100 the same ranking)",
        title=f"Rank consistency of parallel candidates ({corpus}, model {model}; n={n} each)",
        about=about,
    )


def probe_map(table: pd.DataFrame, *, about: Provenance) -> Figure:
    """Accuracy of a probe trained on one language and tested on another."""
    languages = language_order(set(table["trained on"]))
    grid = table.pivot(index="trained on", columns="tested on", values="accuracy")
    least, most = table["n"].min(), table["n"].max()
    n = f"n={least}" if least == most else f"n={least} to {most}"
    return _heat_map(
        grid.loc[languages, languages],
        axes=("trained on", "tested on"),
        label="accuracy (points)",
        title=f"A linear probe for tags, in its own language and in others ({n} words each)",
        about=about,
    )


def _heat_map(
    grid: pd.DataFrame,
    *,
    axes: tuple[str, str],
    label: str,
    title: str,
    about: Provenance,
) -> Figure:
    """A square heat map with a number in each square."""
    # Three digits at the size of the labels fit into a square.
    size = max(2.2, 0.7 + 0.3 * len(grid))
    with rc_context(THEME):
        figure, (panel,) = canvas([size], height=size)
        # The square is narrower than the page: this layout closes the gap beside it.
        figure.set_layout_engine("compressed")
        sns.heatmap(
            grid,
            ax=panel,
            cmap="cividis",
            annot=True,
            fmt=".0f",
            annot_kws={"size": "small"},
            square=True,
            cbar=False,
        )
        panel.grid(visible=False)
        panel.set_ylabel(axes[0])
        panel.set_xlabel(axes[1])
        panel.tick_params(axis="both", rotation=0)
        figure.colorbar(panel.collections[0], ax=panel, label=label)
        return titled(figure, title, about)


def change_from_none(table: pd.DataFrame, *, about: Provenance) -> Figure | None:
    """Each arm's changes in every measure, by language, on one scale; None if there are none.

    Args:
        table: `changes`.
    """
    measures = [name for name in POINTS if table[name].notna().any()] if len(table) else []
    if not measures:
        return None
    arms, languages = arms_in(table), language_order(set(table["language"]))
    most = max(1.0, float(np.nanmax(np.abs(table[measures].to_numpy(float)))))
    with rc_context(THEME):
        figure = Figure(
            figsize=(MAX_WIDTH, 1.4 + (0.6 + 0.28 * len(arms)) * len(measures)),
            layout="constrained",
        )
        panels = figure.subplots(len(measures), sharex=True, squeeze=False)[:, 0]
        for panel, name in zip(panels, measures, strict=True):
            grid = table.pivot(index="arm", columns="language", values=name)
            sns.heatmap(
                grid.reindex(index=arms, columns=languages),
                ax=panel,
                cmap="PuOr",
                vmin=-most,
                vmax=most,
                annot=True,
                fmt="+.0f",
                annot_kws={"size": "small"},
                cbar=False,
            )
            panel.set_title(name, fontsize="small", loc="left")
            panel.set(xlabel="", ylabel="")
            panel.grid(visible=False)
            panel.tick_params(axis="both", rotation=0)
        bar = figure.colorbar(panels[0].collections[0], ax=list(panels), label="change (points)")
        bar.outline.set_visible(False)
        title = "Representation: each arm minus none, mean over seeds"
        return titled(figure, title, about)


POINTS = {"retrieval": 1.0, "margin": 100.0, "rank consistency": 1.0, "probe": 1.0, "rotation": 1.0}
"""The measures, and the factor that converts each to points from 0 to 100."""


def changes(measures: pd.DataFrame) -> pd.DataFrame:
    """Each arm's measures by language minus those of `none`, in points, means over `n` seeds.

    Args:
        measures: columns arm, seed, language and the measures of `POINTS`.
    """
    means = measures.groupby(["arm", "language"])[list(POINTS)].mean()
    if "none" not in means.index.get_level_values("arm"):
        return pd.DataFrame(columns=["arm", "language", *POINTS, "n"])
    base = means.xs("none", level="arm").reindex(means.index.get_level_values("language"))
    change = (means - base.to_numpy()) * pd.Series(POINTS)
    change["n"] = measures.groupby(["arm", "language"])["seed"].nunique()
    return change.drop(index="none", level="arm").reset_index()
