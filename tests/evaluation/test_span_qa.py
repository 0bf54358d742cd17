"""Scoring a corpus: rows keep their ids, and scores are means over questions and languages."""

import json

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.evaluation.predictor import Prediction
from xltlib.evaluation.span_qa import answer, evaluate, summarize


class Echo:
    """Answers every question with its context's first word."""

    def score(self, questions, contexts, spans):
        words = [context.split()[0] for context in contexts]
        gold = [0.5 if (0, len(w)) in of else 0.25 for w, of in zip(words, spans, strict=True)]
        return [Prediction(word, 0, len(word), 0.5) for word in words], np.array(gold)


def test_each_question_is_scored_against_its_best_answer():
    rows = Dataset.from_dict(
        {
            "id": ["a", "b"],
            "language": ["fi", "fi"],
            "question": ["?", "?"],
            "context": ["red sky", "blue sea"],
            "answers": [
                {"text": ["the red", "green"], "answer_start": [0, 0]},
                {"text": ["sea"], "answer_start": [5]},
            ],
        }
    )
    frame = answer(Echo(), "tydiqa", rows)
    assert list(frame["id"]) == ["a", "b"]
    assert list(frame["f1"]) == [1.0, 0.0]
    assert list(frame["em"]) == [1.0, 0.0]
    assert list(frame["prediction"]) == ["red", "blue"]
    assert list(zip(frame["start"], frame["end"], strict=True)) == [(0, 3), (0, 4)]


def test_the_gold_probability_is_of_the_likeliest_gold_that_has_a_place():
    answers = [
        {"text": [" red", "sky"], "answer_start": [-1, 4]},
        {"text": ["red "], "answer_start": [0]},
        {"text": ["nowhere"], "answer_start": [-1]},
    ]
    texts = {"question": ["?"] * 3, "context": ["red sky"] * 3, "language": ["fi"] * 3}
    frame = answer(Echo(), "xquad", Dataset.from_dict(texts | {"id": [*"abc"], "answers": answers}))
    np.testing.assert_array_equal(frame["gold_probability"], [0.25, 0.5, np.nan])


def test_averages_weigh_languages_not_questions():
    frame = pd.DataFrame(
        {
            "corpus": "tydiqa",
            "language": ["en", "ar", "ar", "ar", "fi"],
            "f1": [1.0, 0.0, 0.0, 0.0, 1.0],
            "em": [1.0, 0.0, 0.0, 0.0, 0.0],
        }
    )
    summary = summarize(frame)["tydiqa"]
    assert summary["languages"]["ar"] == {"f1": 0.0, "em": 0.0, "n": 3}
    assert summary["averages"]["f1"]["tydi_without_en"] == 50
    assert summary["averages"]["f1"]["xtreme_with_en"] == pytest.approx(200 / 3)


def test_mlqa_is_scored_by_its_own_rules():
    rows = Dataset.from_dict(
        {
            "id": ["a"],
            "language": ["de"],
            "question": ["?"],
            "context": ["die Brücke"],
            "answers": [{"text": ["der"], "answer_start": [0]}],
        }
    )
    assert answer(Echo(), "xquad", rows)["em"].tolist() == [0.0]
    assert answer(Echo(), "mlqa", rows)["em"].tolist() == [1.0]  # both are articles, so both empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": lambda questions, contexts: []}, "model: function cannot be evaluated; give"),
        ({"model": (1, 2)}, r"model: tuple cannot be .*SpanPredictor\(model, tokenizer\)"),
        ({"data": [{"id": "1"}]}, "data: list cannot be read; give a file"),
        ({"data": pd.DataFrame()}, "data: DataFrame cannot be read; give a file"),
        ({"batch_size": 0}, "batch_size 0: give a whole number, 1 or more"),
        ({"batch_size": None}, "batch_size None: give a whole number"),
        ({"max_length": "x"}, "max_length 'x': give a whole number"),
        ({"language": None}, "language None: give the file's language code"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_what_to_give(change, message):
    with pytest.raises(InputError, match=message):
        evaluate(**({"model": "nowhere", "data": "nowhere.json"} | change))


@pytest.mark.parametrize(
    ("paragraph", "identity", "language"),
    [({"language": "ar"}, "q", "ar"), ({}, "arabic-12-3", "ar"), ({"language": "fi"}, "q", "fi")],
)
def test_a_file_in_another_language_is_refused(tmp_path, paragraph, identity, language):
    qa = {"id": identity, "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    article = {"title": "t", "paragraphs": [{"context": "Ada.", "qas": [qa]} | paragraph]}
    file = tmp_path / "q.json"
    file.write_text(json.dumps({"data": [article]}))
    with pytest.raises(InputError, match=rf"q\.json: question '{identity}' is in {language}, not"):
        evaluate("nowhere", file)
