"""Each kind of claim is measured as it says, on numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis import estimates
from xltlib.analysis.generalised import with_languages
from xltlib.languages import SYNTACTIC_DISTANCE
from xltlib.params.claims import ArmsEstimate, DistanceEstimate, MethodsEstimate

LEVEL = {"level": 0.95}


def questions(attack="typo", n=8, **f1):
    """Attacked questions of arms, each with (before, after) by language."""
    return pd.DataFrame(
        [
            {
                "attack": attack,
                "arm": arm,
                "seed": seed,
                "corpus": "tydiqa",
                "language": language,
                "id": f"q{i}",
                "original_f1": before,
                "attacked_f1": after,
                "outcome": "succeeded",
                "f1": before,
            }
            for arm, of_language in f1.items()
            for language, (before, after) in of_language.items()
            for seed in (1, 2)
            for i in range(n)
        ]
    )


TYPO = questions(
    english={"en": (1, 0), "ar": (0.8, 0.2), "ko": (0.6, 0.4)},
    multilingual={"en": (0, 0), "ar": (0.8, 0.6), "ko": (0.6, 0.6)},
)


@pytest.mark.parametrize(
    ("metric", "points"), [("clean", 0.0), ("attacked", 30.0), ("change", 30.0)]
)
def test_arms_are_compared_in_the_other_languages(metric, points):
    estimate = ArmsEstimate(kind="arms", metric=metric, contrast=("multilingual", "english"))
    found, _ = estimates.of_arms(estimate, TYPO, TYPO, seen={}, **LEVEL)
    assert found["multilingual - english"].estimate == pytest.approx(points)
    assert found["multilingual - english"].n_languages == 2


def test_a_question_is_one_question_whatever_attacks_it_met():
    swap = questions("swap", english={"ar": (0.8, 0.8)}, multilingual={"ar": (0.8, 0.2)})
    lone = questions("lone", multilingual={"ar": (0.8, 0.0)})
    estimate = ArmsEstimate(kind="arms", metric="change", contrast=("multilingual", "english"))
    both = pd.concat([TYPO, swap, lone])
    found, _ = estimates.of_arms(estimate, TYPO, both, seen={}, **LEVEL)
    one = found["multilingual - english"]
    # Arabic: +40 and -60 points, their mean -10; Korean: +20. `lone` met one arm only.
    assert one.estimate == pytest.approx(5.0)
    assert one.n_examples == 16


def test_test_sets_with_a_handful_of_questions_are_left_out():
    few = questions(n=4, english={"ru": (0, 0)}, multilingual={"ru": (1, 1)})
    estimate = ArmsEstimate(kind="arms", metric="clean", contrast=("multilingual", "english"))
    found, _ = estimates.of_arms(estimate, pd.concat([TYPO, few]), TYPO, seen={}, **LEVEL)
    assert found["multilingual - english"].n_languages == 2
    assert estimates.of_arms(estimate, few, few, seen={}, **LEVEL)[0] == {}
    one_arm = TYPO[TYPO["arm"] == "english"]
    assert estimates.of_arms(estimate, one_arm, one_arm, seen={}, **LEVEL)[0] == {}


def test_a_language_counts_only_where_no_arm_of_the_contrast_has_trained_on_it():
    estimate = ArmsEstimate(kind="arms", metric="clean", contrast=("multilingual", "english"))
    seen = {"multilingual": {"ko", "de"}, "multilingual+targets": {"ar"}}
    found, left_out = estimates.of_arms(estimate, TYPO, TYPO, seen=seen, **LEVEL)
    (one,) = found.values()
    assert one.languages == ("ar",)
    assert left_out == ["ko"]


LANGUAGES = ("en", "ru", "sw")


def pairs(corpus="xnli", gain=lambda distance: 0.0, n=20, arms=("none",)):
    """Answers of standard training and of a method whose gain hangs on the distance."""
    rows = []
    for arm in arms:
        for a in LANGUAGES:
            for b in LANGUAGES:
                distance = (SYNTACTIC_DISTANCE[a] + SYNTACTIC_DISTANCE[b]) / 2
                for seed in (1, 2, 3):
                    for i in range(n):
                        for method, right in (("standard", 0.5), ("adv", 0.5 + gain(distance))):
                            rows.append(
                                {
                                    **{"arm": arm, "corpus": corpus, "method": method},
                                    **{"seed": seed, "language": f"{a}-{b}", "id": i},
                                    "correct": right,
                                }
                            )
    return with_languages(pd.DataFrame(rows))


@pytest.mark.parametrize(("view", "points"), [("all pairs", 20 / 3), ("two languages", 10.0)])
def test_methods_are_compared_in_the_pairs_that_a_claim_names(view, points):
    frame = pairs()
    two = frame["sentence1"] != frame["sentence2"]
    frame.loc[(frame["method"] == "adv") & two, "correct"] += 0.1
    estimate = MethodsEstimate(kind="methods", corpora=["xnli", "pawsx"], pairs=view)
    found = estimates.of_methods(estimate, frame, **LEVEL)
    assert list(found) == ["adv"]
    assert found["adv"].estimate == pytest.approx(points)
    assert found["adv"].n_examples == 20


def test_corpora_weigh_the_same_and_unknown_ones_give_nothing():
    frame = pd.concat([pairs("xnli", lambda _: 0.1, n=30), pairs("pawsx", lambda _: 0.0, n=10)])
    both = MethodsEstimate(kind="methods", corpora=["xnli", "pawsx"])
    assert estimates.of_methods(both, frame, **LEVEL)["adv"].estimate == pytest.approx(5.0)
    none = MethodsEstimate(kind="methods", corpora=["mlqa"])
    assert estimates.of_methods(none, frame, **LEVEL) == {}


@pytest.mark.parametrize("arms", [("none",), ("none", "english")])
def test_the_slope_over_distance_is_found(arms):
    estimate = DistanceEstimate(kind="distance", corpora=["xnli"])
    frame = pairs(gain=lambda distance: 0.3 * distance, arms=arms)
    # 0.3 in accuracy over a distance of 1 is 3 points over 0.1.
    assert estimates.of_distance(estimate, frame, **LEVEL)["adv"].estimate == pytest.approx(3.0)
    two = frame[(frame["sentence1"] == "en") & (frame["sentence2"] != "sw")]
    assert estimates.of_distance(estimate, two, **LEVEL) == {}


def test_english_distractors_are_counted_against_the_passage_language():
    frame = questions("distractor", english={"ar": (1, 0), "en": (1, 0)})
    inserted = np.where(frame["id"].isin(["q0", "q1"]), "ar", "en")
    frame = frame.assign(inserted=inserted)
    found = estimates.of_distractors(frame, ["distractor"], **LEVEL)
    (one,) = found.values()
    # 6 of 8 Arabic questions fall to English: 75 % - 25 %. English passages do not count.
    assert one.estimate == pytest.approx(50.0)
    assert one.n_examples == 8
    assert estimates.of_distractors(frame, [], **LEVEL) == {}
    assert estimates.of_distractors(frame.assign(outcome="skipped"), ["distractor"], **LEVEL) == {}
