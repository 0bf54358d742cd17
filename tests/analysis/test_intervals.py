"""The paired bootstrap: right on cases with known answers, and honest about its coverage."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xltlib.analysis.bootstrap import contrast_blocks, paired_bootstrap

from xltlib.artifacts import InputError

WEIGHTS = {"multilingual": 1.0, "english": -1.0}


def answers(effect=0.0, *, n=40, seeds=(1, 2), languages=("ar", "ko"), rng=None):
    """Two arms on the same questions; the multilingual one is `effect` better."""
    rng = rng or np.random.default_rng(0)
    rows = []
    for language in languages:
        hardness = rng.uniform(0.3, 0.7, n)
        for seed in seeds:
            for arm, shift in (("english", 0.0), ("multilingual", effect)):
                f1 = hardness + shift + rng.normal(0, 0.1, n)
                rows += [
                    {
                        "arm": arm,
                        "seed": seed,
                        "corpus": "tydiqa",
                        "language": language,
                        "id": f"q{i}",
                        "f1": value,
                    }
                    for i, value in enumerate(f1)
                ]
    return pd.DataFrame(rows)


def test_the_estimate_is_the_macro_mean_over_languages():
    frame = answers(0.1)
    # The second language has fewer questions, and weighs as much as the first.
    frame = frame[(frame["language"] == "ar") | frame["id"].isin([f"q{i}" for i in range(6)])]
    means = frame.groupby(["language", "arm"])["f1"].mean().unstack()
    expected = 100 * (means["multilingual"] - means["english"]).mean()
    interval = paired_bootstrap(frame, "f1", WEIGHTS)
    assert interval.estimate == pytest.approx(expected)
    assert interval.low < interval.estimate < interval.high
    assert (interval.n_examples, interval.n_seeds, interval.n_languages) == (46, 2, 2)


def test_a_handful_of_questions_gets_an_estimate_and_no_interval():
    frame = answers(0.3, n=4)
    interval = paired_bootstrap(frame, "f1", WEIGHTS)
    assert 20 < interval.estimate < 40
    assert all(math.isnan(value) for value in (interval.low, interval.high, interval.p))
    assert not math.isnan(paired_bootstrap(answers(n=5), "f1", WEIGHTS).low)


def test_the_same_answers_in_both_arms_give_exactly_zero():
    frame = answers()
    english = frame[frame["arm"] == "english"]
    same = pd.concat([english, english.assign(arm="multilingual")])
    interval = paired_bootstrap(same, "f1", WEIGHTS)
    assert (interval.estimate, interval.low, interval.high, interval.p) == (0, 0, 0, 1)


def test_a_clear_difference_is_found_and_none_is_not():
    three = {"seeds": (1, 2, 3)}
    assert paired_bootstrap(answers(0.3, **three), "f1", WEIGHTS).p < 0.01
    assert paired_bootstrap(answers(0.0, **three), "f1", WEIGHTS).p > 0.05


def test_pairing_makes_the_interval_narrower_than_unpaired_questions_would():
    frame = answers(0.1, n=60)
    shuffled = frame.copy()
    for arm in ("english", "multilingual"):
        for seed in (1, 2):
            chosen = (shuffled["arm"] == arm) & (shuffled["seed"] == seed)
            rng = np.random.default_rng([seed, len(arm)])
            for language in ("ar", "ko"):
                place = chosen & (shuffled["language"] == language)
                shuffled.loc[place, "f1"] = rng.permutation(shuffled.loc[place, "f1"])
    paired, unpaired = (paired_bootstrap(f, "f1", WEIGHTS) for f in (frame, shuffled))
    assert paired.estimate == pytest.approx(unpaired.estimate)
    assert paired.high - paired.low < unpaired.high - unpaired.low


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, hits, trials = np.random.default_rng(7), 0, 200
    for _ in range(trials):
        frame = answers(0.05, n=50, seeds=(1,), rng=rng)
        interval = paired_bootstrap(frame, "f1", WEIGHTS, samples=400, level=0.9)
        hits += interval.low <= 5.0 <= interval.high
    # Binomial(200, 0.9) lies within these bounds with a probability above 0.999.
    assert 0.82 <= hits / trials <= 0.96


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(0.5, 0.99))
def test_a_higher_level_never_narrows_the_interval(effect, level):
    frame = answers(effect, n=12)
    narrow = paired_bootstrap(frame, "f1", WEIGHTS, samples=300, level=level)
    wide = paired_bootstrap(frame, "f1", WEIGHTS, samples=300, level=0.995)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_one_seed_covers_examples_only_and_says_so():
    assert paired_bootstrap(answers(seeds=(1,)), "f1", WEIGHTS).covers == "examples only (one seed)"
    assert paired_bootstrap(answers(), "f1", WEIGHTS).covers == "seeds and examples"


def test_the_same_seed_gives_the_same_interval():
    frame = answers(0.1)
    assert paired_bootstrap(frame, "f1", WEIGHTS) == paired_bootstrap(
        frame.sample(frac=1, random_state=1), "f1", WEIGHTS
    )


@pytest.mark.parametrize(
    "drop",
    [
        lambda f: (f["arm"] == "english") & (f["id"] == "q3"),
        lambda f: (f["arm"] == "english") & (f["seed"] == 2),
        lambda f: f["arm"] == "english",
    ],
)
def test_arms_that_did_not_answer_the_same_are_refused(drop):
    frame = answers()
    with pytest.raises(InputError, match="same questions"):
        contrast_blocks(frame[~drop(frame)], "f1", WEIGHTS)


def test_a_question_that_one_seed_lacks_is_refused():
    frame = answers()
    with pytest.raises(InputError, match="some seed lacks some question"):
        contrast_blocks(frame[(frame["seed"] == 1) | (frame["id"] != "q3")], "f1", WEIGHTS)
