"""Whatever may change an outcome makes results of an earlier run unusable; nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pandas as pd
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


def test_a_defended_model_is_not_the_undefended_one(predictor, rows):
    class Defended(SpanPredictor):
        def score(self, questions, contexts, spans):
            return super().score(questions, [context.lower() for context in contexts], spans)

    plain = Resources(predictor, rows).victim
    assert Resources(SpanPredictor(predictor.model, predictor.tokenizer), rows).victim == plain
    defended = Defended(predictor.model, predictor.tokenizer)
    patched = SpanPredictor(predictor.model, predictor.tokenizer)
    patched.score = defended.score
    for one in (defended, patched):
        assert len({plain, Resources(one, rows).victim, Resources(one, rows).victim}) == 3
        one.identity = "lower-cased"
        assert Resources(one, rows).victim == "lower-cased"


def test_answers_of_a_defended_predictor_are_its_own(predictor, rows, tmp_path):
    """Even if the defence is not a field of the data class, or only this object has it."""
    seen = []

    class Defended(SpanPredictor):
        def __init__(self, plain, defence):
            super().__init__(plain.model, plain.tokenizer)
            self.defence = defence

        def score(self, questions, contexts, spans):
            return super().score(questions, self.defence(contexts), spans)

    defended = Defended(predictor, lambda contexts: seen.extend(contexts) or contexts)
    patched = SpanPredictor(predictor.model, predictor.tokenizer)
    patched.score = defended.score
    for number, one in enumerate((defended, patched)):
        seen.clear()
        log = tmp_path / f"{number}"
        done = attack_examples(rows["en"][:1], Resources(one, rows), TYPO, log, progress=False)
        assert done["error"].tolist() == [None]
        assert len(seen) == done["readings"].sum() > 0


def test_a_model_counts_with_what_its_parts_compute(predictor):
    class Other(type(predictor.model)):
        def forward(self, **inputs):
            output = super().forward(**inputs)
            output.start_logits = -output.start_logits
            return output

    same, other, patched, hooked = (deepcopy(predictor.model) for _ in range(4))
    other.__class__ = Other
    patched.qa_outputs.forward = lambda states: -states
    hooked.qa_outputs.register_forward_hook(lambda module, given, found: -found)
    plain = identity.of_model(predictor.model)
    assert identity.of_model(same) == plain
    for one in (other, patched, hooked):
        assert len({plain, identity.of_model(one), identity.of_model(one)}) == 3
    renamed = deepcopy(predictor.model)
    renamed.qa_outputs.__class__ = torch.nn.Bilinear  # the weights stay the same
    assert identity.of_model(renamed) != plain


LIMIT = 1


def limited(goal, row, settings, resources):
    return LIMIT, [LIMIT for _ in row]


def enclosing(value):
    def build(goal, row, settings, resources):
        return value

    return build


LARGE = (np.zeros(5000), torch.zeros(5000), pd.DataFrame({"x": range(200)}), list(range(5000)))


@pytest.mark.parametrize("value", LARGE, ids=["array", "tensor", "frame", "list"])
def test_a_recipe_counts_with_all_that_it_encloses(value):
    other, before = deepcopy(value), identity.of_function(enclosing(value))
    assert identity.of_function(enclosing(other)) == before
    (other.iloc if isinstance(other, pd.DataFrame) else other)[100] = -1
    assert identity.of_function(enclosing(other)) != before


@pytest.mark.parametrize(
    ("one", "other"), [({1: "a"}, {"1": "a"}), ([1], (1,)), (1, True), (1, 1.0), ({1}, [1])]
)
def test_values_that_json_would_confuse_are_apart(one, other):
    assert identity.of_function(enclosing(one)) != identity.of_function(enclosing(other))


def test_a_recipe_counts_with_the_data_of_its_module(monkeypatch):
    before = identity.of_function(limited)
    assert identity.of_function(limited) == before
    monkeypatch.setattr(sys.modules[__name__], "LIMIT", 50)
    assert identity.of_function(limited) != before


def test_what_has_no_readable_state_is_never_the_same():
    class Mine:
        def build(self, goal, row, settings, resources):
            return None

    for one in (Mine().build, enclosing(Mine()), enclosing(lambda text: text), enclosing([Mine()])):
        assert identity.of_function(one) != identity.of_function(one)
    # Functions of a module count by name.
    assert identity.of_function(enclosing(limited)) == identity.of_function(enclosing(limited))


def test_a_recipe_is_the_same_in_every_process():
    code = (
        "from xltlib.attacks import identity\n"
        "def build(goal, row, settings, resources):\n"
        "    return row['language'] in {'en', 'de', 'fr', 'sw'}\n"
        "print(identity.of_function(build))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_functions_answers_are_kept_by_unit_of_f1(rows, tmp_path):
    """The probability of the gold answer is estimated from its F1 with the given one."""
    row = {"id": "1", "question": "When?", "context": "Es war im Winter 1951, als der Fluss fror"}
    row |= {"answers": {"text": ["im Winter 1951"], "answer_start": [7]}}
    left = [6]

    def answer(questions, contexts):
        left[0] -= len(contexts)
        if left[0] < 0:
            raise KeyboardInterrupt
        return [("Winter 1951er", 0.9) for _ in contexts]

    options = {"language": "de", "identity": "f", "progress": False, "f1_threshold": 0.05}
    with pytest.raises(KeyboardInterrupt):
        attack(answer, [row], "typo", tmp_path, f1="words", **options)
    left[0] = 10**6
    again = attack(answer, [row], "typo", tmp_path, f1="characters", **options).results
    fresh = attack(answer, [row], "typo", None, f1="characters", **options).results
    assert again["original_probability"].tolist() == fresh["original_probability"].tolist()
