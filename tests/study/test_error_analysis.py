"""Kinds of answers come from the corpora's texts, and their absence is said."""

import pytest

from xltlib.analysis.answer_types import QUESTION_TYPES
from xltlib.artifacts import InputError
from xltlib.study import error_analysis, saved


def test_every_clean_question_has_its_types(finished_study):
    (cell,) = finished_study.cells("results")
    types, absent = error_analysis.types(cell)
    assert absent == []
    assert types.groupby(["corpus", "language"]).size().to_dict() == {
        ("tydiqa", code): 8 for code in ("en", "ar", "ru")
    }
    assert set(types.loc[types["language"] == "en", "question"]) <= set(QUESTION_TYPES)


def test_a_corpus_that_cannot_be_read_is_named(finished_study, monkeypatch):
    def refuse(*_):
        raise InputError("no folder")

    monkeypatch.setattr(error_analysis.data, "test_set", refuse)
    (cell,) = finished_study.cells("results")
    types, absent = error_analysis.types(cell)
    assert (len(types), absent) == (0, ["tydiqa"])


def test_a_table_that_older_code_did_not_make_is_named(finished_study):
    (cell,) = finished_study.cells("results")
    with pytest.raises(InputError, match=r"no table by_colour.*--strict"):
        saved.show(cell, "by_colour")
