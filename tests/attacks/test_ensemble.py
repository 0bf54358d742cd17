"""The worst of several attacks on the same examples."""

import pandas as pd
import pytest

from xltlib.artifacts import InputError
from xltlib.attacks import ensemble


def frame(*rows):
    columns = ["language", "id", "attacked_f1", "attacked_probability", "queries", "outcome"]
    return pd.DataFrame(rows, columns=columns)


def test_the_worst_attack_of_each_example_counts():
    typo = frame(
        ("en", "1", 1.0, 0.9, 10, "failed"),
        ("en", "2", 0.0, 0.2, 20, "succeeded"),
        ("fi", "1", 0.0, 0.3, 5, "succeeded"),
    )
    synonym = frame(
        ("en", "1", 0.5, 0.8, 1, "failed"),
        ("en", "2", 0.0, 0.1, 2, "succeeded"),
        ("fi", "1", 1.0, 0.9, 3, "no_candidates"),
    )
    found = ensemble.worst({"typo": typo, "synonym": synonym})
    assert list(found["attack"]) == ["synonym", "synonym", "typo"]
    assert list(found["attacked_f1"]) == [0.5, 0.0, 0.0]
    assert list(found["queries"]) == [11, 22, 8]
    for one in (typo, synonym):
        assert found["attacked_f1"].mean() <= one["attacked_f1"].mean()


def test_examples_that_one_attack_lacks_or_broke_on_do_not_count():
    one = frame(("en", "1", 1.0, 0.9, 1, "failed"), ("en", "2", 1.0, 0.9, 1, "failed"))
    two = frame(("en", "1", 0.0, 0.1, 1, "succeeded"), ("en", "2", 0.0, 0.1, 1, "error"))
    assert list(ensemble.worst({"a": one, "b": two})["id"]) == ["1"]
    with pytest.raises(InputError, match="no example was attacked by all of a, b"):
        ensemble.worst({"a": one.head(1), "b": two.tail(1)})
    with pytest.raises(InputError, match="worst of no attacks"):
        ensemble.worst({})
