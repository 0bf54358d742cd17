"""Kinds of answers in any script, and what each of them loses."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltlib.analysis.answer_types import (
    ANSWER_TYPES,
    MIN_QUESTIONS,
    QUESTION_TYPES,
    answer_type,
    by_type,
    question_type,
    types_of,
)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("12 июня 1990", "date"),
        ("1990년", "date"),
        ("১৯৭১", "date"),
        ("3/10/1990", "date"),
        ("3.10.90", "date"),
        ("1.1000 km", "number"),
        ("42", "number"),
        ("3,5 miljoonaa euroa", "number"),
        ("٢٥ كيلومتر", "number"),
        ("10,1998", "number"),
        ("9999", "number"),
        ("Windows 95", "number"),
        ("Лев Толстой", "name-like"),
        ("University of Helsinki", "name-like"),
        ("서울", "other"),
        ("القاهرة", "other"),
        ("because it rained", "other"),
        ("", "other"),
    ],
)
def test_the_kind_of_an_answer(answer, kind):
    assert answer_type(answer) == kind


@given(st.text())
def test_every_text_has_a_kind(text):
    assert answer_type(text) in ANSWER_TYPES
    assert question_type(text) in QUESTION_TYPES


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people live in Oslo?", "how many"),
        ("How much is it?", "how many"),
        ("How tall is it?", "how"),
        ("In which year did it open?", "which"),
        ("Whose idea was it?", "who"),
        ("What is the showroom?", "what"),
        ("Is it somehow red?", "other"),
    ],
)
def test_the_first_question_word_counts(question, kind):
    assert question_type(question) == kind


def questions(n, language, answers):
    return [
        {"language": language, "id": f"{language}{i}", "question": "Who?"}
        | {"answers": {"text": [answers[i % len(answers)], "9"], "answer_start": [0, 0]}}
        for i in range(n)
    ]


def test_question_words_are_of_english_alone_and_the_first_gold_counts():
    found = types_of([*questions(1, "en", ["1990"]), *questions(1, "fi", ["Oulu"])], "tydiqa")
    assert list(found["question"].fillna("")) == ["who", ""]
    assert list(found["answer"]) == ["date", "name-like"]
    assert len(types_of([questions(1, "en", ["1"])[0] | {"answers": {"text": []}}], "tydiqa")) == 0


def test_by_type_in_points_and_without_small_types():
    n = MIN_QUESTIONS
    rows = questions(2 * n - 1, "fi", ["1990", "Oulu"])  # one name fewer than needed
    tested = pd.DataFrame(
        {"attack": "typo", "arm": arm, "seed": 1, "corpus": "tydiqa", "language": "fi"}
        | {"id": row["id"], "original_f1": 0.8, "attacked_f1": 0.6 if arm == "none" else 0.4}
        for row in rows
        for arm in ("none", "english")
    )
    found = by_type(tested, types_of(rows, "tydiqa"))
    assert found.to_dict("records") == [
        {"by": "answer", "type": "date", "condition": "typo"}
        | {"clean f1": pytest.approx(80.0), "attacked f1": pytest.approx(50.0)}
        | {"drop in f1": pytest.approx(30.0), "share kept": pytest.approx(62.5)}
        | {"n": n, "models": 2}
    ]
    assert len(by_type(tested, types_of([], "tydiqa"))) == 0
