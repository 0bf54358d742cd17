"""Calibration errors of models that are right as often as they say, and of others."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis.calibration import MIN_ANSWERS, MIN_IN_BIN, errors, expected_error, reliability


def answers(shift=0.0, *, n=4000, corpus="tydiqa", seed=1, arm="none", language="ar"):
    """A model whose answers are right less often than it says, by `shift`."""
    rng = np.random.default_rng(seed)
    probability = rng.uniform(0.3, 0.9, n)
    return pd.DataFrame(
        {"arm": arm, "seed": seed, "corpus": corpus, "language": language, "id": range(n)}
        | {"probability": probability}
        | {"em": (rng.uniform(size=n) < probability - shift).astype(float)}
    )


def test_it_is_the_gap_between_what_is_said_and_what_is_right():
    assert expected_error(pd.Series([0.95] * 4), pd.Series([1.0, 1.0, 0.0, 0.0])) == pytest.approx(
        0.45
    )
    # Two bins of two answers each: gaps of 0.15 and 0.25.
    said = pd.Series([0.15, 0.15, 0.75, 0.75])
    assert expected_error(said, pd.Series([0.0, 0.0, 1.0, 1.0])) == pytest.approx(0.2)
    assert expected_error(pd.Series([1.0, 0.0]), pd.Series([1.0, 0.0])) == 0.0


def test_a_model_that_knows_has_a_small_error_and_one_that_boasts_a_large_one():
    found = errors(
        pd.concat([answers(), answers(0.2, corpus="tydiqa+typo-0.3"), answers(language="en")])
    ).set_index("condition")
    assert found.loc["clean", "calibration error"] < 4
    assert found.loc["typo-0.3", "calibration error"] == pytest.approx(20, abs=3)
    assert found.loc["typo-0.3", "over-confidence"] == pytest.approx(20, abs=3)
    assert (found["n"] == 4000).all()
    assert set(found["corpus"]) == {"tydiqa"}


def test_seeds_are_averaged_not_pooled():
    # One model is too sure, the other not sure enough: together they would look right.
    both = pd.concat([answers(0.2, seed=1), answers(-0.1, seed=2)])
    row = errors(both).iloc[0]
    assert row["seeds"] == 2
    assert row["calibration error"] == pytest.approx(15, abs=3)


def test_few_answers_and_unknown_probabilities_do_not_count():
    assert len(errors(answers(n=MIN_ANSWERS - 1))) == 0
    assert len(errors(answers().assign(probability=np.nan))) == 0
    assert len(reliability(answers(n=MIN_IN_BIN - 1))) == 0


def test_reliability_has_the_bins_that_are_full_enough():
    found = reliability(answers())
    assert len(found) == 6  # from 0.3 to 0.9
    assert (found["n"] >= MIN_IN_BIN).all()
    assert found["n"].sum() == 4000
    assert np.abs(found["probability"] - found["em"]).max() < 0.1
