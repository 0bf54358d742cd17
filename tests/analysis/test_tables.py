"""Tables: numbers worked out by hand, and every row with its n."""

import pandas as pd
import pytest

from xltlib.analysis import tables

ARMS = ("english", "multilingual")
PAIRS = [("multilingual", "english")]
OPTIONS = {"samples": 200, "seed": 0, "level": 0.95, "smallest_effect": 2.0}


@pytest.fixture
def clean():
    """Two questions a language; the multilingual arm answers one more of the Arabic ones."""
    f1 = {
        ("english", "en"): [1, 1],
        ("english", "ar"): [0, 0],
        ("english", "ko"): [1, 0],
        ("multilingual", "en"): [1, 0],
        ("multilingual", "ar"): [1, 0],
        ("multilingual", "ko"): [1, 0],
    }
    return pd.DataFrame(
        [
            {
                "corpus": "tydiqa",
                "arm": arm,
                "seed": 1,
                "language": language,
                "id": f"q{i}",
                "f1": float(value),
                "em": float(value),
            }
            for (arm, language), values in f1.items()
            for i, value in enumerate(values)
        ]
    )


@pytest.fixture
def attacked(clean):
    """The attack breaks every right answer of the English arm and none of the other."""
    frame = clean.rename(columns={"f1": "original_f1"}).assign(attack="typo", queries=10)
    broken = frame["arm"] == "english"
    frame["attacked_f1"] = frame["original_f1"].where(~broken, 0.0)
    frame["original_em"], frame["attacked_em"] = frame["em"], frame["attacked_f1"]
    right = frame["original_f1"] == 1
    frame["outcome"] = "skipped"
    frame.loc[right & broken, "outcome"] = "succeeded"
    frame.loc[right & ~broken, "outcome"] = "failed"
    return frame


def test_scores_hold_languages_and_both_averages(clean):
    table = tables.scores(clean).set_index("language")
    assert table.loc["ar", "f1 multilingual"] == 50
    assert table.loc["TyDi average (without en)", "f1 english"] == 25
    assert table.loc["XTREME average (with en)", "f1 english"] == 50
    assert table.loc["XTREME average (with en)", "n"] == 6
    assert list(table.index[:3]) == ["en", "ar", "ko"]


def test_scores_average_over_seeds(clean):
    other = clean.assign(seed=2, f1=0.0)
    table = tables.scores(pd.concat([clean, other])).set_index("language")
    assert table.loc["en", "f1 english"] == 50
    assert (table.loc["en", "n"], table.loc["en", "seeds"]) == (2, 2)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_corpus_of_one_language_has_no_average(clean, language):
    table = tables.scores(clean[clean["language"] == language])
    assert list(table["language"]) == [language]


def test_the_drop_is_clean_minus_attacked(attacked):
    table = tables.under_attack(attacked).set_index(["language", "arm"])
    assert table.loc[("en", "english"), "drop in f1"] == 100
    assert table.loc[("ko", "english"), ["clean em", "attacked em", "drop in em"]].tolist() == [
        50,
        0,
        50,
    ]
    assert table.loc[("ko", "english"), ["clean f1", "attacked f1"]].tolist() == [50, 0]
    assert (table.xs("multilingual", level="arm")["drop in f1"] == 0).all()


def test_the_success_rate_counts_only_attacks_that_were_tried(attacked):
    table = tables.success_rate(attacked).set_index(["language", "arm"])
    assert table.loc[("ko", "english"), ["success rate", "n"]].tolist() == [100, 1]
    assert table.loc[("ar", "multilingual"), ["success rate", "n"]].tolist() == [0, 1]
    none_tried = table.loc[("ar", "english")]
    assert none_tried["n"] == 0
    assert pd.isna(none_tried["success rate"])
    # Wilson's interval for 1 of 1 at 95 %: (0.2065, 1).
    assert table.loc[("ko", "english"), "low"] == pytest.approx(20.65, abs=0.01)


def test_contrasts_leave_english_out_and_hold_the_difference_in_differences(clean, attacked):
    table = tables.contrasts(clean, attacked, pairs=PAIRS, **OPTIONS)
    macro = table[table["language"] == tables.MACRO].set_index("measured")
    assert macro.loc["clean", "estimate"] == pytest.approx(25)
    assert macro.loc["under typo", "estimate"] == pytest.approx(50)
    assert macro.loc["difference in differences (typo)", "estimate"] == pytest.approx(25)
    assert set(table["language"]) == {tables.MACRO, "ar", "ko"}
    assert (table["n"] > 0).all()


def test_contrasts_of_two_questions_have_no_interval_and_no_p(clean, attacked):
    table = tables.contrasts(clean, attacked, pairs=PAIRS, **OPTIONS)
    assert table["estimate"].notna().all()
    assert table[["low", "high", "p", "p (Holm)"]].isna().all().all()


def test_holm_only_raises_p_values(clean, attacked):
    clean, attacked = (
        pd.concat([frame.assign(id=frame["id"] + copy) for copy in "abc"])
        for frame in (clean, attacked)
    )
    table = tables.contrasts(clean, attacked, pairs=PAIRS, **OPTIONS)
    by_language = table[table["language"] != tables.MACRO]
    assert by_language["p"].notna().all()
    assert (by_language["p (Holm)"] >= by_language["p"]).all()
