"""The sentences that open a stage's notebook."""

import pytest

from xltlib.reporting import cell_findings


def said(sentences):
    return [str(one) for one in sentences]


def test_corpora_are_counted_and_contamination_is_named():
    splits = [
        {"corpus": "a", "split": split, "language": language, "n": 700}
        for split in ("train", "test")
        for language in ("en", "ru")
    ]
    audits = [
        {"in_one_model": True, "same_id": 0, "exact": 3},
        {"in_one_model": True, "same_id": 0, "exact": 0},
        {"in_one_model": False, "same_id": 9, "exact": 9},
    ]
    assert said(cell_findings.of_corpora(splits, audits)) == [
        "4 splits of 1 corpus, 2,800 rows.",
        "At least one model sees both sides of 2 pairs of a training and a test split. Items share "
        "an id in 0 of these, and whole texts are shared in 1.",
    ]


def test_training_names_steps_examples_and_losses():
    losses = [{"step": 2, "loss": 1.5}, {"step": 20, "loss": 0.25}]
    log = {"steps": 20, "examples": {"nli": 40, "tagging": 40}, "losses": losses}
    (sentence,) = said(cell_findings.of_training(log))
    assert sentence == (
        "Trained for 20 steps on 80 examples; the training loss went from 1.50 to 0.25 nats."
    )
    (short,) = said(cell_findings.of_training(log | {"losses": losses[:1], "examples": 7}))
    assert short == "Trained for 20 steps on 7 examples."
    (none,) = said(cell_findings.of_training({"steps": 0, "examples": {}, "losses": []}))
    assert none == "This arm trains nothing: it keeps the pretrained encoder."


def test_dev_scores_are_averaged_over_languages():
    dev = {"tags": {"de": {"accuracy": 80.0, "f1": 10.0}, "hi": {"accuracy": 90.0, "f1": 30.0}}}
    assert said(cell_findings.of_dev(dev)) == [
        "Dev F1 of tags, averaged over 2 languages: 20.0 points."
    ]
    windows = {"qa": {"de": {"window_em": 20.0, "window_f1": 36.0}}}
    assert said(cell_findings.of_dev(windows)) == [
        "Dev window F1 of qa, averaged over 1 language: 36.0 points."
    ]
    choices = {"copa": {"de": {"accuracy": 60.0}}}
    assert said(cell_findings.of_dev(choices)) == [
        "Dev accuracy of copa, averaged over 1 language: 60.0 points."
    ]


@pytest.mark.parametrize(
    ("languages", "sentence"),
    [
        (
            {"en": {"em": 1.0, "f1": 70.0, "n": 40}, "ru": {"em": 1.0, "f1": 50.0, "n": 30}},
            "x: F1 70.0 in English (n = 40) and 50.0 on average over 1 other language (n = 30).",
        ),
        (
            {"ru": {"f1": 50.0, "n": 30}, "sw": {"f1": 60.0, "n": 30}},
            "x: F1 55.0 on average over 2 languages (n = 60).",
        ),
        ({"en": {"f1": 70.0, "n": 40}}, "x: F1 70.0 in English (n = 40)."),
        (
            {"en-ru": {"accuracy": 40.0, "n": 9}, "ru-ru": {"accuracy": 60.0, "n": 9}},
            "x: accuracy 50.0 on average over 2 pairs (n = 18).",
        ),
    ],
)
def test_scores_are_given_in_english_and_elsewhere(languages, sentence):
    metrics = {"x": {"languages": languages, "averages": {}}}
    assert said(cell_findings.of_evaluation(metrics)) == [sentence]


def outcomes(language="sw", **counts):
    names = ("n", "skipped", "succeeded", "failed", "no_candidates", "error", "queries")
    return dict.fromkeys(names, 0) | counts | {"language": language}


def test_an_attack_is_summed_over_languages():
    rows = [
        outcomes(n=5, skipped=2, succeeded=3, queries=60),
        outcomes(n=5, skipped=1, succeeded=1, failed=2, no_candidates=1, queries=40),
        outcomes("all", n=10, skipped=3, succeeded=4, failed=2, no_candidates=1, queries=100),
    ]
    assert said(cell_findings.of_attack(rows)) == [
        "10 examples, 3 of them with a wrong answer before the attack, 1 with nothing to edit.",
        "Success rate: 67 % (4 of 6 tried), with 10.0 queries per example.",
    ]


def test_a_targeted_attack_skips_other_examples_than_wrong_answers():
    first, *_ = said(cell_findings.of_attack([outcomes(n=5, skipped=2)], targeted=True))
    assert first == (
        "5 examples, 2 of them without a target, or answered with it before the attack."
    )


def test_an_attack_without_right_answers_broke_nothing():
    assert said(cell_findings.of_attack([outcomes(n=5, skipped=5, queries=5)])) == [
        "5 examples, 5 of them with a wrong answer before the attack."
    ]
