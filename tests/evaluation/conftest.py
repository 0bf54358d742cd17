"""What several tests of evaluation share."""

import pytest
from transformers import AutoModelForQuestionAnswering, set_seed

from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import SpanQASettings


@pytest.fixture(scope="module")
def predictor(tiny_encoder, tiny_tokenizer):
    """A span-QA model of random weights, with short windows."""
    set_seed(0)
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder)
    settings = SpanQASettings(max_length=128, doc_stride=32, max_query_length=32)
    return SpanPredictor(model, tiny_tokenizer, settings)
