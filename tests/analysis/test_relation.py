"""Alignment against robustness: languages are the unit, and exchanging them gives the p-value."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis import relation
from xltlib.reporting import relation_figure, representation_findings, style

CODES = ["ar", "bn", "fi", "id", "ko", "ru", "sw", "te"]
ABOUT = style.Provenance("quick", "me5-small", True, (1,), "0123456789abcdef")


def frames(slope=1.0, codes=CODES, noise=0.0):
    rng = np.random.default_rng(0)
    measures, attacked = [], []
    for arm in ("none", "english"):
        for i, code in enumerate(codes):
            for seed in (1, 2):
                measures.append({"arm": arm, "seed": seed, "language": code, "retrieval": 10.0 * i})
            drop = slope * i + rng.normal(0, noise) if noise else slope * i
            row = {"corpus": "tydiqa", "arm": arm, "language": code}
            row |= {"clean f1": 60.0, "drop in f1": drop, "n": 5}
            attacked += [row | {"attack": "typo"}, row | {"attack": "swap"}]
    return pd.DataFrame(measures), pd.DataFrame(attacked)


def test_measures_and_outcomes_meet_by_arm_and_language():
    measures, attacked = frames()
    english = {"corpus": "tydiqa", "arm": "none", "language": "en"}
    english |= {"clean f1": 80.0, "drop in f1": 5.0, "n": 5}
    table = relation.by_language(measures, pd.concat([attacked, pd.DataFrame([english])]))
    assert len(table) == 2 * len(CODES)
    assert "en" not in set(table["language"])
    row = table[(table["arm"] == "english") & (table["language"] == "sw")].iloc[0]
    assert (row["retrieval"], row["drop in f1"], row["n"]) == (60.0, 6.0, 10)
    assert row[relation.DISTANCE] == pytest.approx(0.693)
    assert row["Latin script"] == 1.0


def test_arms_are_compared_under_the_conditions_that_all_of_them_met():
    """Without the worst case, which would count the attacks twice."""
    measures, attacked = frames()
    alone = attacked[(attacked["arm"] == "none") & (attacked["attack"] == "typo")]
    more = [attacked, alone.assign(attack="hotflip", **{"drop in f1": 90.0})]
    more.append(attacked.assign(attack="ensemble", **{"drop in f1": 50.0}))
    wanted = relation.by_language(measures, attacked)
    pd.testing.assert_frame_equal(relation.by_language(measures, pd.concat(more)), wanted)


def correlation(*frames_):
    table = relation.correlations(relation.by_language(*frames_), seed=0)
    return table.set_index(["measure", "outcome"]).loc[("retrieval", "drop in f1")]


def test_a_monotone_relation_is_found_and_its_sign():
    for slope, rho in ((1.0, 1.0), (-1.0, -1.0)):
        found = correlation(*frames(slope))
        assert found["Spearman's rho"] == pytest.approx(rho)
        assert found["p (permutation)"] < 0.01
        assert (found["n languages"], found["n arms"]) == (8, 2)


def test_arms_do_not_make_languages_more():
    # The same languages in many arms: p stays what one arm alone gives.
    measures, attacked = frames(1.0, noise=8.0)
    attacked["drop in f1"] = attacked.groupby("language")["drop in f1"].transform("first")
    many = [frame.assign(arm=frame["arm"] + str(i)) for i in range(6) for frame in [measures]]
    lots = [attacked.assign(arm=attacked["arm"] + str(i)) for i in range(6)]
    few, more = correlation(measures, attacked), correlation(pd.concat(many), pd.concat(lots))
    assert few["Spearman's rho"] == pytest.approx(more["Spearman's rho"])
    assert few["p (permutation)"] == pytest.approx(more["p (permutation)"])


def test_what_is_the_same_in_all_languages_has_no_correlation():
    measures, attacked = frames()
    for outcome in relation.OUTCOMES:
        attacked[outcome] = 0.0
    found = correlation(measures, attacked)
    assert np.isnan(found["Spearman's rho"])
    assert np.isnan(found["p (permutation)"])


def test_few_languages_have_no_correlation_and_the_sentence_says_so():
    found = correlation(*frames(codes=CODES[:3]))
    assert np.isnan(found["Spearman's rho"])
    table = relation.correlations(relation.by_language(*frames(codes=CODES[:3])), seed=0)
    assert "too few" in str(representation_findings.of_relation(table)[0])


def test_measures_without_values_have_no_correlation():
    measures, attacked = frames()
    table = relation.correlations(
        relation.by_language(measures.assign(probe=np.nan), attacked), seed=0
    )
    found = table.set_index(["measure", "outcome"]).loc["probe", "drop in f1"]
    assert np.isnan(found["Spearman's rho"])
    assert found["n languages"] == 0
    assert "probe (0 languages)" in str(representation_findings.of_relation(table)[-1])


def _correlations(slope: float) -> pd.DataFrame:
    return relation.correlations(relation.by_language(*frames(slope)), seed=0)


def test_the_sentence_follows_the_data():
    one, other = (
        str(representation_findings.of_relation(_correlations(s))[0]) for s in (1.0, -1.0)
    )
    assert "rho +1.00" in one
    assert "rho -1.00" in other


def test_the_figure_has_a_panel_a_measure():
    figure = relation_figure.figure(relation.by_language(*frames()), about=ABOUT)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        f"retrieval\n(points; n={len(CODES)} languages)",
        f"{relation.DISTANCE}\n(0 to 1; n={len(CODES)} languages)",
    ]
    measures, attacked = frames()
    attacked["drop in f1"] = np.nan
    assert relation_figure.figure(relation.by_language(measures, attacked), about=ABOUT) is None


def test_languages_of_different_corpora_are_not_related():
    measures, attacked = frames()
    # Two languages of each corpus: what tells languages apart tells corpora apart too.
    place = {code: f"corpus{i // 2}" for i, code in enumerate(CODES)}
    attacked = attacked.assign(corpus=attacked["language"].map(place))
    assert np.isnan(correlation(measures, attacked)["Spearman's rho"])


def test_synthetic_data_has_no_p_value():
    table = relation.correlations(relation.by_language(*frames()), seed=0, p_values=False)
    assert table[["p (permutation)", "p (Holm)"]].isna().all(axis=None)
