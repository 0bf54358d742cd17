"""Sentences change when their data does, and keep every number that they state."""

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
    assert "averaged over 1 language that no arm has trained on (n = 1 questions" in str(found)
    assert findings.of_scores(scores(0.75), {"multilingual": {"ko", "ar"}}) == []


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
                **{"attack": "typo", "language": language, "arm": arm, "n": n},
                **{"clean f1": before, "attacked f1": after, "drop in f1": before - after},
            }
            for language, arm, before, after in rows
        ]
    ).astype({"clean f1": float, "attacked f1": float, "drop in f1": float})


def test_what_an_attack_takes_is_told_for_english_and_for_the_others():
    other, english = map(str, findings.of_attacks(under_attack()))
    assert other == (
        "Under typo, in other languages, F1 changes from 60.0 to 20.0 (none) and from 50.0 to 40.0 "
        "(english); n = 100 questions."
    )
    assert english.startswith("Under typo, in English, F1 changes from 90.0 to 60.0 (none)")


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
    assert "most often in ar (75 % of 40 correct answers)" in str(sentence)
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


def test_a_gain_whose_interval_holds_zero_is_no_gain():
    row = {"task": "xnli", "arm": "none", "pairs": "two languages", "accuracy": 50.0, "n": 40}
    rows = [
        row | {"method": "standard"},
        row | {"method": "standard", "pairs": "one language"},
        row | {"method": "adv", "gain": 1.5, "low": -0.5, "high": 3.5},
    ]
    (none,) = findings.of_transfer(pd.DataFrame(rows))
    assert "In two languages, no method has a gain whose interval lies above zero" in str(none)
    rows[2] |= {"low": 0.5, "high": 2.5}
    (some,) = findings.of_transfer(pd.DataFrame(rows))
    assert "is that of adv: +1.5 (+0.5 to +2.5)" in str(some)


def test_a_rotation_whose_interval_holds_zero_is_no_gain():
    row = {"task": "tydiqa", "corpus": "tydiqa", "f1": 50.0, "f1 rotated": 51.0, "gain": 1.0}
    rows = [row | {"language": name, "low": -2.0, "high": 4.0} for name in ("ar", "ru", MACRO)]
    (found,) = representation_findings.rotation(pd.DataFrame(rows))
    assert "a difference of +1.0 (-2.0 to +4.0; the interval includes zero)." in str(found)
    assert "gain" not in str(found)
