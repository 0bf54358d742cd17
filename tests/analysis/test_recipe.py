"""Whether training worked: against the untrained arm, and against published scores."""

import pandas as pd
import pytest

from xltlib.analysis.recipe import beside_published, english_losses
from xltlib.params.measures import Published
from xltlib.reporting import findings


def clean(**f1):
    """Two seeds of each arm: English F1 as given, Finnish ten points lower."""
    return pd.DataFrame(
        [
            {"arm": arm, "seed": seed, "corpus": "tydiqa", "language": code, "id": "q"}
            | {"f1": value + shift - lower}
            for arm, value in f1.items()
            for seed, shift in ((1, 0.01), (2, -0.01))
            for code, lower in (("en", 0), ("fi", 0.1))
        ]
    )


def test_english_losses_are_beside_the_untrained_arm():
    found = english_losses(clean(none=0.66, english=0.68, multilingual=0.61), "tydiqa", "none")
    assert found == pytest.approx({"english": -2.0, "multilingual": 5.0})
    assert english_losses(clean(english=0.68), "tydiqa", "none") == {}
    # With two splits, the names of test sets hold theirs.
    split = clean(none=0.66, english=0.68).assign(corpus="tydiqa/dev")
    assert english_losses(split, "tydiqa", "none") == pytest.approx({"english": -2.0})
    assert english_losses(clean(none=0.66, english=0.6), "xquad", "none") == {}


def test_english_losses_are_those_of_the_seeds_that_both_arms_have():
    frame = clean(none=0.66, english=0.68)
    fewer = frame[(frame["arm"] == "english") | (frame["seed"] == 1)]
    assert english_losses(fewer, "tydiqa", "none") == pytest.approx({"english": -2.0})
    apart = frame[(frame["arm"] == "english") == (frame["seed"] == 1)]
    assert english_losses(apart, "tydiqa", "none") == {}


def test_the_untrained_arm_stands_beside_published_scores():
    source = Published(
        source="a paper", corpus="tydiqa", f1={"en": 70, "fi": 60, "te": 1}, within=4
    )
    table = beside_published(clean(none=0.66, english=0.9), [source], "none")
    assert list(table["language"]) == ["en", "fi", "average"]  # Telugu is not tested here
    assert list(table["difference"]) == pytest.approx([-4, -4, -4])
    assert list(table["n"]) == [1, 1, 2]
    (said,) = findings.of_published(table, {"a paper": 5})
    assert str(said) == (
        "On tydiqa the arm without intermediate training has an average F1 of 61.0 in 2 languages, "
        "compared with a published 65.0 in the same languages (a paper). The published "
        "score is reproduced within 5 points."
    )
    (said,) = findings.of_published(table, {"a paper": 2})
    assert "is not reproduced within 2 points" in str(said)
    (said,) = findings.of_published(table, {"a paper": None})
    assert "reproduced" not in str(said)


def test_nothing_published_gives_an_empty_table():
    assert beside_published(clean(none=0.5), [], "none").empty
