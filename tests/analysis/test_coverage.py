"""Intervals hold the truth about as often as they say, and find nothing where nothing is.

The full study, a thousand simulations of each world, is `tests/benchmarks/coverage.py`; its result
lies beside it.
"""

from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binom

from tests.analysis.simulation import World, coverage

SIMULATIONS = 120
# A coverage of 95 % gives a count outside these bounds once in two thousand runs.
LEAST = 100 * binom.ppf(0.0005, SIMULATIONS, 0.95) / SIMULATIONS
MOST_FINDS = 100 * binom.ppf(0.9995, SIMULATIONS, 0.05) / SIMULATIONS


@pytest.mark.parametrize("answers", ["normal", "right or wrong"])
@pytest.mark.parametrize(("seeds", "seed_spread"), [(1, 0.0), (3, 0.03), (5, 0.03)])
def test_intervals_cover_and_no_effect_is_no_finding(answers, seeds, seed_spread):
    nothing = World(answers, seeds, 30, 0.0, seed_spread)
    found = coverage(nothing, simulations=SIMULATIONS, samples=300)
    assert found["covers (%)"] >= LEAST
    assert found["finds (%)"] <= MOST_FINDS
    effect = World(answers, seeds, 60, 0.2, seed_spread)
    found = coverage(effect, simulations=SIMULATIONS, samples=300)
    assert found["covers (%)"] >= LEAST
    assert found["finds (%)"] > 80


def test_the_committed_study_covers_at_its_nominal_rate():
    file = Path(__file__).parents[1] / "benchmarks" / "coverage.csv"
    study = pd.read_csv(file)
    assert (study["simulations"] == 1000).all()
    # Three standard errors of a share of a thousand; two seeds cannot show how much seeds vary, and
    # there the study falls short by up to four points, as the README says.
    least = study["seeds"].map(lambda seeds: 91 if seeds == 2 else 92.9)
    assert (study["covers (%)"] >= least).all()
    none = study[study["effect"] == 0]
    assert (none["finds (%)"] <= 100 - least[none.index]).all()
