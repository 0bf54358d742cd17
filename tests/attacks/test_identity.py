"""Whatever may change an outcome makes results of an earlier run unusable; nothing else does."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from xltlib.artifacts import InputError
from xltlib.attacks import Resources, attack, attack_examples, identity
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import (
    CodeMixSettings,
    EngineSettings,
    MaskedLMSettings,
    SpanQASettings,
    SynonymSettings,
    TypoSettings,
)

TYPO = TypoSettings(max_queries=8, ranking="random")


@pytest.fixture
def counted(monkeypatch):
    """How many questions models were asked so far."""
    asked = [0]
    plain = SpanPredictor.score

    def score(self, questions, contexts, spans):
        asked[0] += len(questions)
        return plain(self, questions, contexts, spans)

    monkeypatch.setattr(SpanPredictor, "score", score)
    return asked


def copied(folder, place):
    shutil.copytree(folder, place)
    return place


def with_other_weights(folder, place, *, safe=True):
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    with torch.no_grad():
        model.qa_outputs.weight.add_(0.01)
    model.save_pretrained(place)
    AutoTokenizer.from_pretrained(folder).save_pretrained(place)
    return place


def test_a_second_run_asks_nothing_unless_its_inputs_change(
    qa_folder, rows, tmp_path, counted, tiny_encoder
):
    examples, out = rows["en"][:2], tmp_path / "out"
    options = {"progress": False, "max_queries": 8, "ranking": "random"}
    engine = EngineSettings(precision="bf16", guide_words=4)
    runs = {
        "first": (qa_folder, examples, options),
        "the model elsewhere": (copied(qa_folder, tmp_path / "copy"), examples, options),
        "other batches": (
            qa_folder,
            examples,
            options | {"engine": EngineSettings(at_once=1, batch_size=2)},
        ),
        "other weights": (with_other_weights(qa_folder, tmp_path / "other"), examples, options),
        "bf16": (qa_folder, examples, options | {"engine": EngineSettings(precision="bf16")}),
        "guide_words": (qa_folder, examples, options | {"engine": engine}),
        "equal": (
            qa_folder,
            examples,
            options | {"engine": EngineSettings(precision="bf16", equal=True)},
        ),
        "budget": (qa_folder, examples, options | {"max_queries": 9}),
        "encoder": (qa_folder, examples, options | {"encoder": str(tiny_encoder)}),
        "question": (qa_folder, [examples[0] | {"question": "Who?"}], options),
    }
    same = ("first", "the model elsewhere", "other batches")
    for name, (model, part, given) in runs.items():
        before = counted[0]
        if name in same:
            attack(model, part, "typo", out, **given)
        else:
            with pytest.raises(InputError, match="has the results of another attack"):
                attack(model, part, "typo", out, **given)
        assert (counted[0] > before) == (name == "first"), name


def test_files_count_by_their_content(predictor, rows, tmp_path, tiny_masked_lm):
    resources, engine = Resources(predictor, rows), EngineSettings()
    near, words = tmp_path / "near.json", tmp_path / "words.txt"
    elsewhere = tmp_path / "elsewhere.json"
    near.write_text(json.dumps({"house": ["home"]}), encoding="utf-8")
    elsewhere.write_bytes(near.read_bytes())
    words.write_text("house\tHaus\n", encoding="utf-8")
    folder = copied(tiny_masked_lm, tmp_path / "lm")
    synonym = SynonymSettings(neighbours={"en": near})
    recipes = {
        near: synonym,
        words: CodeMixSettings(lexicons={"en": [words]}),
        folder / "model.safetensors": MaskedLMSettings(model=str(folder)),
    }
    moved = SynonymSettings(neighbours={"en": elsewhere})
    assert resources.identity(synonym, engine) == resources.identity(moved, engine)
    for file, settings in recipes.items():
        before = resources.identity(settings, engine)
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # weights stay readable
        assert resources.identity(settings, engine) != before


def test_what_surrounds_an_example_counts(predictor, rows, tiny_encoder, tmp_path):
    engine = EngineSettings()
    made = [
        Resources(predictor, rows),
        Resources(predictor, {"en": rows["en"]}),
        Resources(predictor, rows, tiny_encoder),
        Resources(predictor, rows, bitext={"de": [("Haus", "house")]}),
        Resources(predictor, rows, bitext={"de": [("Haus", "home")]}),
    ]
    assert len({one.identity(TYPO, engine) for one in made}) == len(made)
    short = SpanPredictor(predictor.model, predictor.tokenizer, SpanQASettings(max_length=256))
    assert Resources(short, rows).victim != Resources(predictor, rows).victim


def test_tokenizers_count_but_not_how_they_were_last_called(tiny_tokenizer, qa_folder):
    tokenizer = AutoTokenizer.from_pretrained(qa_folder)
    before = identity.of_tokenizer(tokenizer)
    tokenizer(["a", "b c"], padding=True, truncation=True, max_length=4)
    assert identity.of_tokenizer(tokenizer) == before
    tokenizer.add_tokens(["newword"])
    assert identity.of_tokenizer(tokenizer) != before


def test_two_lists_of_one_language_are_two_lists(predictor, rows, tmp_path):
    resources, found = Resources(predictor, rows), []
    for number, word in enumerate(("home", "hut")):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps({"house": [word]}), encoding="utf-8")
        settings = SynonymSettings(neighbours={"en": file})
        found.append(dict(resources.neighbours(settings, "en")))
        assert list(resources.noted(settings, "en").of("house")) == [word]
        lexicon = tmp_path / f"{number}.txt"
        lexicon.write_text(f"house\t{word}\n", encoding="utf-8")
        found.append(resources.lexicon(CodeMixSettings(lexicons={"en": [lexicon]}), "en"))
    assert found[0] != found[2]
    assert found[1] != found[3]


def test_a_function_without_an_identity_is_never_taken_for_another(rows, tmp_path):
    class Silent:
        def score(self, questions, contexts, spans):
            raise AssertionError

    assert Resources(Silent(), rows).victim != Resources(Silent(), rows).victim


def test_the_log_holds_several_runs_apart(rows, predictor, tmp_path):
    resources, log = Resources(predictor, rows), tmp_path / "log"
    first = attack_examples(rows["en"][:2], resources, TYPO, log, progress=False)
    other = TypoSettings(max_queries=8, ranking="random", seed=1)
    attack_examples(rows["en"][:2], resources, other, log, progress=False)
    again = attack_examples(rows["en"][:2], resources, TYPO, log, progress=False)
    assert first.to_json() == again.to_json()
    assert len([line for line in log.read_text(encoding="utf-8").split("\n") if line]) == 4
