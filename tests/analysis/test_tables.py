"""Tables: numbers worked out by hand, and every row with its n."""

import pandas as pd
import pytest

from xltlib.analysis import contrasts, recipe, tables
from xltlib.analysis.intervals import NO_COMMON_SEED
from xltlib.analysis.robustness import UNDEFINED
from xltlib.artifacts import InputError
from xltlib.reporting import findings

ARMS = ("english", "multilingual")
PAIRS = [("multilingual", "english")]
SMALLEST = {"f1": 2.0, "kept": 3.0, "log_odds": 0.2}
OPTIONS = {"seen": {}, "level": 0.95, "smallest": SMALLEST, "p_values": True}


@pytest.fixture
def clean():
    """Two questions per language; the multilingual arm answers one more of the Arabic ones."""
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


def test_a_language_that_an_arm_was_not_tested_in_has_no_score_and_no_part_in_averages(clean):
    gone = clean[~((clean["arm"] == "english") & (clean["language"] == "ko"))]
    table = tables.scores(gone).set_index("language")
    assert pd.isna(table.loc["ko", "f1 english"])
    assert table.loc["ko", "f1 multilingual"] == 50
    # Arabic alone is common to both arms.
    assert table.loc["XTREME average (with en)", ["f1 english", "f1 multilingual"]].tolist() == [
        50,
        50,
    ]


def test_seeds_of_arms_that_differ_are_a_range(clean):
    more = clean[clean["arm"] == "english"].assign(seed=2)
    assert set(tables.scores(pd.concat([clean, more]))["seeds"]) == {"1-2"}


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


@pytest.mark.parametrize("outcome", ["skipped", "no_candidates", "error"])
def test_what_was_not_tried_is_counted_and_not_divided_by(attacked, outcome):
    untried = attacked.assign(
        outcome=attacked["outcome"].mask(attacked["outcome"] == "failed", outcome)
    )
    row = tables.success_rate(untried).set_index(["language", "arm"]).loc[("ko", "multilingual")]
    assert row["n"] == 0
    assert row[f"n {outcome}"] >= 1
    assert pd.isna(row["success rate"])


def macro(table):
    return table[table["language"] == tables.MACRO].set_index(["measured", "condition"])


def test_contrasts_leave_english_out_and_hold_every_measure(clean, attacked):
    table = contrasts.table(clean, attacked, pairs=PAIRS, **OPTIONS)
    rows = macro(table)
    assert rows.loc[("clean", "tydiqa"), "estimate"] == pytest.approx(25)
    assert rows.loc[("attacked", "typo"), "estimate"] == pytest.approx(50)
    assert rows.loc[("change", "typo"), "estimate"] == pytest.approx(25)
    # The multilingual arm keeps all of its F1, the English one none.
    kept = macro(contrasts.table(many(clean), copied(attacked), pairs=PAIRS, **OPTIONS))
    row = kept.loc[("share kept", "typo")]
    assert (row["n"], row["seeds"]) == (2 * 2 * 8, 3)
    assert row["estimate"] == pytest.approx(100)
    assert set(table["language"]) == {tables.MACRO, "ar", "ko"}
    assert (table["n"] > 0).eq(table["estimate"].notna()).all()


def test_a_language_that_an_arm_trained_on_is_left_out_and_named(clean, attacked):
    options = OPTIONS | {"seen": {"multilingual": {"ar", "de"}}}
    table = contrasts.table(clean, attacked, pairs=PAIRS, **options)
    rows = macro(table)
    assert rows.loc[("clean", "tydiqa"), "estimate"] == pytest.approx(0)
    assert set(table[contrasts.LEFT_OUT]) == {"ar"}
    assert set(table["language"]) == {tables.MACRO}
    # Where nothing is zero-shot, all languages count and the row says so.
    options = OPTIONS | {"seen": {"multilingual": {"ar", "ko"}}}
    table = contrasts.table(clean, attacked, pairs=PAIRS, **options)
    assert not table["zero-shot"].any()
    assert macro(table).loc[("clean", "tydiqa"), "estimate"] == pytest.approx(25)


def test_a_language_with_a_handful_of_questions_is_left_out_and_named(clean, attacked):
    few = clean[clean["language"] == "ko"].groupby("arm").head(1).assign(language="sw")
    table = contrasts.table(
        pd.concat([many(clean), many(few, (1, 2, 3))]), attacked, pairs=PAIRS, **OPTIONS
    )
    row = macro(table).loc[("clean", "tydiqa")]
    assert "sw" in row[contrasts.TOO_FEW].split()
    assert row["why not"] == ""


def test_a_measure_that_is_undefined_has_a_row_that_says_why(clean, attacked):
    zero = attacked.assign(original_f1=0.0)
    table = contrasts.table(many(clean), many(zero), pairs=PAIRS, **OPTIONS)
    row = macro(table).loc[("share kept", "typo")]
    assert row["why not"] == UNDEFINED
    assert (row["n"], row[contrasts.TOO_FEW]) == (0, "")
    said = [str(one) for one in findings.of_contrasts(table, tables.MACRO)]
    assert any(f"no estimate ({UNDEFINED})." in one for one in said)
    assert not any("nan" in one for one in said)


def test_a_missing_answer_is_not_taken_for_a_measure_that_is_undefined(clean, attacked):
    clean.loc[clean.index[clean["language"] == "ko"][0], "f1"] = float("nan")
    with pytest.raises(InputError, match="tydiqa/ko: some questions lack an answer"):
        contrasts.table(many(clean), many(attacked), pairs=PAIRS, **OPTIONS)


def test_seeds_do_not_make_questions_more(attacked):
    once = tables.success_rate(attacked)
    thrice = tables.success_rate(pd.concat([attacked.assign(seed=seed) for seed in (1, 2, 3)]))
    same = ["success rate", "low", "high"]
    pd.testing.assert_frame_equal(once[same], thrice[same])
    assert list(thrice["n"]) == list(3 * once["n"])


def test_contrasts_of_two_questions_have_no_interval_and_no_p(clean, attacked):
    table = contrasts.table(clean, attacked, pairs=PAIRS, **OPTIONS)
    assert table.loc[table["measured"] != "share kept", "estimate"].notna().all()
    assert table[["low", "high", "p", "p (Holm)"]].isna().all(axis=None)
    assert (table["why not"] != "").all()


def copied(frame, letters="abcdefgh", seeds=(1, 2, 3)):
    """More questions and seeds, all alike."""
    copies = pd.concat([frame.assign(id=frame["id"] + copy) for copy in letters])
    return pd.concat([copies.assign(seed=seed) for seed in seeds])


def kept_by_language(clean, attacked, n=40):
    """One condition: the sums of clean and attacked answers that are right, by language and arm."""
    return pd.DataFrame(
        [
            {"attack": "typo", "corpus": "tydiqa", "arm": arm, "seed": seed, "language": language}
            | {"id": f"q{i}", "original_f1": float(i < right)}
            | {"attacked_f1": float(i < left - (seed == 2))}
            for (language, arm), right in clean.items()
            for left in [attacked[language, arm]]
            for seed in (1, 2, 3)
            for i in range(n)
        ]
    )


def test_a_language_s_share_kept_is_its_own():
    right = {("ar", "english"): 30, ("ar", "multilingual"): 20}
    right |= {("ko", "english"): 10, ("ko", "multilingual"): 20}
    left = {("ar", "english"): 15, ("ar", "multilingual"): 15}
    left |= {("ko", "english"): 9, ("ko", "multilingual"): 13}
    frame = kept_by_language(right, left)
    none = pd.DataFrame(columns=["corpus", "language", "arm", "f1"])
    table = contrasts.table(none, frame, pairs=PAIRS, **OPTIONS)
    rows = table[table["measured"] == "share kept"].set_index("language")
    sums = frame.groupby(["language", "arm", "seed"])[["original_f1", "attacked_f1"]].sum()
    kept = (100 * sums["attacked_f1"] / sums["original_f1"]).groupby(["language", "arm"]).mean()
    for language in ("ar", "ko"):
        assert rows.loc[language, "estimate"] == pytest.approx(
            kept[language, "multilingual"] - kept[language, "english"]
        )


def test_two_right_answers_give_no_share():
    """Both are kept, so the share would seem to have no error at all."""
    right = {("ar", "english"): 30, ("ar", "multilingual"): 20}
    right |= {("ko", "english"): 10, ("ko", "multilingual"): 2}
    frame = kept_by_language(right, {place: one - 1 for place, one in right.items()})
    none = pd.DataFrame(columns=["corpus", "language", "arm", "f1"])
    table = contrasts.table(none, frame, pairs=PAIRS, **OPTIONS)
    rows = table[table["measured"] == "share kept"].set_index("language")
    assert rows.loc["ko", "why not"] == UNDEFINED
    assert rows.loc[["ko", "ar", tables.MACRO], "estimate"].isna().tolist() == [True, False, False]


def many(frame, seeds=(1, 2, 3)):
    """More questions, and seeds that differ a little."""
    copies = pd.concat([frame.assign(id=frame["id"] + copy) for copy in "abcd"])
    parts = [copies.assign(seed=seed) for seed in seeds]
    for i, part in enumerate(parts):
        column = "f1" if "f1" in part else "attacked_f1"
        odd = (part["id"] == f"q{i % 2}a") & (part["arm"] == "multilingual")
        part[column] = part[column].mask(odd, 0.3)
    return pd.concat(parts)


def test_holm_only_raises_p_values_and_synthetic_data_has_none(clean, attacked):
    frames = many(clean), many(attacked)
    table = contrasts.table(*frames, pairs=PAIRS, **OPTIONS)
    by_language = table[(table["language"] != tables.MACRO) & table["p"].notna()]
    assert len(by_language)
    assert (by_language["p (Holm)"] >= by_language["p"]).all()
    none = contrasts.table(*frames, pairs=PAIRS, **(OPTIONS | {"p_values": False}))
    assert none[["p", "p (TOST)", "p (Holm)"]].isna().all(axis=None)
    assert none["low"].notna().any()


def test_two_seeds_have_intervals_and_no_p(clean, attacked):
    frames = many(clean, (1, 2)), many(attacked, (1, 2))
    table = contrasts.table(*frames, pairs=PAIRS, **OPTIONS)
    assert table[["p", "p (TOST)", "p (Holm)"]].isna().all(axis=None)
    shown = table[table["low"].notna()]
    assert (shown[["low", "high"]].abs() <= 100).all(axis=None)


def test_a_test_set_that_an_arm_lacks_is_left_out_of_its_contrasts_only(clean, attacked):
    """One target task crosses all arms, another only some."""
    clean, attacked = many(clean), copied(attacked)
    second = attacked[attacked["arm"] == "english"].assign(corpus="xquad")
    for frame in (second, second.assign(language="sw")):
        both = pd.concat([attacked, frame])
        table = contrasts.table(clean, both, pairs=PAIRS, **OPTIONS)
        alone = contrasts.table(clean, attacked, pairs=PAIRS, **OPTIONS)
        columns = [name for name in table if name != contrasts.TOO_FEW]
        pd.testing.assert_frame_equal(
            table.query("condition == 'typo' and measured != 'effective robustness'")[columns],
            alone.query("condition == 'typo' and measured != 'effective robustness'")[columns],
        )
    assert macro(table).loc[("attacked", "typo"), contrasts.TOO_FEW] == "sw"


def test_arms_without_a_common_seed_have_a_row_that_says_so(clean, attacked):
    frame = many(clean)
    apart = frame[(frame["arm"] == "english") == (frame["seed"] == 1)]
    table = contrasts.table(apart, attacked.iloc[:0], pairs=PAIRS, **OPTIONS)
    assert macro(table)["why not"].tolist() == [NO_COMMON_SEED]
    said = [str(one) for one in findings.of_contrasts(table, tables.MACRO)]
    assert any(f"no estimate ({NO_COMMON_SEED})." in one for one in said)


def test_a_profile_without_clean_test_sets_has_empty_tables(clean, tmp_path):
    """Each still has columns, because a file without any cannot be read back."""
    none, attacked = clean.iloc[:0], clean.iloc[:0].assign(attack="typo")
    assert recipe.english_losses(none, "tydiqa", "none") == {}
    empty = {
        "scores": tables.scores(none),
        "under_attack": tables.under_attack(attacked),
        "contrasts": contrasts.table(none, attacked, pairs=PAIRS, **OPTIONS),
    }
    for name, table in empty.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) == 0
