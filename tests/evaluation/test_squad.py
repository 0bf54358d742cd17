"""SQuAD 1.1 scores: the official script's rules, one known score each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltlib.evaluation import squad

WORDS = st.lists(
    st.sampled_from(["the", "a", "An", "cat", "CAT.", "sat", "on", "«", "é", "বই", "కథ", "42"]),
    min_size=1,
).map(" ".join)


@given(prediction=WORDS, gold=WORDS)
def test_f1_and_exact_match_agree_with_each_other(prediction, gold):
    f1, em = squad.f1(prediction, [gold]), squad.exact_match(prediction, [gold])
    assert 0 <= f1 <= 1
    assert f1 == squad.f1(gold, [prediction])
    if em and squad.normalize_answer(gold):
        assert f1 == 1.0
    shared = set(squad.normalize_answer(prediction).split()) & set(
        squad.normalize_answer(gold).split()
    )
    assert (f1 > 0) == bool(shared)


@pytest.mark.parametrize(
    ("prediction", "golds", "f1", "em"),
    [
        ("the Eiffel Tower!", ["Eiffel Tower"], 1.0, 1.0),
        ("Eiffel", ["Eiffel Tower"], 2 / 3, 0.0),
        ("", ["Eiffel Tower"], 0.0, 0.0),
        ("tower", ["Big Ben", "Tower"], 1.0, 1.0),
        ("১৯৭১ সালে", ["১৯৭১"], 2 / 3, 0.0),
        # Only ASCII punctuation and English articles go, as in the official script.
        ("«Tower»", ["Tower"], 0.0, 0.0),
        ("der Turm", ["Turm"], 2 / 3, 0.0),
        ("a.b", ["ab"], 1.0, 1.0),
        ("cat cat", ["cat"], 2 / 3, 0.0),
        ("the", ["The"], 0.0, 1.0),  # nothing is left of either: the official rule
        ("a cat", ["!"], 0.0, 0.0),
    ],
)
def test_known_scores(prediction, golds, f1, em):
    assert squad.f1(prediction, golds) == pytest.approx(f1)
    assert squad.exact_match(prediction, golds) == em


@given(text=st.text(min_size=1))
def test_gold_against_itself_is_exact(text):
    assert squad.exact_match(text, [text]) == 1.0


def test_both_averages():
    scores = {"en": 90.0, "ar": 60.0, "te": 40.0}
    assert squad.averages(scores) == {
        "tydi_without_en": 50.0,
        "xtreme_with_en": pytest.approx(190 / 3),
    }
    assert "tydi_without_en" not in squad.averages({"en": 90.0})
