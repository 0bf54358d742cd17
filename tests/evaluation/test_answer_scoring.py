"""Official scores by corpus, and the same rules in other units."""

import pytest

from xltlib.evaluation import mlqa, squad
from xltlib.evaluation.answer_scoring import f1_in, official


def test_each_corpus_has_one_rule_everywhere():
    prediction, gold = "„der Hund“", ["Hund"]
    assert official("de", "mlqa")(prediction, gold) == 1.0
    assert official("de", "xquad")(prediction, gold) == squad.f1(prediction, gold) < 1
    assert official("de", "mlqa")(prediction, gold) == squad.f1(
        prediction, gold, mlqa.normalizer("de")
    )


@pytest.mark.parametrize(
    ("language", "prediction", "gold", "unit", "broken"),
    [
        ("zh", "在1951年", "1951年", "words", True),
        ("zh", "在1951年", "1951年", "segmented", False),
        ("zh", "在1951年", "1951年", "characters", False),
        ("ko", "서울은", "서울", "words", True),
        ("ko", "서울은", "서울", "characters", False),
        ("ko", "부산", "서울", "characters", True),
        ("en", "the cat", "cat", "words", False),
        ("th", "ในกรุงเทพ", "กรุงเทพ", "words", True),
        ("th", "ในกรุงเทพ", "กรุงเทพ", "segmented", False),
    ],
)
def test_success_may_be_judged_in_other_units(language, prediction, gold, unit, broken):
    assert (f1_in(unit, language, None)(prediction, [gold]) < 0.5) == broken
