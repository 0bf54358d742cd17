"""MLQA's rules: each language loses its own articles, Chinese is compared by character."""

import pytest

from xltlib.evaluation import squad
from xltlib.evaluation.mlqa import normalize_answer, normalizer


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The sky, a bird", "sky bird"),
        ("de", "Die Brücke des Flusses", "brücke flusses"),
        ("es", "¿El río?", "río"),
        ("vi", "Những con chim", "con chim"),
        ("hi", "नदी का नाम।", "नदी का नाम"),
        ("ar", "الكتاب", "كتاب"),
        ("zh", "位于 Banjul的剧院。", "位 于 banjul 的 剧 院"),
    ],
)
def test_answers_are_normalised_by_their_language(language, text, expected):
    assert normalize_answer(text, language) == expected


def test_scores_differ_from_squads_where_the_rules_do():
    assert squad.exact_match("Die Brücke", ["Brücke"]) == 0.0
    assert squad.exact_match("Die Brücke", ["Brücke"], normalizer("de")) == 1.0
    # White space makes one token of it, characters make four.
    assert squad.f1("位于剧院", ["位于影院"]) == 0.0
    assert squad.f1("位于剧院", ["位于影院"], normalizer("zh")) == pytest.approx(3 / 4)
