"""Intervals hold the truth about as often as they say, and find nothing where nothing is.

The full study is `tests/benchmarks/coverage.py`; its result lies beside it.
"""

import json

import pandas as pd
import pytest
from scipy.stats import binom

from tests.analysis.simulation import LEVELS, World, coverage
from tests.benchmarks.coverage import STUDY, held_out, summary, worlds

SIMULATIONS = 400


@pytest.mark.parametrize(
    "world",
    [
        World("massed", 3, 24, seed_sd=0.05),
        World("normal", 3, 24, seed_sd=0.03, seed_language_sd=0.03),
        World("rare", 3, 12),
        World("massed", 5, 24, effect=0.05, seed_sd=0.02, units="translations"),
        World("massed", 5, 25, units="passages"),
    ],
    ids=str,
)
def test_intervals_cover_and_p_values_are_valid(world):
    found = coverage(world, simulations=SIMULATIONS)
    # A coverage of 95 % gives a count below this once in two thousand runs.
    assert found["covers (%)"] >= 100 * binom.ppf(0.0005, SIMULATIONS, 0.95) / SIMULATIONS
    assert found["P(p<0.01)/a"] <= binom.ppf(0.9995, SIMULATIONS, 0.01) / SIMULATIONS / 0.01


def test_questions_that_are_translations_are_missed_where_they_count_as_many():
    """The world can tell a wrong analysis from a right one."""
    world = World("normal", 5, 40, units="translations")
    right = coverage(world, simulations=SIMULATIONS)
    wrong = coverage(world, simulations=SIMULATIONS, joint=False)
    assert right["covers (%)"] > 92
    assert wrong["covers (%)"] < 75


def test_every_world_has_a_generator_of_its_own():
    draws = [world.rng.random() for world in (*worlds(), *held_out())]
    assert len(set(draws)) == len(draws)


def test_the_committed_study_is_of_these_worlds_and_lists_the_lowest_first():
    study = pd.read_csv(STUDY)
    assert len(study) == len([*worlds(), *held_out()])
    assert (study["simulations"] >= 10_000).all()
    assert study["covers (%)"].is_monotonic_increasing
    assert json.loads(STUDY.with_suffix(".json").read_text()) == summary(study)


def test_it_covers_as_it_should_but_for_what_the_docs_name():
    study = pd.read_csv(STUDY)
    tested = study[(study["seeds"] >= 3) & ~study["held out"]]
    assert (tested["covers (%)"] >= 94).all()
    assert tested["covers (%)"].between(94, 98).sum() >= 40
    assert (tested.loc[tested["row"] == "macro", "covers (%)"] <= 99).all()
    # A language has the wider of two intervals, so it is never too sure, even if it is volatile.
    assert set(tested["row"]) == {"macro", "language", "volatile"}
    for a in LEVELS:
        assert (tested[f"P(p<{a})/a"] <= 1.2).all(), a


def test_held_out_worlds_confirm_it_but_for_trainings_spread_evenly():
    study = pd.read_csv(STUDY)
    tested = study[study["held out"]]
    even = (tested["answers"] == "bounded") & (tested["questions"] == 200)
    assert (tested["covers (%)"] >= 94 - 2 * tested["se covers"]).all()
    assert tested["covers (%)"].between(94, 98).sum() >= 29
    for a in LEVELS:
        assert (tested.loc[~even, f"P(p<{a})/a"] <= 1.2 + 1e-9).all(), a
        assert (tested.loc[even, f"P(p<{a})/a"] <= 1.6).all(), a
