"""Static sets and ensembles give the same frame as attacks do."""

import pandas as pd

from xltlib.analysis import conditions
from xltlib.params.attacks import ENSEMBLE


def answers(corpus, f1):
    return pd.DataFrame(
        [
            {"arm": arm, "seed": 1, "corpus": corpus, "language": "ar", "id": f"q{i}"}
            | {"f1": f1, "em": 0.0, "passage": f"p{i}"}
            for arm in ("english", "multilingual")
            for i in range(3)
        ]
    )


def test_a_static_set_stands_beside_the_clean_answers_of_the_same_model():
    both = pd.concat([answers("tydiqa", 0.8), answers("tydiqa+typo-20", 0.5)])
    found = conditions.static(both)
    assert len(found) == 6
    assert set(found["attack"]) == {"typo-20"}
    assert set(found["corpus"]) == {"tydiqa"}
    assert set(found["original_f1"]) == {0.8}
    assert set(found["attacked_f1"]) == {0.5}
    assert {"passage", *conditions.KEYS, *conditions.SCORES} <= set(found)
    assert len(conditions.static(answers("tydiqa", 0.8))) == 0


def attacked(attack, outcomes, arms=("english", "multilingual"), f1=0.4):
    return pd.DataFrame(
        [
            {"attack": attack, "arm": arm, "seed": 1, "corpus": "tydiqa", "language": "ar"}
            | {"id": f"q{i}", "outcome": outcome, "queries": 7}
            | {"original_f1": 1.0, "attacked_f1": 0.0 if outcome == "succeeded" else f1}
            for arm in arms
            for i, outcome in enumerate(outcomes)
        ]
    )


def test_the_ensemble_is_the_worst_of_attacks_that_every_model_met():
    typo = attacked("typo", ["succeeded", "failed", "no_candidates", "skipped", "failed"])
    swap = attacked("swap", ["failed", "failed", "failed", "skipped", "error"], f1=0.2)
    lone = attacked("lone", ["succeeded"] * 5, arms=("english",))
    found = conditions.ensemble(pd.concat([typo, swap, lone]))
    assert set(found["attack"]) == {ENSEMBLE}
    english = found[found["arm"] == "english"].set_index("id")
    assert list(english["outcome"]) == ["succeeded", "failed", "failed", "skipped", "error"]
    assert list(english["attacked_f1"]) == [0.0, 0.2, 0.2, 0.2, 0.2]
    assert set(english["queries"]) == {14}
    assert len(conditions.ensemble(pd.concat([typo, lone]))) == 0


def test_a_frame_without_rows_takes_no_types_away():
    static = pd.DataFrame({"arm": ["none"], "attacked_f1": [0.5]})
    adaptive = pd.DataFrame(columns=["arm", "attacked_f1", "outcome"])
    for frames in ((static, adaptive), (adaptive, static)):
        found = conditions.together(*frames)
        assert set(found) == {"arm", "attacked_f1", "outcome"}
        assert found["attacked_f1"].dtype == float
    assert len(conditions.together(static, static)) == 2
    assert list(conditions.together(adaptive, adaptive)) == list(adaptive)
