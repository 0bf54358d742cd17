"""A tiny span-QA model, and questions that it answers right."""

from __future__ import annotations

import pytest
from transformers import AutoModelForQuestionAnswering, set_seed

import xltlib.attacks  # noqa: F401  makes TextAttack importable for the tests that use it directly
from xltlib.corpora import mini
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import MiniSettings

LANGUAGES = ("en", "ru", "te", "ko")


@pytest.fixture(scope="session")
def qa_folder(tmp_path_factory, tiny_encoder, tiny_tokenizer):
    """A model with a span head and random weights."""
    set_seed(1)
    folder = tmp_path_factory.mktemp("attacked-model")
    AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def predictor(qa_folder):
    return SpanPredictor.load(qa_folder, batch_size=8)


@pytest.fixture(scope="session")
def rows(predictor):
    """Questions by language; the gold answer is what the model answers, so it is always right."""
    sets: dict[str, list] = {}
    for language in LANGUAGES:
        sets[language] = []
        for row in mini.qa(language, "test", MiniSettings(test=24)):
            (found,) = predictor.predict([row["question"]], [row["context"]])
            # A random model's answer may be one letter, whose copies are everywhere.
            if len(found.text) > 4 and row["context"].count(found.text) == 1:
                answers = {"text": [found.text], "answer_start": [found.start]}
                sets[language].append(dict(row) | {"answers": answers})
        assert len(sets[language]) >= 4
    return sets
