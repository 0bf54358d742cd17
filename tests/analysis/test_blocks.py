"""Sampling units: translations, passages, and what they link."""

import math

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis.blocks import (
    contrast_blocks,
    large_enough,
    macro_shares,
    units,
    where_all_were_tested,
)
from xltlib.analysis.intervals import NO_COMMON_SEED, contrast
from xltlib.artifacts import InputError

WEIGHTS = {"multilingual": 1.0, "english": -1.0}


def answers(places, seeds=(1, 2, 3), corpus="mlqa"):
    """Answers of two arms; `places` has (id, passage) by language."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                **{"arm": arm, "seed": seed, "corpus": corpus, "language": language},
                **{"id": identity, "passage": passage, "f1": rng.random()},
            }
            for language, asked in places.items()
            for identity, passage in asked
            for arm in WEIGHTS
            for seed in seeds
        ]
    )


def test_translations_are_one_unit_where_languages_lack_some_of_them():
    places = {
        code: [(f"p{p}q{q}", f"{code}-p{p}") for p in range(10) for q in asked]
        for code, asked in {"de": (0, 1), "es": (1,), "hi": (0, 1)}.items()
    }
    blocks = contrast_blocks(answers(places), "f1", WEIGHTS)
    assert {block.group for block in blocks.values()} == {"mlqa"}
    assert [block.n_units for block in blocks.values()] == [10, 10, 10]
    of_spanish = blocks["mlqa", "es"].units
    assert list(blocks["mlqa", "de"].units[1::2]) == list(of_spanish)


def test_a_question_without_a_passage_is_its_own_unit():
    frame = answers({"ko": [("a", None), ("b", None), ("c", "x"), ("d", "x")]})
    assert frame.assign(unit=units(frame)).groupby("id")["unit"].first().nunique() == 3


def test_one_passage_is_too_little_for_an_interval():
    """However many questions it has."""
    one = answers({"ko": [(f"q{i}", "x") for i in range(30)]})
    found = contrast(one, "f1", WEIGHTS)
    assert math.isnan(found.low)
    assert found.why_not == "fewer than 5 independent questions or passages"
    # Beside a language with enough passages it is left out.
    both = pd.concat([one, answers({"ar": [(f"r{i}", f"p{i // 3}") for i in range(30)]})])
    assert contrast(both, "f1", WEIGHTS).languages == ("ar",)
    assert set(large_enough(both)["language"]) == {"ar"}
    assert set(large_enough(one)["language"]) == {"ko"}


def test_corpora_with_other_seeds_are_compared_with_those_in_common():
    places = {"ar": [(f"q{i}", f"p{i}") for i in range(8)]}
    five = answers(places, seeds=range(5))
    found = contrast(pd.concat([five, answers(places, seeds=(1, 2), corpus="b")]), "f1", WEIGHTS)
    assert found.n_seeds == 2
    other = pd.concat([five, answers(places, seeds=(7,), corpus="b")])
    assert contrast(other, "f1", WEIGHTS).why_not == NO_COMMON_SEED


def test_arms_with_other_seeds_are_compared_with_those_in_common():
    places = {"ar": [(f"q{i}", f"p{i}") for i in range(8)]}
    frame = answers(places, seeds=range(5))
    fewer = frame[(frame["arm"] == "english") | frame["seed"].isin([0, 3])]
    assert contrast(fewer, "f1", WEIGHTS).n_seeds == 2
    # An arm outside the contrast takes nothing from it.
    third = frame[(frame["arm"] == "english") & (frame["seed"] == 0)].assign(arm="none")
    assert contrast(pd.concat([frame, third]), "f1", WEIGHTS).n_seeds == 5
    apart = frame[(frame["arm"] == "english") == (frame["seed"] < 3)]
    assert contrast(apart, "f1", WEIGHTS).why_not == NO_COMMON_SEED
    with pytest.raises(InputError, match=r"no seed in common\. Give their crossings"):
        contrast_blocks(apart, "f1", WEIGHTS)


def test_test_sets_that_an_arm_lacks_are_left_out_for_its_contrasts():
    places = {code: [(f"q{i}", f"p{i}") for i in range(8)] for code in ("ar", "ko")}
    frame = answers(places)
    lacking = frame[(frame["arm"] == "english") | (frame["language"] == "ar")]
    third = frame[frame["arm"] == "english"].assign(arm="none")
    found = where_all_were_tested(pd.concat([lacking, third]), WEIGHTS)
    assert set(found["language"]) == {"ar"}
    assert set(found["arm"]) == {*WEIGHTS, "none"}
    assert len(where_all_were_tested(frame, [*WEIGHTS, "none"])) == 0


def test_languages_weigh_the_same_and_their_test_sets_by_questions():
    shares = macro_shares({("a", "ar"): 30, ("b", "ar"): 10, ("a", "ko"): 5})
    assert shares == pytest.approx([0.375, 0.125, 0.5])


def test_splits_of_a_corpus_share_their_questions():
    """mlqa/test and mlqa/test-question-en have the same ones: they are no further evidence."""
    places = {"de": [(f"q{i}", f"p{i}") for i in range(40)]}
    names = ("mlqa/test", "mlqa/test-question-en", "xquad")
    frame = pd.concat([answers(places, corpus=name) for name in names])
    blocks = contrast_blocks(frame, "f1", WEIGHTS)
    assert [block.group for block in blocks.values()] == ["mlqa", "mlqa", "xquad/de"]
    assert contrast(frame[frame["corpus"] != "xquad"], "f1", WEIGHTS).n_units == 40
    assert contrast(frame, "f1", WEIGHTS).n_units == 80
