"""Reliability: exact match against the probability that models give their answers."""

from __future__ import annotations

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from xltlib.analysis.calibration import CLEAN, MIN_IN_BIN
from xltlib.analysis.tables import arms_in
from xltlib.reporting.style import (
    THEME,
    Provenance,
    canvas,
    is_first_of_row,
    least_to_most,
    legend,
    styles,
    titled,
)


def figure(table: pd.DataFrame, *, about: Provenance) -> Figure | None:
    """One panel per corpus and condition, with one line per arm; None without points.

    Args:
        table: `xltlib.analysis.calibration.reliability`.
    """
    if not len(table):
        return None
    panels = sorted(
        table.groupby(["corpus", "condition"]), key=lambda one: (one[0][0], one[0][1] != CLEAN)
    )
    arms = arms_in(table)
    with rc_context(THEME):
        figure, all_axes = canvas([2.3] * len(panels), height=2.3)
        for axes, ((corpus, condition), part) in zip(all_axes, panels, strict=True):
            axes.plot([0, 1], [0, 1], color="#999999", lw=0.8, linestyle="--")
            for arm, (color, marker) in styles(arms).items():
                own = part[part["arm"] == arm].sort_values("probability")
                axes.plot(
                    own["probability"],
                    own["em"],
                    marker=marker,
                    color=color,
                    ms=3.5,
                    lw=0.8,
                    clip_on=False,
                )
            answers = part.groupby("arm")["n"].sum()
            n = least_to_most(answers.min(), answers.max())
            axes.set_title(f"{corpus}, {condition}\n(n={n})", fontsize="small")
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.set_xlabel("probability of the answer")
            if is_first_of_row(axes):
                axes.set_ylabel("share of exact matches")
        legend(figure, arms)
        title = (
            "Reliability without English: on the dashed line, confidence equals accuracy\n"
            f"(n: answers of an arm, all seeds together, in bins of at least {MIN_IN_BIN})"
        )
        return titled(figure, title, about)
