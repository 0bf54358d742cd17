"""What may be said: each kind from numbers that call for it, with its reasons."""

import json

import pytest
from xltlib.analysis.bootstrap import Interval
from xltlib.reporting.verdict import Scope, judge, missing, what_it_can_answer

from xltlib.params import Claim, Needs

FULL = Scope(synthetic=False, n_seeds=5, attacked_languages=("ar", "te"))


def claim(expected="above", size=None, **needs):
    return Claim(
        statement="More is better.",
        source="a test",
        estimate={"kind": "arms", "metric": "change", "contrast": ("multilingual", "english")},
        expected=expected,
        size=size,
        needs=needs,
    )


def interval(estimate, low, high, p=None):
    if p is None:
        p = 0.001 if low > 0 or high < 0 else 0.4
    error = (high - low) / 4
    return Interval(estimate, low, high, p, error, 40.0, 800, 5, 8, 0.95)


def verdict(*intervals, scope=FULL, **options):
    named = {f"method {i}": one for i, one in enumerate(intervals)}
    return judge("more", claim(**options), named, scope, unit="points of F1", smallest_effect=2.0)


@pytest.mark.parametrize(
    ("expected", "size", "numbers", "kind"),
    [
        ("above", None, (4.0, 1.0, 7.0), "supported"),
        ("above", None, (-4.0, -7.0, -1.0), "contradicted"),
        ("above", None, (0.5, -1.0, 1.9), "contradicted"),
        ("above", None, (1.0, -3.0, 5.0), "inconclusive"),
        # Above zero, and whether by as much as matters is open.
        ("above", None, (1.5, 0.5, 2.5), "inconclusive"),
        # The published size lies in the interval, or above it.
        ("above", 1.6, (1.5, 0.5, 2.5), "supported"),
        ("above", 2.6, (1.5, 0.5, 2.5), "contradicted"),
        ("below", None, (-4.0, -7.0, -1.0), "supported"),
        ("below", None, (4.0, 1.0, 7.0), "contradicted"),
        ("below", None, (-1.0, -5.0, 3.0), "inconclusive"),
        # That there is no such effect is a finding too.
        ("not above", None, (0.1, -1.5, 1.7), "supported"),
        ("not above", None, (-5.0, -7.0, -3.0), "supported"),
        ("not above", None, (4.0, 1.0, 7.0), "contradicted"),
        ("not above", None, (1.0, -3.0, 5.0), "inconclusive"),
    ],
)
def test_each_kind_follows_from_the_interval(expected, size, numbers, kind):
    assert verdict(interval(*numbers), expected=expected, size=size).kind == kind


def test_of_several_methods_one_that_holds_after_holm_is_enough():
    none = interval(0.0, -3.0, 3.0)
    assert verdict(interval(4.0, 1.0, 7.0), none, none).kind == "supported"
    # 0.03 is under 0.05 and not under a third of it.
    weak = interval(4.0, 0.2, 7.8, p=0.03)
    assert verdict(weak).kind == "supported"
    assert verdict(weak, none, none).kind == "inconclusive"


def test_an_effect_is_excluded_only_where_every_method_excludes_it():
    small = interval(0.0, -1.0, 1.0)
    assert verdict(small, small).kind == "contradicted"
    assert verdict(small, interval(1.0, -3.0, 5.0)).kind == "inconclusive"


def test_the_finding_holds_the_numbers_and_what_they_are():
    words = str(verdict(interval(4.0, 1.0, 7.0)).finding)
    for part in ("method 0 +4.0 (+1.0 to +7.0)", "n = 800", "5 seeds", "95 %", "points of F1"):
        assert part in words
    assert "seeds and examples" in words


def test_an_open_question_says_what_could_have_been_found():
    (reason,) = verdict(interval(1.0, -3.0, 5.0)).reasons
    # 2 standard errors: t(40) at 97.5 % and at 80 %.
    assert reason.numbers["detectable"] == pytest.approx(2 * (2.0211 + 0.8507), abs=1e-3)
    assert "would find 5.7 points of F1" in str(reason)


@pytest.mark.parametrize(
    ("scope", "needs", "reason"),
    [
        (Scope(True, 5, ("te",)), {}, "synthetic"),
        (Scope(False, 1, ("te",)), {}, "It has 1 seed; the claim needs 3."),
        (FULL, {"attacked_languages": ["ar", "bn"]}, "not attacked in bn."),
    ],
)
def test_a_profile_that_cannot_answer_says_why_whatever_its_numbers(scope, needs, reason):
    result = verdict(interval(9.0, 8.0, 10.0), scope=scope, **needs)
    assert result.kind == "not answered by this profile"
    assert any(reason in str(one) for one in result.reasons)


def test_too_few_questions_for_an_interval_are_no_answer():
    nan = float("nan")
    result = verdict(Interval(9.0, nan, nan, nan, nan, nan, 800, 5, 8, 0.95))
    assert result.kind == "not answered by this profile"
    assert "fewer than 5 questions" in str(result.reasons[0])
    # JSON has no NaN, and the words give no interval.
    json.dumps(result.record(), allow_nan=False)
    assert "method 0 +9.0;" in str(result.finding)


def test_nothing_to_compare_is_not_an_answer():
    assert verdict().kind == "not answered by this profile"
    assert str(verdict().finding) == "Nothing was measured."


def test_the_params_alone_tell_what_can_be_answered():
    claims = {"one": claim(), "two": claim(seeds=9)}
    can, cannot = what_it_can_answer(claims, FULL)
    assert "can be answered" in can
    assert "not answered by this profile. It has 5 seeds; the claim needs 9." in cannot
    assert missing(Needs(), FULL) == []
