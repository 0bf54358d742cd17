"""Windows and spans: exact offsets, nothing lost, the best legal span found."""

import unicodedata
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForQuestionAnswering

from tests import tiny_tokenizers
from xltlib.artifacts import InputError
from xltlib.languages import grapheme_spans
from xltlib.params import SpanQASettings
from xltlib.tasks import Setup, decoding, span_qa
from xltlib.tasks.offsets import borders, token_span

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
        tokens = token_span(offsets, start, end)
        if tokens is not None:
            begins, ends = borders(offsets)
            assert begins[tokens[0]]
            assert ends[tokens[1]]
            found.append(context[offsets[tokens[0], 0] : offsets[tokens[1], 1]])
    # One character per token, so every span of whole graphemes can be expressed exactly; windows
    # overlap, so one of them holds all of it.
    clusters = grapheme_spans(context)
    assert found
    assert set(found) == {context[clusters[start][0] : clusters[end - 1][1]]}


def test_windows_advance_by_doc_stride_tokens_whatever_the_question(tiny_tokenizer):
    # 48 tokens, 4 special ones; a question of n letters is n + 1 tokens, a "▁" begins the context.
    context = "".join(chr(ord("a") + i % 26) for i in range(100))
    for letters in (1, 7, 12):
        features = span_qa.featurize(tiny_tokenizer, ["q" * letters], [context], SMALL)
        room = 48 - 4 - (letters + 1)
        shown = ["▁", *context]
        expected = []
        for first in range(0, len(shown), 12):
            expected.append("".join(shown[first : first + room]))
            if first + room >= len(shown):
                break
        read = [
            "".join(tiny_tokenizer.convert_ids_to_tokens(ids)).split("</s></s>")[1][:-4]
            for ids in features.input_ids
        ]
        assert read == expected


def test_questions_of_all_lengths_keep_their_order_and_their_windows(tiny_tokenizer):
    # Repeated questions are tokenised once; what surrounds one does not matter.
    asked = ["q" * n for n in (9, 1, 9, 3, 30)] + [" qqq ", "", "qqq"]
    contexts = ["ab" * n for n in (40, 3, 30, 60, 20, 5, 5, 50)]
    together = span_qa.featurize(tiny_tokenizer, asked, contexts, SMALL)
    first = 0
    for i, (question, context) in enumerate(zip(asked, contexts, strict=True)):
        alone = span_qa.featurize(tiny_tokenizer, [question], [context], SMALL)
        own = slice(first, first + len(alone))
        assert together.example[own].tolist() == [i] * len(alone)
        assert together.input_ids[own] == alone.input_ids
        for a, b in zip(together.offsets[own], alone.offsets, strict=True):
            np.testing.assert_array_equal(a, b)
        first += len(alone)
    assert first == len(together)


def test_training_rows_point_at_the_answer_or_at_the_first_token(tiny_tokenizer):
    context = "x" * 60 + " answer " + "y" * 60
    features = span_qa.featurize(tiny_tokenizer, ["q"], [context], SMALL)
    rows = span_qa.training_rows(features, [{"text": ["answer"], "answer_start": [61]}])
    assert len(rows) == len(features) > 2
    whole = [(r, w) for w, r in enumerate(rows) if r["labels"] != [0, 0]]
    assert whole
    for row, window in whole:
        offsets, (first, last) = features.offsets[window], row["labels"]
        assert context[offsets[first, 0] : offsets[last, 1]] == "answer"
    assert len(whole) < len(rows)


def questions(*contexts):
    """Questions whose answer is the word "answer"."""
    return Dataset.from_list(
        [
            {
                "id": f"q{i}",
                "question": "q",
                "context": context,
                "answers": {"text": ["answer"], "answer_start": [context.find("answer")]},
            }
            for i, context in enumerate(contexts)
        ]
    )


def test_an_intermediate_question_is_one_row_with_its_answer_in_the_middle(tiny_tokenizer):
    kind = span_qa.make(Setup(span_qa=SMALL))
    contexts = ["x" * 60 + " answer " + "y" * 60, "the answer."]
    rows = kind.rows(tiny_tokenizer, questions(*contexts))
    assert len(rows) == 2
    for row in rows:
        first, last = row["labels"]
        shown = tiny_tokenizer.convert_ids_to_tokens(row["input_ids"][first : last + 1])
        assert "".join(shown).strip("▁") == "answer"
    # Of the windows that hold it, the one with the most context on both sides.
    first, last = rows[0]["labels"]
    features = span_qa.featurize(tiny_tokenizer, ["q"], contexts[:1], SMALL)
    room = []
    for offsets in features.offsets:
        span = token_span(offsets, 61, 67)
        if span is not None:
            inside = np.flatnonzero(offsets[:, 0] >= 0)
            room.append(min(span[0] - inside[0], inside[-1] - span[1]))
    assert len(room) > 1
    assert min(first - 5, len(rows[0]["input_ids"]) - 2 - last) == max(room)
    batch = kind.collate(tiny_tokenizer, rows)
    assert batch["labels"].tolist() == [row["labels"] for row in rows]


def test_an_intermediate_question_that_cannot_train_is_named(tiny_tokenizer):
    with pytest.raises(InputError, match=r"1 question cannot be used for training, e\.g\. q1"):
        span_qa.make(Setup(span_qa=SMALL)).rows(tiny_tokenizer, questions("answer", "none here"))


def test_window_scores_are_token_overlap_and_never_a_span_that_ends_before_it_begins():
    kind = span_qa.make(Setup(span_qa=SMALL))
    logits = np.full((6, 2), -9.0)
    logits[3, 0] = logits[2, 1] = 5.0  # the best start lies after the best end
    logits[2, 0], logits[4, 1] = 4.0, 3.0
    predictions, golds = kind.readable([logits], [[2, 4]])
    assert (predictions, golds) == (["2-2"], ["2-4"])
    assert kind.correct("2-2", "2-4") == pytest.approx(2 * 1 / (1 + 3))
    assert kind.metrics(["2-4", "0-1"], ["2-4", "2-4"]) == {"window_f1": 50.0, "window_em": 50.0}


def test_the_intermediate_head_gives_the_loss_of_a_question_answering_model(
    tiny_encoder, tiny_tokenizer
):
    kind = span_qa.make(Setup(span_qa=SMALL))
    rows = kind.rows(tiny_tokenizer, questions("an answer", "my answer"))
    # Cut to the one length of both: transformers lets padding take part in the softmax.
    tokens = len(rows[0]["input_ids"])
    batch = {
        name: values if name == "labels" else values[:, :tokens]
        for name, values in kind.collate(tiny_tokenizer, rows).items()
    }
    whole = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).eval()
    head = kind.head(32, 0.1)
    head.out.load_state_dict(whole.qa_outputs.state_dict())
    labels = batch.pop("labels")
    ours = head(whole.base_model(**batch).last_hidden_state, batch["attention_mask"], labels)
    start, end = labels.T
    theirs = whole(**batch, start_positions=start, end_positions=end).loss
    torch.testing.assert_close(ours["loss"], theirs)


def test_the_loss_of_a_target_model_is_its_own_but_for_padding(tiny_encoder, tiny_tokenizer):
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).eval()
    contexts = ["an answer", "a long way to the answer"]
    features = span_qa.featurize(tiny_tokenizer, ["q", "q"], contexts, SMALL)
    answers = [{"text": ["answer"], "answer_start": [c.index("answer")]} for c in contexts]
    rows = span_qa.training_rows(features, answers)
    alone = []
    for row in rows:
        tokens = len(row["input_ids"])
        one = span_qa.pad_spans(tiny_tokenizer, [row])
        cut = {n: v if n.endswith("positions") else v[:, :tokens] for n, v in one.items()}
        alone.append(span_qa.span_loss(model, cut))
        torch.testing.assert_close(alone[-1], model(**cut).loss)
    together = span_qa.span_loss(model, span_qa.pad_spans(tiny_tokenizer, rows))
    torch.testing.assert_close(together, torch.stack(alone).mean())


def test_an_answer_without_a_place_teaches_nothing(tiny_tokenizer):
    features = span_qa.featurize(tiny_tokenizer, ["q"], ["context"], SMALL)
    assert span_qa.training_rows(features, [{"text": ["gone"], "answer_start": [-1]}]) == []


@given(st.lists(st.lists(st.sampled_from(["outside", "empty", "same", "next"])), min_size=1))
def test_of_the_tokens_in_a_cluster_the_first_begins_and_the_last_ends(rows):
    """Rows of a batch do not mix, and tokens outside the context or without characters, which may
    stand between the tokens of a cluster, are neither."""
    width = max(map(len, rows)) + 1
    offsets = np.full((len(rows), width, 2), -1)
    begins, ends = np.zeros((2, len(rows), width), dtype=bool)
    for r, row in enumerate(rows):
        cluster, previous = -1, None
        for t, kind in enumerate(row):
            if kind == "empty":
                offsets[r, t] = max(cluster, 0)
            elif kind != "outside":
                new = kind == "next" or previous is None
                cluster += new
                offsets[r, t] = cluster, cluster + 1
                begins[r, t] = new
                if previous is not None:
                    ends[r, previous] = new
                previous = t
        if previous is not None:
            ends[r, previous] = True
    found = borders(offsets)
    np.testing.assert_array_equal(found[0], begins)
    np.testing.assert_array_equal(found[1], ends)


def slow_best(features, start, end, n_examples, settings):
    """The same rule, one candidate at a time."""
    best = [(-np.inf, 0, 0)] * n_examples
    for w, offsets in enumerate(features.offsets):
        begins, ends = map(np.flatnonzero, borders(offsets))
        for s in sorted(begins, key=lambda t: -start[w, t])[: settings.n_best]:
            for e in sorted(ends, key=lambda t: -end[w, t])[: settings.n_best]:
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
    spans = decoding.best_spans(features, start, end, 4, SMALL)
    expected = slow_best(features, start, end, 4, SMALL)
    assert [(s, a, b) for s, a, b in zip(spans.score, spans.start, spans.end, strict=True)] == [
        (pytest.approx(s), a, b) for s, a, b in expected
    ]


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.tuples(
            st.lists(
                st.lists(
                    st.sampled_from([-np.inf, -1.5, 0.0, 0.25, 3.0]), min_size=width, max_size=width
                ),
                min_size=1,
                max_size=5,
            ),
            st.integers(1, width),
        )
    )
)
def test_the_largest_are_those_of_a_stable_sort(drawn):
    rows, n = drawn
    values = np.array(rows, dtype=np.float32)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :n]
    np.testing.assert_array_equal(decoding._largest(values, n), expected)


def test_long_questions_are_cut_and_contexts_are_not(tiny_tokenizer):
    context = "z" * 100
    features = span_qa.featurize(tiny_tokenizer, ["w" * 100], [context], SMALL)
    # The "▁" before the question is a token of its own.
    letters = tiny_tokenizer.convert_tokens_to_ids("w")
    assert {ids.count(letters) for ids in features.input_ids} == {SMALL.max_query_length - 1}
    covered = {i for o in features.offsets for a, b in o if a >= 0 for i in range(a, b)}
    assert covered == set(range(100))


def test_a_tokenizer_without_offsets_is_refused():
    slow = SimpleNamespace(is_fast=False)
    with pytest.raises(InputError, match="gives no character offsets"):
        span_qa.featurize(slow, ["q"], ["c"], SMALL)


@pytest.mark.parametrize("kind", tiny_tokenizers.KINDS)
@pytest.mark.parametrize("answer", ["Malmö", "Quý", "café", "Phố"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_answer_keeps_its_last_accent(kind, answer, form):
    tokenizer = tiny_tokenizers.KINDS[kind]()
    answer = unicodedata.normalize(form, answer)
    context = f"She lives in {answer} now."
    start = context.find(answer)
    features = span_qa.featurize(tokenizer, ["Where?"], [context], SMALL)
    (row,) = span_qa.training_rows(features, [{"text": [answer], "answer_start": [start]}])
    first, last = row["labels"]
    logits = np.full((2, 1, len(row["input_ids"])), -5.0, dtype=np.float32)
    logits[0, 0, first] = logits[1, 0, last] = 5.0
    spans = decoding.best_spans(features, *logits, 1, SMALL)
    assert context[spans.start[0] : spans.end[0]] == answer


@pytest.mark.parametrize("side", ["left", "right"])
def test_labels_point_at_the_answer_on_whatever_side_the_tokenizer_pads(tiny_tokenizer, side):
    tokenizer = deepcopy(tiny_tokenizer)
    tokenizer.padding_side = side
    data = questions("an answer", "a much longer way to the answer")
    features = span_qa.featurize(tokenizer, data["question"][:], data["context"][:], SMALL)
    batch = span_qa.pad_spans(tokenizer, span_qa.training_rows(features, data["answers"][:]))
    spans = zip(batch["input_ids"], batch["start_positions"], batch["end_positions"], strict=True)
    for ids, first, last in spans:
        assert (
            "".join(tokenizer.convert_ids_to_tokens(ids[first : last + 1])).strip("▁") == "answer"
        )
