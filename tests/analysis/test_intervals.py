"""Intervals: right on cases with known answers; interval, p and equivalence never contradict."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.analysis.simulation import World
from xltlib.analysis.blocks import Block, contrast_blocks
from xltlib.analysis.intervals import contrast, interval, p_value
from xltlib.analysis.variance import Spread, seed_variance, spread
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
    interval = contrast(frame, "f1", WEIGHTS)
    assert interval.estimate == pytest.approx(expected)
    assert interval.low < interval.estimate < interval.high
    assert (interval.n_examples, interval.n_seeds, interval.n_sets) == (46, 2, 2)


def test_a_handful_of_questions_gets_an_estimate_and_no_interval():
    frame = answers(0.3, n=4)
    interval = contrast(frame, "f1", WEIGHTS)
    assert 20 < interval.estimate < 40
    assert all(math.isnan(value) for value in (interval.low, interval.high, interval.p))
    assert not math.isnan(contrast(answers(n=5), "f1", WEIGHTS).low)


def test_a_clear_difference_is_found_and_none_is_not():
    three = {"seeds": (1, 2, 3)}
    assert contrast(answers(0.3, **three), "f1", WEIGHTS).p < 0.01
    assert contrast(answers(0.0, **three), "f1", WEIGHTS).p > 0.05


def test_pairing_makes_the_error_smaller_than_unpaired_questions_would():
    frame = answers(0.1, n=60)
    shuffled = frame.copy()
    for arm in ("english", "multilingual"):
        for seed in (1, 2):
            chosen = (shuffled["arm"] == arm) & (shuffled["seed"] == seed)
            rng = np.random.default_rng([seed, len(arm)])
            for language in ("ar", "ko"):
                place = chosen & (shuffled["language"] == language)
                shuffled.loc[place, "f1"] = rng.permutation(shuffled.loc[place, "f1"])
    paired, unpaired = (contrast(f, "f1", WEIGHTS) for f in (frame, shuffled))
    assert paired.estimate == pytest.approx(unpaired.estimate)
    assert paired.error < unpaired.error


@settings(max_examples=10, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(0.5, 0.99))
def test_a_higher_level_never_narrows_the_interval(effect, level):
    frame = answers(effect, n=12, seeds=(1, 2, 3))
    narrow = contrast(frame, "f1", WEIGHTS, level=level)
    wide = contrast(frame, "f1", WEIGHTS, level=0.995)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_the_same_seed_gives_the_same_interval():
    frame = answers(0.1)
    assert contrast(frame, "f1", WEIGHTS) == contrast(
        frame.sample(frac=1, random_state=1), "f1", WEIGHTS
    )


@pytest.mark.parametrize(
    "drop",
    [
        lambda f: (f["arm"] == "english") & (f["id"] == "q3"),
        lambda f: f["arm"] == "english",
    ],
)
def test_arms_that_did_not_answer_the_same_are_refused(drop):
    frame = answers()
    with pytest.raises(InputError, match=r"same questions|no seed in common"):
        contrast_blocks(frame[~drop(frame)], "f1", WEIGHTS)


def test_a_question_that_one_seed_lacks_is_refused():
    frame = answers()
    with pytest.raises(InputError, match="some questions lack an answer with some seed"):
        contrast_blocks(frame[(frame["seed"] == 1) | (frame["id"] != "q3")], "f1", WEIGHTS)


def test_the_same_answers_in_both_arms_give_zero_and_no_interval():
    english = answers()[lambda frame: frame["arm"] == "english"]
    same = pd.concat([english, english.assign(arm="multilingual")])
    found = contrast(same, "f1", WEIGHTS)
    assert found.estimate == 0
    assert not found.known
    assert found.why_not == "no question differs"


@pytest.mark.parametrize("shift", [0.1, 0.0])
def test_rounding_errors_are_no_variance(shift):
    english = answers(seeds=(1, 2, 3))[lambda frame: frame["arm"] == "english"]
    level = [0.1, 0.3, 0.7, 2 / 3] * (len(english) // 4)
    same = pd.concat(
        [
            english.assign(f1=level),
            english.assign(arm="multilingual", f1=[0.1 * (one / 0.1) + shift for one in level]),
        ]
    )
    found = contrast(same, "f1", WEIGHTS)
    assert not found.known
    assert math.isnan(found.p)
    assert found.why_not == (
        "every question differs by the same amount" if shift else "no question differs"
    )


def test_one_seed_covers_questions_only_and_says_so():
    assert contrast(answers(seeds=(1,)), "f1", WEIGHTS).covers == "questions only (one seed)"
    assert contrast(answers(), "f1", WEIGHTS).covers == "seeds and questions"


@pytest.mark.parametrize(("seeds", "has_p"), [((1,), False), ((1, 2), False), ((1, 2, 3), True)])
def test_no_p_value_under_three_seeds(seeds, has_p):
    found = contrast(answers(0.1, seeds=seeds), "f1", WEIGHTS)
    assert found.known
    assert (not math.isnan(found.p)) == has_p
    assert (not math.isnan(found.equivalence_p(5.0))) == has_p


def sparse(seeds):
    """Differences of one sign in three questions of twelve, with a t of 1.35."""
    one = np.zeros(12)
    one[[2, 5, 9]] = -0.75, -0.15, -0.10
    return Block.independent(np.tile(one, (seeds, 1)), "ko")


def test_losses_of_one_sign_in_a_few_questions_are_no_finding():
    # A bootstrap gives its floor here, 0.001: no draw crosses zero.
    found = interval([sparse(3)], [1.0])
    assert found.estimate == pytest.approx(-8.33, abs=0.01)
    assert abs(found.estimate) / found.error == pytest.approx(1.35, abs=0.03)
    assert found.p == pytest.approx(0.19, abs=0.03)
    assert found.low < 0 < found.high
    assert math.isnan(interval([sparse(2)], [1.0]).p)


WORLDS = [
    World(answers, seeds, 24, seed_sd=sd, seed_language_sd=0.02, units=units)
    for answers in ("normal", "massed", "rare", "collapsed")
    for seeds in (3, 5)
    for sd in (0.0, 0.05)
    for units in ("questions", "translations", "passages")
    if not (answers == "rare" and sd)
]


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_interval_p_and_equivalence_agree_in_every_world(world):
    blocks = world.blocks(world.rng, 1)
    blocks = [Block(block.values[0], block.units, block.group) for block in blocks]
    found = interval(blocks, [1 / len(blocks)] * len(blocks))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    narrow = interval(blocks, [1 / len(blocks)] * len(blocks), level=0.90)
    for bound in (0.5, 2.0, 8.0):
        within = -bound < narrow.low and narrow.high < bound
        assert (found.equivalence_p(bound) < 0.05) == within


def test_a_bound_outside_the_scale_is_not_shown():
    values = np.array([[0.9] * 10, [-0.3] * 10]) + np.linspace(0, 0.05, 10)
    found = interval([Block.independent(values, "ar")], [1.0])
    assert not found.known
    assert found.why_not == "not estimable with two seeds"
    assert math.isnan(found.detectable)


def test_seeds_that_agree_by_chance_do_not_make_one_language_sure():
    # Two seeds: in Arabic they agree, in nine other languages they are ten points apart.
    rng = np.random.default_rng(0)
    apart = np.linspace(-0.05, 0.05, 9)
    blocks = [
        Block.independent(rng.normal(0, 0.1, (2, 50)) + np.array([[d], [-d]]), str(i))
        for i, d in enumerate([0.0, *apart])
    ]
    alone = interval(blocks[:1], [1.0])
    pooled = interval(blocks[:1], [1.0], seeds=seed_variance(blocks))
    other = interval(blocks[1:2], [1.0], seeds=seed_variance(blocks))
    assert pooled.error > 1.5 * alone.error
    assert 0.8 < (pooled.high - pooled.low) / (other.high - other.low) < 1.25


def test_a_language_whose_seeds_disagree_is_not_sure_because_the_others_agree():
    # Five seeds that differ by ten points in one language and by one in seven others.
    rng = np.random.default_rng(0)
    blocks = [
        Block.independent(
            rng.normal(0.03, 0.05, (5, 200))
            + (0.1 if i == 0 else 0.01) * np.array([[-2], [-1], [0], [1], [2]]) / 1.58,
            str(i),
        )
        for i in range(8)
    ]
    pooled = seed_variance(blocks)
    alone = interval(blocks[:1], [1.0])
    one, other = (interval([block], [1.0], seeds=pooled) for block in blocks[:2])
    assert one.p >= alone.p
    assert one.high - one.low >= alone.high - alone.low
    assert other.high - other.low < 0.8 * (one.high - one.low)
    assert one.detectable >= alone.detectable


@pytest.mark.parametrize("sizes", [[40, 5, 5, 5, 5], [30, 1, 1, 1, 1, 1], [60] + [2] * 19])
def test_a_passage_with_many_questions_does_not_make_a_mean_sure(sizes):
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(len(sizes)), sizes)
    of_passage = rng.normal(0, 0.2, (1000, 1, len(sizes)))
    values = of_passage[..., units] + rng.normal(0, 0.3, (1000, 3, len(units)))
    blocks = [Block(values, units, "ar")]
    mean, about, _ = spread(blocks, [1.0], seed_variance(blocks))
    assert (p_value(about, mean, 3) < 0.05).mean() < 0.06


def test_translations_are_one_question():
    rng = np.random.default_rng(0)
    of_question = rng.normal(0, 0.3, (1, 40))
    values = [of_question + rng.normal(0, 0.05, (3, 40)) for _ in range(6)]
    shares = [1 / 6] * 6
    apart = interval([Block.independent(v, str(i)) for i, v in enumerate(values)], shares)
    joint = interval([Block.independent(v, "xquad") for v in values], shares)
    assert joint.estimate == pytest.approx(apart.estimate)
    # Fully correlated languages are worth one.
    assert joint.error / apart.error == pytest.approx(np.sqrt(6), rel=0.15)
    assert (joint.n_units, apart.n_units) == (40, 240)


def test_parallel_corpora_and_passages_are_recognised():
    frame = answers(seeds=(1, 2, 3))
    groups = {block.group for block in contrast_blocks(frame, "f1", WEIGHTS).values()}
    assert groups == {"tydiqa"}
    own = frame.assign(id=frame["language"] + frame["id"])
    assert len({b.group for b in contrast_blocks(own, "f1", WEIGHTS).values()}) == 2
    # Four questions of a passage each; the passage's text differs in the two languages.
    number = frame["id"].str[1:].astype(int) // 4
    passages = frame.assign(passage=frame["language"] + number.astype(str))
    assert contrast(passages, "f1", WEIGHTS).n_units == 10
    assert contrast(frame, "f1", WEIGHTS).n_units == 40


def test_many_simulations_at_once_are_each_what_one_is():
    world = World("massed", 3, 20, seed_sd=0.03)
    blocks = world.blocks(world.rng, 4)
    shares = [1 / len(blocks)] * len(blocks)
    together = spread(blocks, shares, seed_variance(blocks))
    for i in range(4):
        one = [Block(block.values[i], block.units, block.group) for block in blocks]
        estimate, about, error = spread(one, shares, seed_variance(one))
        assert estimate == pytest.approx(together[0][i])
        assert error == pytest.approx(together[2][i])
        assert about.below(-0.01) == pytest.approx(together[1].below(np.full(4, -0.01))[i])


@example(errors=[5e-324], df=1.0, share=0.8)
@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=4),
    st.floats(1, 1000),
    st.sampled_from([0.8, 0.9, 0.975, 0.995]),
)
def test_a_quantile_is_found_for_every_spread_one_part_or_none_included(errors, df, share):
    parts = len(errors)
    about = Spread(np.array(errors), np.full(parts, df), np.full(parts, 1 / parts))
    found = about.quantile(share)
    assert found >= 0
    if min(errors) > 1e-3:
        assert float(about.below(found)) == pytest.approx(share, abs=1e-4)
