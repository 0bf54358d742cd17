"""Measures of robustness: the mean of the values is the measure, by hand."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis import robustness


def condition(arms, languages=("ar", "ko"), n=40, seeds=(1, 2, 3), rng=None):
    """Answers of arms, each with (clean F1, share kept)."""
    rng = rng or np.random.default_rng(0)
    rows = [
        {"attack": "typo", "arm": arm, "seed": seed, "corpus": "tydiqa", "language": language}
        | {"id": f"q{i}", "original_f1": clean, "attacked_f1": clean * (rng.uniform() < kept)}
        for arm, (level, kept) in arms.items()
        for seed in seeds
        for language in languages
        for i in range(n)
        for clean in [float(rng.uniform() < level)]
    ]
    return pd.DataFrame(rows)


def macro(frame, column):
    keys = ["arm", "seed", "corpus", "language"]
    return frame.groupby(keys)[column].mean().groupby(["arm", "seed"]).mean()


def test_an_arm_that_begins_higher_loses_more_and_keeps_the_same_share():
    rng = np.random.default_rng(1)
    frame = condition({"low": (0.4, 0.7), "high": (0.8, 0.7)}, n=2000, rng=rng)
    change = macro(robustness.values(frame, "change"), "value").groupby("arm").mean()
    kept = macro(robustness.values(frame, "share kept"), "value").groupby("arm").mean()
    assert change["low"] - change["high"] > 0.10
    assert kept["high"] - kept["low"] == pytest.approx(0.0, abs=0.02)


def test_the_share_kept_is_the_ratio_of_macro_means():
    frame = condition({"english": (0.6, 0.5), "multilingual": (0.7, 0.8)})
    ratio = macro(frame, "attacked_f1") / macro(frame, "original_f1")
    found = macro(robustness.values(frame, "share kept"), "value")
    assert list(found) == pytest.approx(list(ratio))
    none = frame.assign(original_f1=0.0, attacked_f1=0.0)
    assert robustness.values(none, "share kept")["value"].isna().all()


def test_its_linearised_variance_is_that_of_the_ratio():
    rng, ratios, errors = np.random.default_rng(0), [], []
    for _ in range(60):
        frame = condition({"english": (0.6, 0.5)}, ("ar",), 100, (1,), rng)
        value = robustness.values(frame, "share kept")["value"]
        ratios.append(value.mean())
        errors.append(value.std(ddof=1) / 10)
    assert np.mean(errors) == pytest.approx(np.std(ratios, ddof=1), rel=0.3)


def test_effective_robustness_is_the_distance_from_the_line():
    arms = {f"a{i}": (0.3 + 0.1 * i, 0.6) for i in range(5)}
    frame = condition(arms, n=300)
    table = robustness.points(frame)
    line = robustness.fitted_line(table)
    found = macro(robustness.values(frame, "effective robustness"), "value")
    clean = (table["original_f1"] * table["n"] + 0.5) / (table["n"] + 1)
    distance = table["attacked_f1"] - robustness.predicted(clean, line)
    expected = distance.groupby([table["arm"], table["seed"]]).mean()
    assert list(found) == pytest.approx(list(expected))
    assert abs(found.mean()) < 0.01
    # The line is that of `linregress` on the logit scale: slope above zero, below one in F1.
    assert line[1] > 0


def test_log_odds_need_both_probabilities_of_every_model():
    frame = condition({"english": (0.6, 0.5), "multilingual": (0.7, 0.8)}, n=6)
    assert len(robustness.values(frame, "log-odds")) == 0
    frame = frame.assign(original_probability=0.5, attacked_probability=0.0)
    value = robustness.values(frame, "log-odds")["value"]
    assert np.isfinite(value).all()
    frame.loc[0, "attacked_probability"] = np.nan
    # One question of one model lacks it: the question goes, for all models.
    assert len(robustness.values(frame, "log-odds")) == len(frame) - 6


def test_questions_that_every_model_answers_right():
    frame = condition({"english": (0.6, 0.5), "multilingual": (0.7, 0.8)})
    common = robustness.answered_by_all(frame)
    assert (common["original_f1"] == 1).all()
    assert common.groupby(["language", "id"]).size().eq(6).all()


def test_an_attack_says_itself_what_is_right():
    frame = condition({"english": (0.6, 0.5), "multilingual": (0.7, 0.8)}, ("ko",), 3, (1,))
    # By the attack's measure the answer to q0 is right though its official F1 is 0, and that to q1
    # wrong though it is 0.6; nothing but the official F1 is known of q2.
    measures = {"q0": (0.0, 0.35, 0.3), "q1": (0.6, 0.6, 0.8), "q2": (0.6, None, None)}
    names = ["original_f1", "original_success_f1", "f1_threshold"]
    frame[names] = [measures[one] for one in frame["id"]]
    assert set(robustness.answered_by_all(frame)["id"]) == {"q0", "q2"}
    frame.loc[frame["arm"] == "english", "original_success_f1"] = 0.2
    assert set(robustness.answered_by_all(frame)["id"]) == {"q2"}
    assert len(robustness.answered_by_all(frame.iloc[:0])) == 0
