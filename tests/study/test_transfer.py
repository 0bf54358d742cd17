"""Robust training is compared only where standard training learnt its task."""

from types import SimpleNamespace

import pytest

from xltlib.analysis.verdict import Lack
from xltlib.study.transfer import _unlearnt


def evaluated(method, corpus, english, commonest=57.0):
    """An evaluation cell that answered the generalised test set of one corpus."""
    summary = {"languages": {"en-en": {"accuracy": english, "n": 300}}, "commonest": commonest}
    return SimpleNamespace(method=method, metrics=lambda: {corpus: summary})


def unlearnt(*cells):
    return _unlearnt(SimpleNamespace(of=lambda stage: cells), ["pawsx", "xnli"])


def test_the_mean_over_seeds_must_exceed_the_commonest_label():
    low, high = evaluated("standard", "pawsx", 55.0), evaluated("standard", "pawsx", 59.0)
    other = evaluated("standard", "xnli", 60.0, 33.3)
    assert unlearnt(low, high, other) == [Lack("target training", ("pawsx", 57.0), 57.0)]
    assert unlearnt(high, other) == []


def test_a_cell_of_an_earlier_version_is_not_checked():
    summary = {"languages": {"en-en": {"accuracy": 10.0, "n": 300}}}
    assert unlearnt(SimpleNamespace(method="standard", metrics=lambda: {"xnli": summary})) == []


@pytest.mark.parametrize("cell", [evaluated("adv", "pawsx", 10.0), evaluated("standard", "x", 0.0)])
def test_other_methods_and_corpora_do_not_count(cell):
    assert unlearnt(cell) == []
