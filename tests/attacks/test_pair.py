"""Attacks on classifiers of sentence pairs: the same recipes, another goal."""

import copy
from dataclasses import replace

import pytest
from transformers import AutoTokenizer, set_seed

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.attacks import Resources, attack_examples
from xltlib.attacks.pair import PairPredictor, as_passages
from xltlib.params import EncoderSettings, HomoglyphSettings, TypoSettings
from xltlib.study.preflight import check_sources
from xltlib.tasks.classification import Classification
from xltlib.training.multitask import MultiTaskModel, load_pretrained

LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def predictor(tiny_encoder):
    from transformers import AutoModel

    set_seed(3)
    encoder = load_pretrained(AutoModel, tiny_encoder, EncoderSettings())
    model = MultiTaskModel(encoder, {"xnli": Classification(LABELS)}).eval()
    return PairPredictor(model, "xnli", AutoTokenizer.from_pretrained(tiny_encoder), batch_size=4)


@pytest.fixture(scope="module")
def rows(predictor):
    """Pairs whose gold class is what the model says, so that it is always right."""
    texts = [
        ("en", "A man plays the guitar on a stage", "Somebody makes music neutral tonight"),
        ("ru", "Человек играет на гитаре", "Кто-то сегодня играет музыку"),
        ("te", "అతను గిటార్ వాయిస్తున్నాడు", "ఎవరో సంగీతం వాయిస్తున్నారు"),
    ]
    found = []
    for i, (language, one, two) in enumerate(texts):
        (prediction,), _ = predictor.score([one], [two], [()])
        label = LABELS.index(prediction.text)
        row = {"id": str(i), "language": language, "sentence1": one, "sentence2": two}
        found.append(row | {"label": label})
    return as_passages(found, LABELS)


def test_probabilities_are_those_of_the_classes_asked_for(predictor):
    spans = [((0, 1),), ((1, 2),), ((2, 3),), ((0, 1), (1, 2), (2, 3))]
    _, found = predictor.score(["a dog"] * 4, ["a cat"] * 4, spans)
    assert found[:3].sum() == pytest.approx(1.0)
    assert found[3] == pytest.approx(found[:3].max())


def test_what_helps_the_attack_runs_on_the_device_of_the_model(predictor, rows):
    elsewhere = replace(predictor, model=copy.deepcopy(predictor.model).to("meta"))
    assert Resources(predictor, {"en": rows[:1]}).device == "cpu"
    assert Resources(elsewhere, {"en": rows[:1]}).device == "meta"


@pytest.mark.parametrize("settings", [TypoSettings(max_queries=40), HomoglyphSettings()])
def test_the_second_sentence_is_attacked_and_the_first_stays(predictor, rows, tmp_path, settings):
    by_language = {row["language"]: [row] for row in rows}
    resources = Resources(predictor, by_language)
    done = attack_examples(rows, resources, settings, tmp_path / "log", progress=False)
    assert set(done["outcome"]) <= {"succeeded", "failed"}
    assert (done["attacked_context"] != done["context"]).any()
    for row, record in zip(rows, done.to_dict("records"), strict=True):
        assert record["question"] == row["question"]
        assert record["original_prediction"] == row["answers"]["text"][0]
        assert record["original_f1"] == 1.0
        spans = [((row["label"], row["label"] + 1),)]
        (again,), (probability,) = predictor.score(
            [row["question"]], [record["attacked_context"]], spans
        )
        assert record["attacked_prediction"] == again.text
        assert record["attacked_probability"] == pytest.approx(probability, abs=2e-3)
        assert record["attacked_probability"] <= record["original_probability"] + 2e-3
        assert (record["outcome"] == "succeeded") == (again.text != row["answers"]["text"][0])
        assert record["attacked_f1"] == float(again.text == row["answers"]["text"][0])


def test_the_name_of_a_class_protects_no_word(predictor, rows, tmp_path):
    """A sentence with the word "neutral" whose class is neutral: the word may change."""
    row = rows[0] | {"label": 1, "answers": {"text": ["neutral"], "answer_start": [-1]}}
    row = row | {"context": "neutral neutral neutral"}
    (found,), _ = predictor.score([row["question"]], [row["context"]], [()])
    label = LABELS.index(found.text)
    row |= {"label": label, "answers": {"text": ["neutral"], "answer_start": [-1]}}
    if found.text != "neutral":
        row["answers"] = {"text": [found.text], "answer_start": [-1]}
        row["context"] = " ".join([found.text] * 3)
        (found,), _ = predictor.score([row["question"]], [row["context"]], [()])
        row["label"], row["answers"]["text"] = LABELS.index(found.text), [found.text]
    resources = Resources(predictor, {"en": [row]})
    done = attack_examples([row], resources, TypoSettings(), tmp_path / "log", progress=False)
    assert done.iloc[0]["attacked_context"] != row["context"]


def test_weights_are_part_of_what_was_attacked(predictor, rows):
    resources = Resources(predictor, {"en": rows[:1]})
    before = resources.victim
    head = predictor.model.heads["xnli"].out.bias
    bias = head.detach().clone()
    head.data += 1
    assert Resources(predictor, {"en": rows[:1]}).victim != before
    head.data.copy_(bias)
    assert Resources(predictor, {"en": rows[:1]}).victim == before


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"kind": "distractor"}, "attacks.pairs.recipe.kind: distractor needs a passage"),
        (
            {"kind": "typo", "goal": "targeted"},
            "attacks.pairs.recipe.goal: attacks on sentence pairs",
        ),
        (
            {"kind": "typo", "ranking": "gradient"},
            "attacks.pairs.recipe.ranking: only span QA has gradients",
        ),
    ],
)
def test_what_pairs_cannot_have_is_refused_before_anything_starts(
    tmp_path, edit_profile, edits, message
):
    from tests.conftest import ROOT

    attack = {
        "target": "xnli",
        "test_sets": [{"corpus": "xnli", "languages": ["en"]}],
        "examples_per_language": 2,
        "recipe": edits,
    }
    quick = ROOT / "params" / "quick.yaml"
    file = edit_profile(quick, tmp_path / "p.yaml", {"attacks.pairs": attack})
    with pytest.raises(InputError, match=message):
        check_sources(schema.load(file))
    attack["recipe"] = {"kind": "typo"}
    check_sources(schema.load(edit_profile(quick, tmp_path / "p.yaml", {"attacks.pairs": attack})))
