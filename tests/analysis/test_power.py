"""A power statement agrees with what runs of the planned size then find."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis.intervals import contrast
from xltlib.analysis.power import BASES, Plan, detectable, statement
from xltlib.artifacts import InputError
from xltlib.reporting.power_findings import of_power

LANGUAGES = ("ar", "ko", "te")
SMALLEST = {"f1": 2.0, "kept": 3.0}


def run(seeds, *, arms=("english", "multilingual"), n=200, effect=0.0, seed_sd=0.02, rng=0):
    """Answers of a run: questions favour arms, trainings differ, and answers are noisy."""
    rng, rows = np.random.default_rng(rng), []
    training = {(arm, seed): rng.normal(0, seed_sd / np.sqrt(2)) for arm in arms for seed in seeds}
    for language in LANGUAGES:
        ease = rng.uniform(0.2, 0.8, n)
        for arm in arms:
            tilt = rng.normal(0, 0.1, n)
            for seed in seeds:
                mean = ease + tilt + training[arm, seed] + effect * (arm == "multilingual")
                value = mean + rng.normal(0, 0.2, n)
                rows.append(
                    pd.DataFrame(
                        {"arm": arm, "seed": seed, "corpus": "tydiqa", "language": language}
                        | {"id": [f"{language}{i}" for i in range(n)], "value": value}
                    )
                )
    return pd.concat(rows, ignore_index=True)


PLAN = Plan(seeds=5, seed_sd=2.0)


def test_it_says_what_runs_of_that_size_find():
    pilot = detectable(run((1, 2), rng=99), "clean", Plan(5, 100), level=0.95)
    assert pilot["basis"] == BASES[0]
    weights = {"multilingual": 1.0, "english": -1.0}
    found = [
        contrast(run(range(5), n=100, rng=i, effect=pilot["detectable"] / 100), "value", weights)
        for i in range(40)
    ]
    # The effect is found with 80 % probability; 40 runs know that to within 6 points.
    power = np.mean([one.p < 0.05 for one in found])
    assert 0.65 <= power <= 0.95
    assert pilot["detectable"] == pytest.approx(np.mean([o.detectable for o in found]), rel=0.25)


def test_more_seeds_more_questions_and_quieter_trainings_find_more():
    frame = run((1, 2))
    least = {
        plan: detectable(frame, "clean", plan, level=0.95)["detectable"]
        for plan in (PLAN, Plan(8), Plan(5, 800), Plan(5, seed_sd=0.5), Plan(5, 50))
    }
    here, seeds, questions, quiet, few = least.values()
    assert max(seeds, questions, quiet) < here < few
    # Without any difference between trainings, four times the questions halve it.
    still = [
        detectable(frame, "clean", Plan(5, n, seed_sd=0.0), level=0.95)["detectable"]
        for n in (200, 800)
    ]
    assert still[0] / still[1] == pytest.approx(2.0, rel=0.02)


def test_a_smaller_pilot_is_more_cautious_and_says_so():
    whole = detectable(run((1, 2)), "clean", PLAN, level=0.95)
    pair = detectable(run((1,)), "clean", PLAN, level=0.95)
    one = detectable(run((1,), arms=("none",)), "clean", PLAN, level=0.95)
    assert [x["basis"] for x in (whole, pair, one)] == list(BASES)
    assert [x["models"] for x in (whole, pair, one)] == [4, 2, 1]
    assert whole["detectable"] < pair["detectable"]


def test_questions_of_one_passage_count_as_one():
    frame = run((1, 2))
    number = frame["id"].str[2:].astype(int) // 5
    shared = frame.assign(value=frame["value"] + 0.1 * (frame["arm"] == "english") * (number % 2))
    clustered = shared.assign(passage=frame["language"] + number.astype(str))
    plan = Plan(5, seed_sd=0.0)
    apart, together = (
        detectable(f, "clean", plan, level=0.95)["detectable"] for f in (shared, clustered)
    )
    assert together > apart


def test_a_statement_has_a_row_per_measure_that_the_pilot_knows():
    clean = run((1, 2)).rename(columns={"value": "f1"})
    tested = clean.rename(columns={"f1": "original_f1"}).assign(attack="typo")
    tested["attacked_f1"] = tested["original_f1"] - 0.2
    none = tested.iloc[:0]
    found = statement(clean, tested, none, PLAN, smallest=SMALLEST, level=0.95)
    assert list(found["measure"]) == ["clean F1 on tydiqa", "share of clean F1 kept on static sets"]
    assert (found["enough"] == (found["detectable"] <= found["smallest"])).all()
    # An attack on three questions says nothing.
    few = tested[tested["id"].str[2:].astype(int) < 3]
    assert len(statement(clean, tested, few, PLAN, smallest=SMALLEST, level=0.95)) == 2
    # English is no zero-shot language, and models need not be finished alike.
    clean.loc[clean["language"] == "ko", "language"] = "en"
    short = clean[(clean["arm"] == "english") | (clean["language"] == "ar")]
    row = statement(short, none, none, PLAN, smallest=SMALLEST, level=0.95).iloc[0]
    assert (row["languages"], row["questions"]) == (1, 200)


def test_two_corpora_of_one_language_are_one_language():
    frame = run((1, 2))
    second = frame[frame["language"] == "ar"].assign(corpus="xquad")
    both = pd.concat([frame, second])
    found = detectable(both, "clean", PLAN, level=0.95)
    assert (found["languages"], found["questions"]) == (3, round(800 / 3))
    # As in the claims, the language's weight is shared, and the plan counts its questions once.
    alone, planned = (
        detectable(one, "clean", Plan(5, 400, 0.0), level=0.95)["detectable"]
        for one in (frame, both)
    )
    assert planned == pytest.approx(alone, rel=0.1)


def test_what_no_difference_can_reach_is_not_printed():
    frame = run((1, 2), n=6, seed_sd=0.5).rename(columns={"value": "f1"})
    plan = Plan(3, seed_sd=40.0)
    none = frame.assign(attack="typo", original_f1=0.5, attacked_f1=0.5).iloc[:0]
    found = statement(frame, none, none, plan, smallest=SMALLEST, level=0.95)
    assert found["detectable"].isna().all()
    assert not found["enough"].any()
    (said,) = map(str, of_power(found))
    assert "no difference between two arms can be detected" in said
    assert "6 questions in each of 3 languages" in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"seeds": 2},
        {"seeds": 5, "questions": 2},
        {"seed_sd": -1.0},
        {"seed_sd": 1e300},
        {"seeds": 10**9},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=r"--(seeds|questions|seed-sd) .*: give a number from"):
        Plan(**{"seeds": 5} | wrong)


def test_a_pilot_with_too_few_questions_is_refused():
    with pytest.raises(InputError, match="5 or more questions"):
        detectable(run((1,), n=4), "clean", PLAN, level=0.95)


@pytest.mark.parametrize("seed_sd", [0.0, 2.0])
def test_a_pilot_that_answers_every_question_alike_promises_nothing(seed_sd):
    frame = run((1, 2)).assign(f1=0.0)
    none = frame.assign(attack="typo", original_f1=0.0, attacked_f1=0.0).iloc[:0]
    plan = Plan(20, 5, seed_sd)
    found = statement(frame, none, none, plan, smallest=SMALLEST, level=0.95)
    assert found["detectable"].isna().all()
    assert not found["enough"].any()
    (said,) = map(str, of_power(found))
    assert said.endswith(
        "the minimum detectable difference between two arms cannot be estimated. Estimated from 4 "
        "models, whose answers do not differ, so they carry no information."
    )
