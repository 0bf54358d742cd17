"""Heat maps of what languages share: rank consistency, and probes that transfer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import rc_context
from matplotlib.figure import Figure

from xltlib.analysis.tables import language_order
from xltlib.reporting.style import THEME, Provenance, canvas, titled


def consistency_map(table: pd.DataFrame, *, about: Provenance) -> Figure:
    """Corrected RankC of every pair of languages of one model; the diagonal says nothing."""
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
    """A square heat map, each number in its square."""
    # A square holds three digits at the size of the labels.
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
