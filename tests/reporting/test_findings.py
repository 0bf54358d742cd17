"""Sentences change when their data does, and keep every number that they state."""

import math
from dataclasses import asdict

import pandas as pd

from xltlib.analysis.tables import MACRO
from xltlib.reporting import findings, representation_findings
from xltlib.reporting.sentences import Sentence


def scores(multilingual):
    return pd.DataFrame(
        [
            {"corpus": "tydiqa", "arm": arm, "seed": 1, "language": code, "id": "q", "f1": f1}
            for arm, f1 in (("english", 0.5), ("multilingual", multilingual))
            for code in ("en", "ar", "ko")
        ]
    )


def test_changing_the_data_changes_the_sentence():
    """Arms are listed in the study's order, not ranked: a difference may be chance."""
    (better,) = findings.of_scores(scores(0.75), {})
    (worse,) = findings.of_scores(scores(0.25), {})
    assert str(better).endswith("F1 is 50.0 (english) and 75.0 (multilingual).")
    assert str(worse).endswith("F1 is 50.0 (english) and 25.0 (multilingual).")
    assert better.numbers["n"] == 2


def test_languages_that_an_arm_has_trained_on_are_not_averaged():
    (found,) = findings.of_scores(scores(0.75), {"multilingual": {"ko"}})
    assert "averaged over 1 language that no arm has trained on (n = 1 question, " in str(found)
    # In none at all: all but English, and the sentence says so.
    (found,) = findings.of_scores(scores(0.75), {"multilingual": {"ko", "ar"}})
    assert "averaged over 2 languages other than English (n = 2 questions" in str(found)


def test_arms_with_other_numbers_of_seeds_are_told():
    frame = scores(0.75)
    more = frame[frame["arm"] == "english"].assign(seed=2)
    (found,) = findings.of_scores(pd.concat([frame, more]), {})
    assert "1 to 2 seeds), F1 is 50.0 (english)" in str(found)


def test_a_single_arm_has_a_score_too():
    frame = scores(0.75)
    (alone,) = findings.of_scores(frame[frame["arm"] == "english"].assign(arm="none"), {})
    assert str(alone).endswith("F1 is 50.0 (none).")


def test_a_sentence_comes_back_from_json():
    (sentence,) = findings.of_scores(scores(0.75), {})
    assert str(Sentence.of(asdict(sentence))) == str(sentence)


def under_attack(n=100):
    rows = [("en", "none", 90, 60), ("en", "english", 80, 70)]
    rows += [("ar", "none", 60, 20), ("ar", "english", 50, 40)]
    return pd.DataFrame(
        [
            {
                **{"attack": "typo", "corpus": "tydiqa", "language": language, "arm": arm, "n": n},
                "seeds": 5,
                **{"clean f1": before, "attacked f1": after, "drop in f1": before - after},
            }
            for language, arm, before, after in rows
        ]
    ).astype({"clean f1": float, "attacked f1": float, "drop in f1": float})


def test_what_an_attack_takes_is_told_for_english_and_for_the_others():
    other, english = map(str, findings.of_attacks(under_attack(), {}))
    assert other == (
        "Under typo, in 1 language that no arm has trained on, F1 goes from 60.0 to 20.0 (none) "
        "and from 50.0 to 40.0 (english); n = 100 questions, 5 seeds."
    )
    assert english.startswith("Under typo, in English, F1 goes from 90.0 to 60.0 (none)")


def test_arms_are_compared_on_the_test_sets_that_all_of_them_met():
    # A second corpus with Arabic, three times as large, and Korean, which one arm did not meet.
    more = under_attack()[lambda frame: frame["language"] == "ar"]
    second = more.assign(corpus="xquad", n=300, **{"clean f1": 20.0, "attacked f1": 0.0})
    korean = more.assign(language="ko", **{"clean f1": 99.0})[lambda f: f["arm"] == "none"]
    swahili = more.assign(language="sw", **{"clean f1": 40.0, "attacked f1": 40.0})
    table = pd.concat([under_attack(), second, korean, swahili])
    other, english = findings.of_attacks(table, {})
    # Arabic: (60 + 3 x 20) / 4 = 30; with Swahili's 40, 35.
    assert "in 2 languages" in str(other)
    assert "from 35.0 to 22.5 (none)" in str(other)
    assert other.numbers["n"] == 100 + 300 + 100
    assert english.numbers["n"] == 100
    assert "from 40.0 to 40.0 (none)" in str(findings.of_attacks(table, {"english": {"ar"}})[0])
    every = {"english": {"ar"}, "none": {"sw", "ko"}}
    assert "in 2 languages other than English" in str(findings.of_attacks(table, every)[0])


def test_success_and_transfer_are_weighted_by_their_counts():
    success = pd.DataFrame(
        {
            "attack": "typo",
            "language": ["ar", "ar", "ko"],
            "success rate": [100.0, 0.0, 10.0],
            "n": [30, 10, 100],
        }
    )
    (sentence,) = findings.of_success(success)
    assert str(sentence) == (
        "typo succeeds in 10 % (ko, n = 100) to 75 % (ar, n = 40) of the attempts on correct "
        "answers in 2 languages (all arms and seeds together; not tested, exploratory)."
    )
    # A handful of questions makes no language the most or the least.
    assert findings.of_success(success.assign(n=[3, 1, 10])) == []
    table = pd.DataFrame(
        {
            "attack": "typo",
            "made against": ["a", "a", "b"],
            "tested on": ["a", "b", "a"],
            "broken": [100.0, 50.0, 0.0],
            "n": [4, 2, 6],
        }
    )
    (sentence,) = findings.of_attack_transfer(table)
    assert sentence.numbers == {"own": 100.0, "n_own": 4, "other": 12.5, "n_other": 8}
    # A single model, or no example that another model answers: there is nothing to say.
    assert findings.of_attack_transfer(table.iloc[:1]) == []
    assert findings.of_attack_transfer(table.assign(n=[4, 0, 0])) == []
    assert "made against in" not in str(findings.of_attack_transfer(table.iloc[1:])[0])


def test_methods_are_listed_and_not_ranked():
    row = {"task": "xnli", "corpus": "xnli", "arm": "none", "pairs": "two languages", "n": 40}
    row |= {"accuracy": 50.0, "seeds": 3, "level (%)": 95.0, "why not": "not estimable"}
    rows = [
        row | {"method": "standard"},
        row | {"method": "standard", "pairs": "one language"},
        row | {"method": "adv", "gain": 1.5, "low": -0.5, "high": 3.5},
        row | {"method": "rs-rp", "gain": 2.5},
    ]
    (said,) = findings.of_transfer(pd.DataFrame(rows))
    assert str(said).endswith(
        "(n = 40 items, 3 seeds). In two languages, the differences from it are: adv +1.5 (95 % "
        "interval -0.5 to +3.5), rs-rp +2.5 (no interval: not estimable)."
    )
    other = [one | {"corpus": "other", "accuracy": 60.0} for one in rows]
    first, second = findings.of_transfer(pd.DataFrame([*rows, *other]))
    assert "is 50.0 points" in str(first)
    assert "is 60.0 points" in str(second)
    assert first.name != second.name
    # Without pairs of one language there is nothing to compare with.
    assert findings.of_transfer(pd.DataFrame(rows[2:])) == []


def test_measures_that_relate_to_nothing_are_named_once():
    row = {"outcome": "drop in f1", "p (Holm)": math.nan, "n arms": 4}
    rows = [
        row | {"measure": "retrieval", "Spearman's rho": math.nan, "n languages": 0},
        row | {"measure": "probe", "Spearman's rho": 0.5, "n languages": 8},
        row | {"measure": "margin", "Spearman's rho": -0.5, "n languages": 8, "p (Holm)": 0.04},
        row | {"measure": "rotation", "Spearman's rho": math.nan, "n languages": 1},
    ]
    probe, margin, without = map(str, representation_findings.of_relation(pd.DataFrame(rows)))
    assert probe.endswith("Spearman's rho +0.50 (8 languages, mean over 4 arms; exploratory).")
    assert margin.endswith(
        "rho -0.50 (8 languages, mean over 4 arms, p = 0.040 by permutation, with Holm's "
        "correction; exploratory)."
    )
    assert without.startswith("No correlation with the drop in F1 under attack, because")
    assert without.endswith(": retrieval (0 languages), rotation (1 language).")


def test_a_single_language_is_not_the_best_and_the_worst():
    row = {"corpus": "tatoeba", "metric": "accuracy", "n": 100}
    rows = [row | {"language": code, "points": 90.0 + i} for i, code in enumerate(("ar", "ru"))]
    (one,) = representation_findings.retrieval(pd.DataFrame(rows[:1]))
    assert str(one) == "tatoeba: accuracy is 90.0 points, mean of 1 language."
    (two,) = representation_findings.retrieval(pd.DataFrame(rows))
    assert str(two).endswith("mean of 2 languages; from 90.0 (ar) to 91.0 (ru).")


def test_a_published_average_says_over_how_many_languages():
    row = {"source": "a paper", "corpus": "tydiqa", "published": 70.0, "here": 68.0}
    rows = [row | {"language": name, "difference": -2.0} for name in ("ar", "ko", "average")]
    (found,) = findings.of_published(pd.DataFrame(rows), {"a paper": 2.0})
    assert (
        "average F1 of 68.0 in 2 languages, compared with a published 70.0 in the same languages"
        in str(found)
    )


def test_a_rotation_whose_interval_holds_zero_is_no_gain():
    row = {"task": "tydiqa", "corpus": "tydiqa", "f1": 50.0, "f1 rotated": 51.0, "gain": 1.0}
    row |= {"languages": 2, "level (%)": 95.0}
    rows = [row | {"language": name, "low": -2.0, "high": 4.0} for name in ("ar", "ru", MACRO)]
    (found,) = representation_findings.rotation(pd.DataFrame(rows))
    assert "a difference of +1.0 (95 % interval -2.0 to +4.0, which includes zero)." in str(found)
    assert "gain" not in str(found)


def test_a_difference_that_rounds_to_zero_has_no_minus_sign():
    row = {"contrast": "a - b", "measured": "change", "condition": "typo", "language": MACRO}
    row |= {"estimate": -0.03, "low": -0.04, "high": -0.02, "detectable": 0.1, "n": 9}
    row |= {"left out": "", "too few": "", "why not": "", "seeds": 5, "level (%)": 95.0}
    (said,) = findings.of_contrasts(pd.DataFrame([row]), MACRO)
    assert "(typo, n = 9, 5 seeds): +0.0 points of F1 (95 % interval +0.0 to +0.0)" in str(said)
