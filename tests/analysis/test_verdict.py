"""What may be said: three statements from numbers that call for them, each method by itself."""

import json
import math

import pytest

from xltlib.analysis.intervals import Interval
from xltlib.analysis.verdict import Held, Lack, judge, matters_of, missing, size_of
from xltlib.params import Claim, Needs
from xltlib.reporting import answers


def claim(expected="above", size=None, primary=False, as_stated=True, size_error=None, **needs):
    return Claim(
        statement="More is better.",
        source="a test",
        estimate={"kind": "arms", "metric": "change", "contrast": ("multilingual", "english")},
        expected=expected,
        size=size,
        size_error=size_error,
        primary=primary,
        as_stated=as_stated,
        needs=needs,
    )


def interval(estimate, low, high, p=None, **changes):
    if p is None:
        p = 0.001 if low > 0 or high < 0 else 0.4
    values = {
        "estimate": estimate,
        "low": low,
        "high": high,
        "p": p,
        "error": (high - low) / 4,
        "detectable": 0.7 * (high - low),
        "seed_sd": 1.0,
        "n_examples": 800,
        "n_units": 800,
        "n_seeds": 5,
        "n_sets": 8,
        "level": 0.95,
        "languages": ("ar", "te"),
    }
    return Interval(**(values | changes))


def verdict(*intervals, synthetic=False, **options):
    named = {f"method {i}": one for i, one in enumerate(intervals)}
    unit = {"unit": "points of F1", "smallest": 2.0}
    return judge("more", claim(**options), named, synthetic=synthetic, **unit)


def kind(*numbers, **options):
    return verdict(interval(*numbers), **options).lines[0].kind


@pytest.mark.parametrize(
    ("expected", "numbers", "wanted"),
    [
        ("above", (4.0, 1.0, 7.0), "supported"),
        # The sign is shown; whether it matters is a statement of its own.
        ("above", (1.5, 0.5, 2.5), "supported"),
        ("above", (-4.0, -7.0, -1.0), "contradicted"),
        ("above", (0.5, -1.0, 1.9), "too small to matter"),
        ("above", (1.0, -3.0, 5.0), "inconclusive"),
        ("below", (-4.0, -7.0, -1.0), "supported"),
        ("below", (4.0, 1.0, 7.0), "contradicted"),
        ("below", (-1.0, -5.0, 3.0), "inconclusive"),
        # That there is no such effect is a finding too.
        ("not above", (0.1, -1.5, 1.7), "supported"),
        ("not above", (-5.0, -7.0, -3.0), "supported"),
        ("not above", (4.0, 2.5, 5.5), "contradicted"),
        ("not above", (4.0, 1.0, 7.0), "inconclusive"),
    ],
)
def test_each_kind_follows_from_the_interval(expected, numbers, wanted):
    assert kind(*numbers, expected=expected) == wanted


@pytest.mark.parametrize(
    ("numbers", "size"),
    [
        ((0.82, 0.42, 1.22), "smaller"),
        ((0.82, 0.72, 0.92), "smaller"),
        ((1.5, 0.5, 2.5), "compatible"),
        ((3.0, 2.0, 4.0), "larger"),
    ],
)
def test_more_certainty_about_a_small_effect_changes_its_size_and_not_its_sign(numbers, size):
    (line,) = verdict(interval(*numbers), size=1.6).lines
    assert (line.kind, line.effect, line.size) == ("supported", "as claimed", size)


def said(*numbers, **options):
    """The statements on one comparison, and the answer to a primary claim."""
    result = verdict(interval(*numbers), primary=True, **options)
    statements = [str(one) for one in answers.statements(result, result.lines[0])]
    return statements, str(answers.answer(answers.record(result))[0])


def test_the_answer_and_the_statements_agree():
    statements, answer = said(0.5, 0.2, 0.8)
    assert statements[0] == "There is an effect in the claimed direction."
    assert statements[1].startswith("It is too small to matter")
    assert answer == "Yes, but by less than would matter."
    assert (
        said(-0.5, -0.8, -0.2)[1]
        == "No: the data show the opposite, but by less than would matter."
    )
    assert said(5.0, 4.0, 6.0)[1] == "Yes."
    assert said(0.1, -1.0, 1.0)[0][1].startswith("Any effect is too small")
    # A claim of no difference holds, however small the difference that there is.
    assert said(0.5, 0.2, 0.8, expected="not above")[1] == "Yes."
    assert said(-0.5, -0.8, -0.2, expected="not above")[1] == "Yes."


def test_what_the_corrected_p_value_does_not_show_does_not_matter_for_sure():
    none, weak = interval(0.0, -3.0, 3.0), interval(4.0, 2.1, 5.9, p=0.03)
    line = verdict(weak, none, none).lines[0]
    assert (line.effect, line.matters) == ("not shown", "open")


@pytest.mark.parametrize(
    ("numbers", "kind", "first"),
    [
        ((4.0, 2.5, 5.5), "contradicted", "The difference is above zero."),
        ((-5.0, -7.0, -3.0), "supported", "The difference is below zero, which the claim allows."),
        ((0.1, -1.5, 1.7), "supported", "No difference is shown."),
    ],
)
def test_a_claim_that_there_is_no_gain_is_worded_as_one(numbers, kind, first):
    result = verdict(interval(*numbers), expected="not above")
    assert result.lines[0].kind == kind
    assert str(answers.statements(result, result.lines[0])[0]) == first


def test_sizes_are_stated_whatever_the_effect():
    for numbers in ((-1.0, -2.0, -0.1), (0.2, -0.5, 0.9)):
        result = verdict(interval(*numbers), size=1.6)
        words = str(answers.statements(result, result.lines[0])[1])
        assert words == "The data exclude an effect as large as the published 1.6 points."


def test_a_tiny_p_value_is_not_printed_as_zero():
    result = verdict(interval(5.0, 4.0, 6.0, p=1e-9))
    assert ", p < 0.001;" in str(answers.finding(result, result.lines[0]))


def test_trainings_that_vary_call_for_more_seeds():
    varied = {"seeds": 5, "varied": {"above": 2.0, "seeds": 8}}
    steady, wild = (interval(5.0, 4.0, 6.0, seed_sd=sd) for sd in (1.9, 2.1))
    assert verdict(steady, **varied).lines[0].kind == "supported"
    result = verdict(wild, **varied)
    assert result.lines[0].kind == "not answered by this profile"
    (words,) = map(str, answers.statements(result, result.lines[0]))
    assert words.startswith("There are only 5 seeds, with a standard deviation of 2.1")
    more = interval(5.0, 4.0, 6.0, seed_sd=2.1, n_seeds=8)
    assert verdict(more, **varied).lines[0].kind == "supported"


def test_the_publications_own_uncertainty_counts():
    assert size_of(0.4, 1.2, 1.6, 0.0) == "smaller"
    assert size_of(0.4, 1.2, 1.6, 0.3) == "compatible"


def test_whether_it_matters_is_judged_on_both_sides():
    assert matters_of(2.0, 5.0, 2.0) == "large enough to matter"
    assert matters_of(-5.0, -2.0, 2.0) == "large enough to matter"
    assert matters_of(-1.9, 1.9, 2.0) == "too small to matter"
    assert matters_of(0.1, 2.1, 2.0) == "open"


def test_a_noisy_method_neither_blocks_nor_lends_a_verdict():
    good, noisy = interval(4.0, 1.0, 7.0), interval(5.0, -20.0, 30.0)
    assert [line.kind for line in verdict(good, noisy).lines] == ["supported", "inconclusive"]
    small = interval(0.0, -1.0, 1.0)
    assert [line.kind for line in verdict(small, noisy).lines] == [
        "too small to matter",
        "inconclusive",
    ]


def test_holm_counts_the_methods_that_are_answered():
    none, weak = interval(0.0, -3.0, 3.0), interval(4.0, 0.2, 7.8, p=0.03)
    assert verdict(weak).lines[0].kind == "supported"
    # 0.03 is under 0.05 and not under a third of it.
    assert verdict(weak, none, none).lines[0].kind == "inconclusive"
    two_seeds = interval(0.0, -3.0, 3.0, p=math.nan, n_seeds=2)
    assert verdict(weak, two_seeds, two_seeds).lines[0].kind == "supported"


@pytest.mark.parametrize(
    ("changes", "needs", "reason"),
    [
        ({"n_seeds": 2, "p": math.nan}, {}, "There are only 2 seeds, but the claim needs 3."),
        ({}, {"languages": ["ar", "bn"]}, "The comparison lacks these languages: bn."),
        (
            {"n_examples": 40},
            {"questions": 100},
            "There are only 40 test examples, but the claim needs 100.",
        ),
        ({"low": math.nan, "why_not": "not estimable with two seeds"}, {}, "not estimable with"),
    ],
)
def test_needs_are_checked_against_what_the_interval_holds(changes, needs, reason):
    result = verdict(interval(**({"estimate": 9.0, "low": 8.0, "high": 10.0} | changes)), **needs)
    (line,) = result.lines
    assert line.kind == "not answered by this profile"
    assert line.effect is None
    assert reason in " ".join(map(str, answers.statements(result, line)))
    json.dumps(answers.record(result), allow_nan=False)


@pytest.mark.parametrize(
    ("languages", "sets", "words"),
    [
        (("ar", "te"), 2, "n = 800, 2 languages, 5 seeds"),
        (("te",), 1, "n = 800, 1 language, 5 seeds"),
        (("ar", "te"), 8, "n = 800, 8 test sets in 2 languages, 5 seeds"),
        # Pairs of languages are averaged into one.
        (("ar", "te"), 1, "n = 800, 2 languages, 5 seeds"),
    ],
)
def test_a_finding_counts_languages_and_their_test_sets(languages, sets, words):
    one = verdict(interval(4.0, 1.0, 7.0, languages=languages, n_sets=sets))
    assert words in str(answers.finding(one, one.lines[0]))


def test_synthetic_data_answers_nothing():
    result = verdict(interval(9.0, 8.0, 10.0), synthetic=True)
    assert result.lines[0].kind == "not answered by this profile"


def test_what_is_not_tested_as_stated_settles_nothing():
    assert kind(4.0, 1.0, 7.0, as_stated=False) == "not tested as stated"


def test_nothing_to_compare_is_not_an_answer():
    (line,) = verdict().lines
    assert line.kind == "not answered by this profile"
    assert str(answers.finding(verdict(), line)) == "Nothing was measured."


def test_the_finding_holds_the_numbers_and_what_they_are():
    result = verdict(interval(4.0, 1.0, 7.0))
    words = str(answers.finding(result, result.lines[0]))
    for part in ("method 0: +4.0 points of F1", "95 % interval +1.0 to +7.0", "n = 800", "5 seeds"):
        assert part in words
    first, second = (str(one) for one in answers.statements(result, result.lines[0]))
    assert first == "There is an effect in the claimed direction."
    assert second == (
        "Whether it is large enough to matter (2 points or more) is open; the minimum detectable "
        "effect (80 % power) is 4.2 points."
    )


def test_small_units_have_the_decimals_that_they_need():
    one = interval(0.14, 0.04, 0.24)
    unit = {"unit": "log-odds of the gold answer", "smallest": 0.2}
    result = judge("more", claim(), {"a - b": one}, synthetic=False, **unit)
    words = str(answers.finding(result, result.lines[0]))
    assert "+0.14 log-odds of the gold answer (95 % interval +0.04 to +0.24)" in words
    second = str(answers.statements(result, result.lines[0])[1])
    assert "matter (0.2 log-odds or more) is open" in second
    assert second.endswith("(80 % power) is 0.14 log-odds.")


def test_a_single_point_is_in_the_singular():
    options = {"synthetic": False, "unit": "points of accuracy", "smallest": 1.0}
    result = judge("more", claim(size=1.6), {"a - b": interval(0.1, -0.5, 0.7)}, **options)
    assert [str(one) for one in answers.statements(result, result.lines[0])] == [
        "No effect is shown.",
        "The data exclude an effect as large as the published 1.6 points.",
        "Any effect is too small to matter (less than 1 point).",
    ]


def test_the_answer_is_a_word_and_at_most_three_sentences():
    result = answers.record(verdict(interval(4.0, 2.5, 5.5), primary=True))
    sentences = [str(one) for one in answers.answer(answers.primary([result]))]
    assert sentences[0] == "Yes."
    assert len(sentences) <= 4
    cannot = answers.record(verdict(interval(4.0, 2.5, 5.5), synthetic=True, primary=True))
    assert str(answers.answer(cannot)[0]).startswith("Not answered, because the data are synthetic")
    metrics = {"answer": [], "claims": [result]}
    metrics["answer"] = [vars(one) for one in answers.answer(result)]
    lines = answers.in_five_lines(metrics, {"more": claim(primary=True)}, "quick", "me5-small")
    assert len(lines) == 5
    assert lines[0] == f"Question: {answers.QUESTION}"
    assert lines[1] == "Answer: Yes."
    assert lines[3] == "All claims: 1 claim in 1 comparison: 1 supported."


@pytest.mark.parametrize("changes", [{"expected": "below"}, {"expected": "not above"}])
def test_the_question_is_that_of_the_primary_claim(changes):
    assert answers.question({"more": claim()}) == answers.QUESTION  # none is primary
    assert answers.question({"more": claim(primary=True)}) == answers.QUESTION
    other = {"less": claim(primary=True, **changes)}
    assert answers.question(other) == "Does this hold? More is better."


def test_a_size_that_is_open_is_not_settled_and_not_compatible_with_nothing():
    answer = said(4.0, 1.0, 7.0, expected="not above")[1]
    assert answer.startswith("Not settled: the data are compatible with a difference that matters")
    assert "none" not in answer


@pytest.mark.parametrize(
    "changes",
    [{"as_stated": False}, {"estimate": {"kind": "methods", "corpora": ["xnli"]}}],
)
def test_the_primary_claim_is_one_test_that_can_settle_it(changes):
    values = claim(primary=True).model_dump() | changes
    with pytest.raises(ValueError, match="primary: "):
        Claim.model_validate(values)
    Claim.model_validate(values | {"primary": False})


def test_an_undefined_measure_is_named_where_nothing_is_compared():
    lacks = [Lack("unchecked"), Lack("undefined", ["typo-10"])]
    found = judge("more", claim(), {}, synthetic=False, unit="", smallest=2.0, lacks=lacks)
    (words,) = map(str, answers.statements(found, found.lines[0]))
    assert words == "Under typo-10, the measure is undefined for at least one model."


def test_a_lack_is_named_once_with_the_claims_that_have_it():
    few, none = verdict(interval(4.0, 2.5, 5.5), seeds=9), verdict()
    records = [
        answers.record(one) | {"name": name}
        for name, one in (("a", few), ("b", few), ("c", none), ("d", verdict(interval(4, 3, 5))))
    ]
    assert str(answers.summary(records)) == (
        "4 claims in 4 comparisons: 3 not answered by this profile, 1 supported. Reasons for "
        "no answer: too few seeds (a, b); nothing to compare (c)."
    )
    assert "too few seeds (all)" in str(answers.summary(records[:2]))


def test_the_params_alone_tell_what_can_be_answered():
    held = Held(False, 5, ("ar", "te"))
    claims = {"one": claim(), "two": claim(seeds=9), "three": claim(), "four": claim()}
    claims["four"] = claim(as_stated=False)
    rests_on = dict.fromkeys(claims, held) | {"three": None}
    can, cannot, nothing, otherwise = answers.what_it_can_answer(claims, rests_on)
    assert "can answer it" in can
    assert "There are only 5 seeds, but the claim needs 9." in cannot
    assert "nothing to compare" in nothing
    assert "Not tested as stated" in otherwise
    assert missing(Needs(), held) == []


def test_synthetic_data_leaves_no_p_value_anywhere():
    record = verdict(interval(3.0, 1.0, 5.0), interval(4.0, 1.0, 7.0), synthetic=True).record()
    assert [line["interval"]["p"] for line in record["lines"]] == [None, None]
    assert [line["p_corrected"] for line in record["lines"]] == [None, None]
    assert record["lines"][0]["interval"]["low"] == 1.0


def test_an_arm_that_did_not_learn_answers_nothing():
    named = {"multilingual minus english": interval(3, 2, 4)}
    lacks = [Lack("training", ("english", 5.0), 2.0)]
    found = judge(
        "more", claim(), named, synthetic=False, unit="points of F1", smallest=2.0, lacks=lacks
    )
    (line,) = found.lines
    assert line.kind == "not answered by this profile"
    (words,) = answers.statements(found, line)
    assert str(words) == (
        "Intermediate training of `english` did not work: its English F1 is 5.0 points below "
        "that of the arm without intermediate training; at most 2 is allowed."
    )


def test_robust_training_is_not_compared_where_standard_training_learnt_nothing():
    lacks = [Lack("target training", ("pawsx", 56.9), 57.25)]
    found = judge(
        "more",
        claim(),
        {"adv": interval(0.1, -1, 1)},
        synthetic=False,
        unit="points",
        smallest=1.0,
        lacks=lacks,
    )
    (words,) = map(str, answers.statements(found, found.lines[0]))
    assert words == (
        "Standard training on pawsx did not work: its English accuracy is 56.9 points, and always "
        "choosing the most frequent label gives 57.2."
    )
