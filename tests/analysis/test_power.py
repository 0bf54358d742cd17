"""What an interval could have shown, against simulated truth."""

import numpy as np
import pytest

from tests.analysis.simulation import LANGUAGES, World
from xltlib.analysis.bootstrap import interval_of
from xltlib.analysis.power import detectable, equivalence_p, power

SHARES = [1 / LANGUAGES] * LANGUAGES


def intervals(effect, n=200):
    world = World("normal", 3, 40, effect, 0.0)
    return [
        interval_of(world.draw(np.random.default_rng(i)), SHARES, samples=400, seed=i)
        for i in range(n)
    ]


def test_the_detectable_effect_is_found_four_times_in_five():
    effect = np.mean([detectable(one) for one in intervals(0.0, 40)])
    found = np.mean([one.p < 0.05 for one in intervals(effect / 100)])
    # Binomial(200, 0.8) lies within these bounds with a probability above 0.999.
    assert 0.69 <= found <= 0.89


def test_power_grows_from_the_level_to_one():
    one = intervals(0.0, 1)[0]
    assert power(one, 0.0) == pytest.approx(0.05, abs=1e-6)
    assert power(one, detectable(one)) == pytest.approx(0.8, abs=0.01)
    assert power(one, 10 * detectable(one)) == pytest.approx(1.0, abs=1e-6)


def test_arms_that_are_the_same_are_found_to_be():
    same = [equivalence_p(one, 10.0) for one in intervals(0.0, 40)]
    assert np.mean(np.array(same) < 0.05) > 0.9
    # At the bound itself "the same" is said no more often than the level.
    at_bound = [equivalence_p(one, 10.0) for one in intervals(0.1)]
    assert np.mean(np.array(at_bound) < 0.05) <= 0.11


def test_equal_answers_are_the_same_within_any_bound():
    one = interval_of([np.zeros((2, 10))], [1.0])
    assert equivalence_p(one, 0.1) == 0.0
    assert np.isnan(power(one, 1.0))
