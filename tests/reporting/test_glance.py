"""The figures that open the report."""

import math

import pandas as pd
import pytest
from matplotlib.figure import Figure

from xltlib.analysis.robustness import MEASURES
from xltlib.analysis.tables import MACRO
from xltlib.reporting import glance, style

ABOUT = style.Provenance("tydiqa", "me5-small", False, (1, 2, 3), "0123456789abcdef")
SMALLEST = {"f1": 2.0, "kept": 3.0}
ROW = {"estimate": 1.0, "low": -1.0, "high": 3.0, "detectable": 2.9, "why not": "", "seeds": 3}


def contrasts(**changes):
    about = {"contrast": "multilingual - english", "language": MACRO, "n": 400, "seeds": 3}
    about |= {"level (%)": 95.0}
    rows = [
        about | ROW | {"measured": "clean", "condition": "tydiqa"},
        about | ROW | {"measured": "share kept", "condition": "typo-20"},
        about | ROW | {"measured": "share kept", "condition": "codemix-20"} | changes,
    ]
    return pd.DataFrame(rows)


def test_the_verdict_stands_in_words_beside_each_interval():
    found = {"estimate": 4.0, "low": 3.5, "high": 4.5, "detectable": 1.0, "why_not": ""}
    found |= {"n_examples": 800, "n_seeds": 3}
    line = {"kind": "inconclusive", "compared": "multilingual - english", "interval": found}
    primary = {"unit": MEASURES["share kept"].words, "lines": [line], "conditions": "static"}
    nan = {"low": math.nan, "high": math.nan, "detectable": math.nan}
    table = contrasts(**nan, **{"why not": "not estimable with two seeds"})
    figure = glance.answer(table, primary, smallest=SMALLEST, about=ABOUT)
    assert "inconclusive" in figure.get_suptitle()
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert words == [
        "no difference shown",
        "higher, large enough to matter",  # the primary outcome
        "no difference shown",
        "not estimable with two seeds",
    ]
    names = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert names[0].startswith("primary: mean of static sets")
    again = glance.answer(table, primary, smallest=SMALLEST, about=ABOUT)
    assert style.png(figure, dpi=60) == style.png(again, dpi=60)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.5, 1.5, "higher, too small to matter"),
        (2.5, 3.5, "higher, large enough to matter"),
        (0.5, 3.5, "higher; size open"),
        (-3.5, -2.5, "lower, large enough to matter"),
        (-1.0, 1.0, "too small to matter"),
        (-1.0, 5.0, "no difference shown"),
    ],
)
def test_words_follow_the_interval(low, high, words):
    row = ROW | {"low": low, "high": high}
    assert glance.in_words(row, 2.0) == words
    # Without a p-value there is no verdict.
    assert glance.in_words(row | {"seeds": 1}, 2.0) == "no verdict: 1 seed"
    assert glance.in_words(row, 2.0, synthetic=True) == "no verdict: synthetic"


def primary(kind="inconclusive", compared="multilingual - english", **interval):
    found = {"estimate": 4.0, "low": 3.5, "high": 4.5, "detectable": 1.0, "why_not": ""}
    found |= {"n_examples": 800, "n_seeds": 3} | interval
    line = {"kind": kind, "compared": compared, "interval": found}
    return {"unit": MEASURES["share kept"].words, "lines": [line], "conditions": "static"}


def words_in(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_claim_that_is_not_answered_has_no_verdict_in_words():
    """Its interval may lie clear of zero all the same, for example with too few seeds."""
    unanswered = primary("not answered by this profile")
    figure = glance.answer(contrasts(), unanswered, smallest=SMALLEST, about=ABOUT)
    assert words_in(figure)[1] == "no verdict: not answered"
    assert "not answered by this profile" in figure.get_suptitle()


def test_the_title_names_the_arms_that_are_drawn_and_no_verdict_on_others():
    other = contrasts().assign(contrast="german - none")
    figure = glance.answer(other, primary("supported"), smallest=SMALLEST, about=ABOUT)
    assert figure.get_suptitle().startswith("german minus none: exploratory")
    assert "supported" not in figure.get_suptitle()


def test_each_row_has_the_band_of_its_own_unit():
    axes = Figure().subplots()
    missing = dict.fromkeys(ROW, math.nan)
    glance.interval_axis(axes, [missing, ROW], [2.0, 3.0], "#000000")
    bands = [area.get_paths()[0].get_extents() for area in axes.collections[:2]]
    assert [(band.x0, band.x1) for band in bands] == [(-2.0, 2.0), (-3.0, 3.0)]
    assert math.isfinite(axes.get_xlim()[1])


def test_no_interval_makes_the_axis_so_wide_that_the_others_vanish():
    axes = Figure().subplots()
    wide = ROW | {"low": -95.0, "high": 97.0}
    glance.interval_axis(axes, [ROW, wide], [2.0, 2.0], "#000000")
    assert axes.get_xlim()[1] <= glance.WIDEST * 2.0
    # An estimate is never left out.
    glance.interval_axis(axes, [ROW, wide | {"estimate": 50.0}], [2.0, 2.0], "#000000")
    assert axes.get_xlim()[1] > 50
