"""Sentences on kinds of questions and on calibration say what the tables say."""

import pandas as pd
from matplotlib.figure import Figure

from xltlib.analysis import calibration
from xltlib.analysis.power import BASES
from xltlib.reporting import reliability
from xltlib.reporting.error_findings import of_calibration, of_types
from xltlib.reporting.power_findings import of_power
from xltlib.reporting.style import Provenance

ABOUT = Provenance("tiny", "encoder", False, (1, 2), "abc")


def by_type(rows):
    columns = ["by", "type", "condition", "drop in f1", "n"]
    return pd.DataFrame(rows, columns=columns)


def test_the_kinds_that_lose_most_and_least_in_every_condition():
    table = by_type(
        [
            ("answer", "date", "typo", 10.0, 40),
            ("answer", "date", "codemix", 20.0, 40),
            ("answer", "number", "typo", 5.0, 30),
            ("answer", "number", "codemix", 6.0, 25),
            # Seen in one condition alone, so no extreme.
            ("answer", "other", "typo", 90.0, 50),
        ]
    )
    (found,) = of_types(table, [])
    assert str(found) == (
        "Of the 2 kinds of answers with enough questions under every condition, in languages other "
        "than English, dates lose the most F1 (15.0 points) and numbers the least (5.5), averaged "
        "over 2 conditions (at least 25 questions of each kind; no test, exploratory)."
    )


def test_absent_texts_are_named():
    (found,) = of_types(by_type([]), ["tydiqa", "xquad"])
    assert str(found).startswith(
        "The kinds of answers and questions are unknown for tydiqa, xquad: the texts"
    )


def calibrated(rows):
    columns = ["corpus", "condition", "arm", "over-confidence", "calibration error", "n"]
    return pd.DataFrame(rows, columns=columns)


def test_calibration_clean_and_at_its_worst():
    table = calibrated(
        [
            ("tydiqa", "clean", "none", -3.0, 4.0, 500),
            ("tydiqa", "typo-0.3", "none", 9.0, 12.0, 400),
            ("tydiqa", "codemix", "none", 1.0, 5.0, 450),
            ("xquad", "clean", "none", -2.0, 6.0, 300),
        ]
    )
    one, other = map(str, of_calibration(table))
    assert "averages 4.0 points over the arms on clean text, and 12.0 under typo-0.3" in one
    assert "9.0 points above the share of exact matches (at least 400" in one
    assert "2.0 points below" in other


def test_a_reliability_figure_has_a_panel_per_condition_and_none_without_points():
    table = pd.DataFrame(
        [
            {
                "corpus": "tydiqa",
                "condition": name,
                "arm": arm,
                "probability": p,
                "em": p / 2,
                "n": n,
            }
            for name in ("typo", calibration.CLEAN)
            for arm, n in (("none", 20), ("english", 30 if name == "typo" else 20))
            for p in (0.2, 0.6)
        ]
    )
    found = reliability.figure(table, about=ABOUT)
    assert isinstance(found, Figure)
    assert [axes.get_title() for axes in found.axes] == [
        "tydiqa, clean\n(n=40)",
        "tydiqa, typo\n(n=40 to 60)",
    ]
    assert reliability.figure(table.iloc[:0], about=ABOUT) is None


def test_a_power_statement_says_what_it_rests_on():
    row = {"measure": "clean F1 on tydiqa", "seeds": 5, "questions": 500, "languages": 8}
    row |= {"seed sd": 2.0, "models": 1, "basis": BASES[2], "detectable": 3.21}
    row |= {"smallest": 2.0, "enough": False}
    (found,) = of_power(pd.DataFrame([row]))
    assert str(found) == (
        "Clean F1 on tydiqa: with 5 seeds and 500 questions in each of 8 languages, the "
        "minimum detectable difference between two arms (80 % power) is 3.2 points if its standard "
        "deviation over seeds is 2.0 (assumed); that is not enough to detect the smallest effect "
        "of interest, 2.0 points. Estimated from 1 model, assuming a correlation of 0.5 between "
        "the answers of two training runs."
    )
