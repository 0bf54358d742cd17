"""A figure of alignment and distance against the loss under attack."""

from __future__ import annotations

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from xltlib.analysis.relation import DISTANCE, KEYS, OUTCOMES
from xltlib.analysis.tables import arms_in
from xltlib.reporting.style import (
    THEME,
    Provenance,
    canvas,
    is_first_of_row,
    legend,
    styles,
    titled,
)
from xltlib.text_files import number_of

UNITS = {
    "retrieval": "points",
    "margin": "cosine",
    "rank consistency": "points",
    "probe": "points",
    "rotation": "points of F1",
    DISTANCE: "0 to 1",
}


def figure(table: pd.DataFrame, *, about: Provenance) -> Figure | None:
    """Each measure against the drop in F1, with one point per arm and language; None without
    points.

    Args:
        table: `by_language`.
    """
    shown = [
        name
        for name in table.columns.difference([*KEYS, *OUTCOMES, "Latin script", "n"], sort=False)
        if len(table[[name, "drop in f1"]].dropna())
    ]
    if not shown:
        return None
    arms = arms_in(table)
    with rc_context(THEME):
        figure, panels = canvas([2.3] * len(shown), height=2.3)
        for axes, name in zip(panels, shown, strict=True):
            for arm, (color, marker) in styles(arms).items():
                own = table[table["arm"] == arm]
                axes.plot(own[name], own["drop in f1"], marker, color=color, ms=4, alpha=0.8)
            for row in table[table["arm"] == arms[0]].to_dict("records"):
                if row[name] == row[name] and row["drop in f1"] == row["drop in f1"]:
                    place = (row[name], row["drop in f1"])
                    axes.annotate(
                        row["language"],
                        place,
                        (3, 2),
                        textcoords="offset points",
                        fontsize="x-small",
                    )
            n = table.loc[table[[name, "drop in f1"]].notna().all(axis=1), "language"].nunique()
            axes.set_xlabel(f"{name}\n({UNITS[name]}; n={number_of(n, 'language')})")
            if is_first_of_row(axes):
                axes.set_ylabel("drop in F1 under attack (points)")
        legend(figure, arms)
        measures = "Distance" if shown == [DISTANCE] else "Alignment and distance"
        title = f"{measures} against the drop in F1, one point per arm and language"
        return titled(figure, title, about)
