"""Each kind of claim is measured as it says, on numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis import estimates
from xltlib.analysis.generalised import with_languages
from xltlib.analysis.intervals import NO_COMMON_SEED
from xltlib.artifacts import InputError
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
    found = estimates.of_arms(estimate, TYPO, TYPO, seen={}, **LEVEL).intervals
    assert found["multilingual - english"].estimate == pytest.approx(points)
    assert found["multilingual - english"].n_sets == 2


def test_conditions_weigh_the_same_and_a_question_stays_one_question():
    swap = questions("swap", english={"ar": (0.8, 0.8)}, multilingual={"ar": (0.8, 0.2)})
    lone = questions("lone", multilingual={"ar": (0.8, 0.0)})
    estimate = ArmsEstimate(kind="arms", metric="change", contrast=("multilingual", "english"))
    both = pd.concat([TYPO, swap, lone])
    found = estimates.of_arms(estimate, TYPO, both, seen={}, **LEVEL).intervals
    one = found["multilingual - english"]
    # typo: +40 in Arabic and +20 in Korean, 30 on average; swap: -60. `lone` met one arm only.
    assert one.estimate == pytest.approx(-15.0)
    assert one.n_examples == 16


def test_test_sets_with_a_handful_of_questions_are_left_out():
    few = questions(n=4, english={"ru": (0, 0)}, multilingual={"ru": (1, 1)})
    estimate = ArmsEstimate(kind="arms", metric="clean", contrast=("multilingual", "english"))
    found = estimates.of_arms(estimate, pd.concat([TYPO, few]), TYPO, seen={}, **LEVEL).intervals
    assert found["multilingual - english"].n_sets == 2
    alone = estimates.of_arms(estimate, few, few, seen={}, **LEVEL).intervals
    assert alone["multilingual - english"].why_not.startswith("fewer than 5")
    one_arm = TYPO[TYPO["arm"] == "english"]
    assert estimates.of_arms(estimate, one_arm, one_arm, seen={}, **LEVEL).intervals == {}


KEPT = ArmsEstimate(kind="arms", metric="share kept", contrast=("multilingual", "english"))


def test_the_share_kept_is_averaged_over_conditions_with_unequal_questions():
    """Both arms keep 60 % in both conditions, the second of which has the easy half only."""
    rows = []
    for arm, (easy, hard) in {"multilingual": (0.4, 0.5), "english": (0.7, 0.2)}.items():
        ones = {"ar": (1.0, easy), "ko": (1.0, easy)}
        halves = {"ar": (0.5, hard), "ko": (0.5, hard)}
        rows += [questions("all", n=10, **{arm: ones})]
        rows += [questions("all", n=10, **{arm: halves}).assign(id=lambda f: "hard " + f["id"])]
        rows += [questions("half", n=10, **{arm: {"ar": (1.0, 0.6), "ko": (1.0, 0.6)}})]
    frame = pd.concat(rows)
    (one,) = estimates.of_arms(KEPT, frame, frame, seen={}, **LEVEL).intervals.values()
    assert one.estimate == pytest.approx(0.0)
    assert one.n_examples == 40
    moved = frame.assign(
        attacked_f1=frame["attacked_f1"]
        + 0.1 * ((frame["arm"] == "multilingual") & (frame["attack"] == "half"))
    )
    (one,) = estimates.of_arms(KEPT, moved, moved, seen={}, **LEVEL).intervals.values()
    assert one.estimate == pytest.approx(5.0)


def test_an_arm_outside_the_contrast_takes_nothing_from_it():
    alone = estimates.of_arms(KEPT, TYPO, TYPO, seen={}, **LEVEL)
    collapsed = questions(german={"ar": (0.0, 0.0), "ko": (0.0, 0.0)})
    both = pd.concat([TYPO, collapsed])
    assert estimates.of_arms(KEPT, both, both, seen={}, **LEVEL) == alone


def test_a_collapsed_arm_of_the_contrast_is_named():
    zero = TYPO.assign(original_f1=np.where(TYPO["arm"] == "english", 0.0, TYPO["original_f1"]))
    found = estimates.of_arms(KEPT, zero, zero, seen={}, **LEVEL)
    assert found.intervals == {}
    assert found.undefined == ["typo"]


def test_a_missing_answer_is_not_taken_for_an_undefined_measure():
    estimate = KEPT.model_copy(update={"metric": "attacked"})
    one = TYPO.groupby(["arm", "language"]).head(1).index[-1]
    gap = TYPO.assign(attacked_f1=TYPO["attacked_f1"].where(TYPO.index != one))
    with pytest.raises(InputError, match="lack an answer"):
        estimates.of_arms(estimate, gap, gap, seen={}, **LEVEL)


def test_languages_weigh_the_same_however_many_corpora_test_them():
    more = questions(n=8, english={"ar": (0.8, 0)}, multilingual={"ar": (0.2, 0)})
    frame = pd.concat([TYPO, more.assign(corpus="xquad")])
    estimate = ArmsEstimate(kind="arms", metric="clean", contrast=("multilingual", "english"))
    (one,) = estimates.of_arms(estimate, frame, frame, seen={}, **LEVEL).intervals.values()
    # Arabic: 0 points in TyDi QA and -60 in XQuAD, with as many questions; Korean: 0.
    assert one.estimate == pytest.approx(-15.0)


def test_a_language_counts_only_where_no_arm_of_the_contrast_has_trained_on_it():
    estimate = ArmsEstimate(kind="arms", metric="clean", contrast=("multilingual", "english"))
    seen = {"multilingual": {"ko", "de"}, "multilingual+targets": {"ar"}}
    found = estimates.of_arms(estimate, TYPO, TYPO, seen=seen, **LEVEL)
    (one,) = found.intervals.values()
    assert one.languages == ("ar",)
    assert found.left_out == ["ko"]


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


def test_a_method_is_compared_where_both_were_trained():
    """In the same arms, with seeds that all corpora have."""
    frame = pairs(gain=lambda _: 0.1)
    other = frame[frame["method"] == "standard"].assign(arm="english", correct=1.0)
    estimate = MethodsEstimate(kind="methods", corpora=["xnli", "pawsx"])
    fewer = frame[frame["seed"] < 3].assign(corpus="pawsx")
    one = estimates.of_methods(estimate, pd.concat([frame, other, fewer]), **LEVEL)["adv"]
    assert one.estimate == pytest.approx(10.0)
    assert one.n_seeds == 2
    assert one.languages == ("en", "ru", "sw")


def test_hypotheses_of_one_premise_are_one_unit():
    frame = pairs(gain=lambda _: 0.1, n=30)
    frame["passage"] = frame["sentence1"] + (frame["id"] // 3).astype(str)
    estimate = MethodsEstimate(kind="methods", corpora=["xnli"])
    one = estimates.of_methods(estimate, frame, **LEVEL)["adv"]
    assert (one.n_examples, one.n_units) == (30, 10)


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
    translated = pd.concat([frame, frame[frame["language"] == "ar"].assign(language="ko")])
    (one,) = estimates.of_distractors(translated, ["distractor"], **LEVEL).values()
    assert (one.n_examples, one.n_units) == (16, 8)
    assert estimates.of_distractors(frame, [], **LEVEL) == {}
    assert estimates.of_distractors(frame.assign(outcome="skipped"), ["distractor"], **LEVEL) == {}


def test_a_method_with_fewer_seeds_in_one_arm_is_not_confused_with_the_arm():
    frame = pairs(gain=lambda _: 0.1, arms=("none", "multilingual"))
    frame.loc[frame["arm"] == "multilingual", "correct"] += 0.3
    fewer = frame[(frame["method"] == "standard") | (frame["arm"] == "none") | (frame["seed"] < 3)]
    estimate = MethodsEstimate(kind="methods", corpora=["xnli"])
    one = estimates.of_methods(estimate, fewer, **LEVEL)["adv"]
    assert one.estimate == pytest.approx(10.0)
    assert one.n_seeds == 2
    apart = frame[(frame["method"] == "standard") == (frame["seed"] < 3)]
    assert estimates.of_methods(estimate, apart, **LEVEL)["adv"].why_not == NO_COMMON_SEED


def test_seeds_that_met_only_some_conditions_are_left_out():
    swap = questions("swap", english={"ar": (0.8, 0.2)}, multilingual={"ar": (0.8, 0.5)})
    both = pd.concat([TYPO.assign(seed=TYPO["seed"] + 1), TYPO, swap]).drop_duplicates()
    estimate = ArmsEstimate(kind="arms", metric="attacked", contrast=("multilingual", "english"))
    one = estimates.of_arms(estimate, TYPO, both, seen={}, **LEVEL).intervals[
        "multilingual - english"
    ]
    assert one.n_seeds == 2
    assert one.estimate == pytest.approx(30.0)
