"""What may be said: each kind from numbers that call for it, with its reasons."""

import pytest

from xltlib.analysis.bootstrap import Interval
from xltlib.analysis.tables import Headline
from xltlib.analysis.verdict import TARGETS, headline, what_it_can_answer


def contrast(estimate, low, high, seeds=5):
    did = Interval(estimate, low, high, 0.01, 800, seeds, 8, 0.95)
    return Headline(Interval(1.0, 0.0, 2.0, 0.05, 800, seeds, 8, 0.95), did)


def verdict(*numbers, languages=TARGETS, synthetic=False, **options):
    return headline(
        contrast(*numbers, **options),
        languages=list(languages),
        synthetic=synthetic,
        smallest_effect=2.0,
    )


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ((4.0, 1.0, 7.0), "supported"),
        ((-4.0, -7.0, -1.0), "contradicted"),
        ((0.5, -1.0, 1.9), "contradicted"),
        ((1.0, -3.0, 5.0), "inconclusive"),
        ((1.5, 0.5, 2.5), "inconclusive"),
    ],
)
def test_each_kind_follows_from_the_interval(numbers, kind):
    assert verdict(*numbers).kind == kind


def test_the_sentence_holds_the_numbers():
    sentence = verdict(4.0, 1.0, 7.0).sentence
    for part in ("+4.0", "+1.0 to +7.0", "n = 800", "5 seed(s)", "95 %", "seeds and examples"):
        assert part in sentence


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"synthetic": True}, "synthetic"),
        ({"seeds": 1}, "1 seed"),
        ({"languages": [c for c in TARGETS if c != "te"]}, "not attacked in te"),
    ],
)
def test_a_profile_that_cannot_answer_says_why_whatever_its_numbers(changes, reason):
    result = verdict(9.0, 8.0, 10.0, **changes)
    assert result.kind == "not answered by this profile"
    assert any(reason in text for text in result.reasons)


def test_too_few_questions_for_an_interval_are_no_answer():
    result = verdict(9.0, float("nan"), float("nan"))
    assert result.kind == "not answered by this profile"
    assert "fewer than 5 attacked questions" in result.reasons[0]


def test_nothing_to_compare_is_not_an_answer():
    result = headline(None, languages=list(TARGETS), synthetic=False, smallest_effect=2.0)
    assert result.kind == "not answered by this profile"


def test_the_params_alone_tell_what_can_be_answered():
    full = {"n_seeds": 5, "languages": list(TARGETS), "synthetic": False}
    (yes,) = what_it_can_answer(**full, arms=["english", "multilingual"])
    assert yes.startswith("It can answer")
    no = what_it_can_answer(**full, arms=["english"])
    assert "not answered by this profile" in no[0]
    assert "lacks the english or the multilingual arm" in no[1]
