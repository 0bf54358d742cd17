"""Scoring a corpus: rows keep their ids, and scores are means over questions and languages."""

import pandas as pd
import pytest
from datasets import Dataset

from xltlib.evaluation.predictor import Prediction
from xltlib.evaluation.span_qa import answer, summarize


class Echo:
    """Answers every question with its context's first word."""

    def predict(self, questions, contexts):
        return [Prediction(c.split()[0], 0, len(c.split()[0]), 0.5) for c in contexts]


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
