"""RankC by hand, its properties, and its chance level; parallel candidates of span QA."""

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.corpora.corpus import QA
from xltlib.evaluation.candidates import candidate_logits, candidate_spans
from xltlib.evaluation.rank_consistency import rank_consistency
from xltlib.params import CorpusSource, MiniSettings

E = np.e


def test_rankc_by_hand():
    # Rankings 0 1 2 and 1 0 2: P@1 = 0, P@2 = P@3 = 1; weights e^2, e, 1 over their sum.
    found = rank_consistency([np.array([3.0, 2.0, 1.0])], [np.array([2.0, 3.0, 1.0])])
    total = E**2 + E + 1
    assert found.value == pytest.approx((E + 1) / total)
    assert found.chance == pytest.approx((E**2 / 3 + E * 2 / 3 + 1) / total)
    assert found.corrected == pytest.approx((found.value - found.chance) / (1 - found.chance))
    assert found.n == 1


def test_queries_of_different_size_count_alike():
    same, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    longer = np.arange(5.0)
    found = rank_consistency([same, longer], [other, longer])
    assert found.value == pytest.approx((1 / (E + 1) + 1) / 2)


scores_of_queries = st.lists(
    st.integers(2, 8).flatmap(lambda n: st.tuples(*[st.permutations(range(n))] * 2)), min_size=1
)


@given(scores_of_queries)
def test_rankc_is_symmetric_and_at_most_one(pairs):
    a, b = ([np.array(pair[side], dtype=float) for pair in pairs] for side in (0, 1))
    found = rank_consistency(a, b)
    assert found == rank_consistency(b, a)
    assert 0 < found.value <= 1
    identical = rank_consistency(a, [np.exp(scores) for scores in a])
    assert identical.value == pytest.approx(1)
    assert identical.corrected == pytest.approx(1)


@given(scores_of_queries, st.randoms(use_true_random=False))
def test_what_the_candidates_are_called_does_not_matter(pairs, random):
    a, b = ([np.array(pair[side], dtype=float) for pair in pairs] for side in (0, 1))
    orders = [random.sample(range(len(scores)), len(scores)) for scores in a]
    shuffled = (
        [scores[order] for scores, order in zip(side, orders, strict=True)] for side in (a, b)
    )
    assert rank_consistency(*shuffled).value == pytest.approx(rank_consistency(a, b).value)


@pytest.mark.parametrize("n", [2, 4, 10])
def test_random_rankings_agree_as_the_chance_level_says(n):
    rng = np.random.default_rng(n)
    a, b = rng.random((2, 4000, n))
    values = [rank_consistency([x], [y]).value for x, y in zip(a, b, strict=True)]
    found = rank_consistency(list(a), list(b))
    error = np.std(values) / np.sqrt(len(values))
    assert abs(found.value - found.chance) < 4 * error
    assert abs(found.corrected) < 4 * error / (1 - found.chance)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([], [], "at least one query"),
        ([np.ones(3)], [np.ones(2)], "same candidates"),
        ([np.ones(3)], [np.ones(3), np.ones(3)], "same queries"),
        ([np.ones(1)], [np.ones(1)], "at least two candidates"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, message):
    with pytest.raises(InputError, match=message):
        rank_consistency(a, b)


def rows(language, *questions):
    """Questions as (id, context, answer); an answer that is nowhere has no place."""
    return Dataset.from_list(
        [
            {
                "id": identity,
                "language": language,
                "title": "",
                "context": context,
                "question": f"{identity}?",
                "answers": {"text": [answer], "answer_start": [context.find(answer)]},
                "wrong_offsets": 0,
            }
            for identity, context, answer in questions
        ],
        features=QA,
    )


def test_candidates_are_the_answers_of_a_passage_matched_by_question():
    en, ru = "red sky, blue sea", "синее море, красное небо"
    sets = {
        "en": rows("en", ("a", en, "red"), ("b", en, "blue"), ("c", en, " sea"), ("d", "x y", "x")),
        "ru": rows(
            "ru", ("a", ru, "красное"), ("b", ru, "синее"), ("c", ru, "море"), ("d", "x", "x")
        ),
    }
    found = candidate_spans(sets)
    # d stands alone on its passage.
    assert list(found) == ["a", "b", "c"]
    texts = {
        code: [context[start:end] for start, end in found["b"][code]]
        for code, context in (("en", en), ("ru", ru))
    }
    assert texts == {"en": ["red", "blue", "sea"], "ru": ["красное", "синее", "море"]}


def test_an_answer_that_one_language_lacks_or_repeats_is_no_candidate():
    en, ru = "red sky, blue sea", "красное небо, море"
    sets = {
        "en": rows("en", ("a", en, "red"), ("b", en, "blue"), ("c", en, "sea"), ("d", en, "sky")),
        # b's answer is nowhere, and c's is a's.
        "ru": rows(
            "ru", ("a", ru, "красное"), ("b", ru, "синее"), ("c", ru, "красное"), ("d", ru, "небо")
        ),
    }
    found = candidate_spans(sets)
    # c is still asked: of the candidates a and d.
    assert list(found) == ["a", "c", "d"]
    assert found["c"]["en"] == [(0, 3), (4, 7)]


def test_a_candidates_score_is_its_start_plus_end_logit_in_the_best_window(predictor):
    context = "red sky and blue sea " * 12
    spans = [(0, 3), (12, 16), (len(context) - 4, len(context) - 1)]
    (found,) = predictor.span_logits(["which?"], [context], [spans])
    assert np.isfinite(found).all()
    # The same ratios as the probabilities that `score` gives, one candidate at a time.
    alone = [predictor.score(["which?"], [context], [[span]])[1][0] for span in spans]
    np.testing.assert_allclose(np.log(alone) - np.log(alone[0]), found - found[0], atol=1e-5)
    assert predictor.span_logits([], [], []) == []
    (outside,) = predictor.span_logits(["which?"], ["red"], [[(0, 3), (2, 9)]])
    assert np.isfinite(outside).tolist() == [True, False]


def test_a_candidate_beyond_every_window_is_left_out_of_all_languages(predictor):
    en, ru = "red sky", "красное небо"
    sets = {
        "en": rows("en", ("a", en, "red"), ("b", en, "sky")),
        "ru": rows("ru", ("a", ru, "красное"), ("b", ru, "небо")),
    }
    spans = candidate_spans(sets)
    whole = candidate_logits(predictor, sets, spans)
    assert [len(scores) for scores in whole["ru"]] == [2, 2]
    spans["a"] = {"en": [*spans["a"]["en"], (0, 99)], "ru": [*spans["a"]["ru"], (0, 7)]}
    spans["b"] = {"en": [(0, 99), (0, 3)], "ru": [(0, 7), (8, 12)]}
    kept = candidate_logits(predictor, sets, spans)
    assert [[len(scores) for scores in kept[code]] for code in sets] == [[2], [2]]


def test_mini_xquad_asks_for_every_fact_of_its_passages():
    source = CorpusSource(source="mini", mini=MiniSettings(test=8))
    sets = {code: corpora.load("xquad", source, code, "test") for code in ("en", "te", "zh")}
    spans = candidate_spans(sets)
    assert list(spans) == list(sets["en"]["id"])
    assert len(set(sets["en"]["context"])) == 2
    for code, part in sets.items():
        for row in part:
            texts = [row["context"][start:end] for start, end in spans[row["id"]][code]]
            assert len(set(texts)) == 4
            assert row["answers"]["text"][0] in texts


def test_real_xquad_has_parallel_candidates_for_most_questions(shared_data):
    source = CorpusSource(source="local", folder=shared_data / "xquad")
    sets = {code: corpora.load("xquad", source, code, "all") for code in ("en", "ar", "th", "zh")}
    spans = candidate_spans(sets)
    assert len(spans) > 0.95 * len(sets["en"])
    assert all(len({len(of) for of in by_code.values()}) == 1 for by_code in spans.values())
