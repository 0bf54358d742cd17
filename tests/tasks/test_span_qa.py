"""Windows and spans: exact offsets, nothing lost, the best legal span found."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xltlib.artifacts import InputError
from xltlib.params import SpanQASettings
from xltlib.tasks import span_qa

SMALL = SpanQASettings(max_length=48, doc_stride=12, max_query_length=16, max_answer_length=8)
TEXT = st.text(st.sampled_from("abc de.é তি కా\u0c4d سَ ก"), min_size=1, max_size=150)


@settings(deadline=None)
@given(question=TEXT, context=TEXT)
def test_every_character_of_the_context_is_in_some_window(tiny_tokenizer, question, context):
    features = span_qa.featurize(tiny_tokenizer, [question], [context], SMALL)
    seen = set()
    for window, offsets in enumerate(features.offsets):
        assert len(features.input_ids[window]) <= SMALL.max_length
        for start, end in offsets[offsets[:, 0] >= 0]:
            seen.update(range(start, end))
    assert {i for i, char in enumerate(context) if not char.isspace()} <= seen


@settings(deadline=None)
@given(data=st.data(), context=TEXT.filter(lambda text: text.strip()))
def test_an_answer_comes_back_from_its_tokens(tiny_tokenizer, data, context):
    places = [i for i, char in enumerate(context) if not char.isspace()]
    start = data.draw(st.sampled_from(places))
    end = data.draw(st.sampled_from([i for i in places if start <= i < start + 6])) + 1
    features = span_qa.featurize(tiny_tokenizer, ["what?"], [context], SMALL)
    found = []
    for offsets in features.offsets:
        tokens = span_qa.token_span(offsets, start, end)
        if tokens is not None:
            found.append(context[offsets[tokens[0], 0] : offsets[tokens[1], 1]])
    # One character a token, so every span can be expressed exactly; overlap makes it whole.
    assert found
    assert set(found) == {context[start:end]}


def test_training_rows_point_at_the_answer_or_at_the_first_token(tiny_tokenizer):
    context = "x" * 60 + " answer " + "y" * 60
    features = span_qa.featurize(tiny_tokenizer, ["q"], [context], SMALL)
    rows = span_qa.training_rows(features, [{"text": ["answer"], "answer_start": [61]}])
    assert len(rows) == len(features) > 2
    whole = [(r, w) for w, r in enumerate(rows) if r["end_positions"] > 0]
    assert whole
    for row, window in whole:
        offsets = features.offsets[window]
        first, last = offsets[row["start_positions"], 0], offsets[row["end_positions"], 1]
        assert context[first:last] == "answer"
    assert any(row["start_positions"] == row["end_positions"] == 0 for row in rows)


def test_an_answer_without_a_place_teaches_nothing(tiny_tokenizer):
    features = span_qa.featurize(tiny_tokenizer, ["q"], ["context"], SMALL)
    assert span_qa.training_rows(features, [{"text": ["gone"], "answer_start": [-1]}]) == []


def slow_best(features, start, end, n_examples, settings):
    """The same rule, one candidate at a time."""
    best = [(-np.inf, 0, 0)] * n_examples
    for w, offsets in enumerate(features.offsets):
        legal = [t for t, (a, b) in enumerate(offsets) if a >= 0 and b > a]
        for s in sorted(legal, key=lambda t: -start[w, t])[: settings.n_best]:
            for e in sorted(legal, key=lambda t: -end[w, t])[: settings.n_best]:
                score = start[w, s] + end[w, e]
                fits = s <= e < s + settings.max_answer_length
                if fits and score > best[features.example[w]][0]:
                    best[features.example[w]] = (score, offsets[s, 0], offsets[e, 1])
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_vectorised_search_finds_what_a_loop_finds(tiny_tokenizer, seed):
    rng = np.random.default_rng(seed)
    contexts = ["".join(rng.choice(list("abc  é"), size=n)) for n in (5, 90, 200, 40)]
    features = span_qa.featurize(tiny_tokenizer, ["why?"] * 4, contexts, SMALL)
    width = max(map(len, features.input_ids))
    start, end = rng.normal(size=(2, len(features), width)).astype(np.float32)
    spans = span_qa.best_spans(features, start, end, 4, SMALL)
    expected = slow_best(features, start, end, 4, SMALL)
    assert [(s, a, b) for s, a, b in zip(spans.score, spans.start, spans.end, strict=True)] == [
        (pytest.approx(s), a, b) for s, a, b in expected
    ]


def test_long_questions_are_cut_and_contexts_are_not(tiny_tokenizer):
    context = "z" * 100
    features = span_qa.featurize(tiny_tokenizer, ["w" * 100], [context], SMALL)
    # The "▁" before the question is a token of its own.
    letters = tiny_tokenizer.convert_tokens_to_ids("w")
    assert {ids.count(letters) for ids in features.input_ids} == {SMALL.max_query_length - 1}
    covered = {i for o in features.offsets for a, b in o if a >= 0 for i in range(a, b)}
    assert covered == set(range(100))


def test_a_tokeniser_without_offsets_is_refused():
    slow = SimpleNamespace(is_fast=False)
    with pytest.raises(InputError, match="gives no character offsets"):
        span_qa.featurize(slow, ["q"], ["c"], SMALL)
