"""The predictor: the same answers one by one and in batches, and probabilities that are ones."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, set_seed

from xltlib.artifacts import InputError
from xltlib.evaluation import predictor as predictor_module
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.span_qa import summarize
from xltlib.params import SpanQASettings
from xltlib.tasks.kind import padded_length

SETTINGS = SpanQASettings(max_length=48, doc_stride=12, max_query_length=16)
CONTEXTS = ["short one", "a much longer context " * 6, "తెలుగు వాక్యం ఇది", "కథ " * 40, "x"]
QUESTIONS = ["what?", "where is it?", "ఏమిటి?", "who", "why"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory, tiny_encoder, tiny_tokenizer):
    set_seed(1)
    folder = tmp_path_factory.mktemp("qa-model")
    AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


def test_batches_change_no_answer(model_folder):
    together = SpanPredictor.load(model_folder, settings=SETTINGS, batch_size=3)
    alone = SpanPredictor.load(model_folder, settings=SETTINGS, batch_size=1)
    one_by_one = [alone.predict([q], [c])[0] for q, c in zip(QUESTIONS, CONTEXTS, strict=True)]
    for a, b in zip(together.predict(QUESTIONS, CONTEXTS), one_by_one, strict=True):
        assert (a.text, a.start, a.end) == (b.text, b.start, b.end)
        assert a.probability == pytest.approx(b.probability, rel=1e-4)


def test_a_processor_reads_only_windows_of_one_padded_length_together(model_folder, monkeypatch):
    predictor = SpanPredictor.load(model_folder, settings=SETTINGS, batch_size=3)
    tokens = dict(enumerate([10, 33, 16, 34, 12, 31, 9, 15, 48]))
    batches = predictor._batches(tokens)
    assert sorted(window for batch in batches for window in batch) == sorted(tokens)
    assert all(len(batch) <= 3 for batch in batches)
    for batch in batches:
        assert len({predictor._width(tokens[window]) for window in batch}) == 1
    monkeypatch.setattr(type(predictor.model), "device", torch.device("cuda"))
    # On a card, fewer and fuller batches are faster.
    assert [len(batch) for batch in predictor._batches(tokens)] == [3, 3, 3]


def test_batches_are_padded_to_whole_blocks_as_far_as_the_model_goes(model_folder, monkeypatch):
    monkeypatch.setattr(predictor_module, "computes_bf16", lambda device: True)
    predictor = SpanPredictor.load(model_folder, settings=SETTINGS, batch_size=2)
    fast = predictor.faster()
    seen = []
    for one in (predictor, fast):
        one.model.register_forward_pre_hook(
            lambda *call: seen.append(call[-1]["input_ids"].shape[1]), with_kwargs=True
        )
    exact, near = (one.predict(QUESTIONS, CONTEXTS) for one in (predictor, fast))
    for a, b in zip(exact, near, strict=True):
        assert a.probability == pytest.approx(b.probability, rel=0.2)
    assert fast.model.dtype == torch.bfloat16
    assert {padded_length(width) for width in seen} == set(seen)
    fast._limit = 50
    assert [fast._width(tokens) for tokens in (20, 49, 50)] == [24, 50, 50]


def test_without_units_for_bf16_the_faster_copy_is_the_predictor_itself(model_folder, monkeypatch):
    monkeypatch.setattr(predictor_module, "computes_bf16", lambda device: False)
    monkeypatch.setattr("xltlib.encoders.device.computes_bf16", lambda device: False)
    predictor = SpanPredictor.load(model_folder, settings=SETTINGS, precision="auto")
    assert predictor.faster() is predictor
    exact = SpanPredictor.load(model_folder, settings=SETTINGS)
    assert predictor.predict(QUESTIONS, CONTEXTS) == exact.predict(QUESTIONS, CONTEXTS)


def test_answers_are_parts_of_their_context_with_a_probability(model_folder):
    predictor = SpanPredictor.load(model_folder, settings=SETTINGS)
    for answer, context in zip(predictor.predict(QUESTIONS, CONTEXTS), CONTEXTS, strict=True):
        assert context[answer.start : answer.end] == answer.text != ""
        assert 0 < answer.probability <= 1


def test_the_predicted_span_scores_its_own_probability(model_folder):
    predictor = SpanPredictor.load(model_folder, settings=SETTINGS)
    predictions = predictor.predict(QUESTIONS, CONTEXTS)
    spans = [[(p.start, p.end)] for p in predictions]
    _, gold = predictor.score(QUESTIONS, CONTEXTS, spans)
    np.testing.assert_allclose(gold, [p.probability for p in predictions], rtol=1e-5)


def test_all_spans_of_a_context_share_one_probability(model_folder):
    predictor = SpanPredictor.load(model_folder, settings=SETTINGS)
    context = "abc"
    spans = [(i, j) for i in range(3) for j in range(i + 1, 4)]
    values = [predictor.score(["q"], [context], [[span]])[1][0] for span in spans]
    assert 0 < sum(values) <= 1 + 1e-6


def test_nothing_asked_nothing_answered(model_folder):
    predictions, gold = SpanPredictor.load(model_folder).score([], [], [])
    assert predictions == []
    assert gold.shape == (0,)


def test_a_missing_model_names_its_folder(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no model here.*save_pretrained"):
        SpanPredictor.load(tmp_path / "nowhere")


def test_summaries_count_and_average():
    import pandas as pd

    rows = pd.DataFrame(
        {
            "corpus": "tydiqa",
            "language": ["en", "ar", "ar", "te"],
            "id": list("abcd"),
            "f1": [1.0, 0.5, 0.0, 0.75],
            "em": [1.0, 0.0, 0.0, 0.0],
        }
    )
    summary = summarize(rows)["tydiqa"]
    assert summary["languages"]["ar"] == {"f1": 25.0, "em": 0.0, "n": 2}
    assert summary["averages"]["f1"] == {
        "tydi_without_en": 50.0,
        "xtreme_with_en": pytest.approx(200 / 3),
    }
