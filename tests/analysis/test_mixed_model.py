"""The mixed model against numbers worked out another way."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis.mixed_model import TERMS, mixed_model


def attacked(effect=0.1, seeds=(1, 2), languages=("ar", "ko", "ru"), n=20):
    """Two arms, attacked: the multilingual one loses `effect` less."""
    rng, rows = np.random.default_rng(0), []
    for language in languages:
        for i in range(n):
            ease = rng.normal(0.5, 0.2)
            for seed in seeds:
                for arm in ("english", "multilingual"):
                    before = ease + 0.05 * (arm == "multilingual") + rng.normal(0, 0.1)
                    kept = effect * (arm == "multilingual") - 0.3 + rng.normal(0, 0.1)
                    rows.append(
                        {
                            "attack": "typo",
                            "arm": arm,
                            "seed": seed,
                            "corpus": "tydiqa",
                            "language": language,
                            "id": f"q{i}",
                            "original_f1": before,
                            "attacked_f1": before + kept,
                        }
                    )
    return pd.DataFrame(rows)


def fitted(frame):
    return mixed_model(frame, "multilingual", "english", level=0.95).set_index("term")


def test_in_a_balanced_design_the_estimates_are_differences_of_means():
    frame = attacked()
    found = fitted(frame)
    change = (frame["attacked_f1"] - frame["original_f1"]).groupby(frame["arm"]).mean()
    did = 100 * (change["multilingual"] - change["english"])
    assert found.loc[TERMS["arm:attacked"], "estimate"] == pytest.approx(did, abs=1e-4)
    assert found.loc[TERMS["attacked"], "estimate"] == pytest.approx(100 * change.mean(), abs=1e-4)
    assert found["converged"].all()
    assert (found["n"] == 60).all()


def test_it_sees_how_much_questions_differ():
    # 20 points by construction, and nothing by seed.
    row = fitted(attacked(n=60)).iloc[0]
    assert 15 < row["question sd"] < 25
    assert row["seed sd"] < 3


def test_an_effect_is_found_and_none_is_not():
    term = TERMS["arm:attacked"]
    assert fitted(attacked(0.1)).loc[term, "p"] < 0.001
    assert fitted(attacked(0.0)).loc[term, "p"] > 0.05


def test_one_seed_and_one_language_leave_those_terms_out():
    row = fitted(attacked(seeds=(1,), languages=("ar",))).iloc[0]
    assert np.isnan(row["seed sd"])
    assert row["seeds"] == 1


def test_an_attack_that_one_arm_alone_met_has_no_row():
    frame = attacked()
    assert len(fitted(frame[frame["arm"] == "english"])) == 0
