"""Every recipe finds something to edit in real passages of every language that it claims."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest

from tests.benchmarks import recipe_reach
from xltlib import corpora
from xltlib.attacks import Resources, attack_examples
from xltlib.attacks import example as example_module
from xltlib.attacks.example import attack_example
from xltlib.attacks.query import Output, ask
from xltlib.attacks.recipes import RECIPES
from xltlib.corpora.squad_files import read_squad
from xltlib.evaluation.predictor import Prediction
from xltlib.languages import TYDI, graphemes, script_of
from xltlib.params import (
    CorpusSource,
    DistractorSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
    MaskedLMSettings,
    TypoSettings,
)

XQUAD = ("zh", "th", "hi")


class Improving:
    """Finds every new passage a little worse for the gold answer than the last."""

    identity = "improving"

    def __init__(self):
        self.asked = 0

    def score(self, questions, contexts, spans):
        self.asked += len(questions)
        found = [
            Prediction(context[s[0][0] : s[0][1]], *s[0], 0.9)
            for context, s in zip(contexts, spans, strict=True)
        ]
        return found, np.full(len(questions), 1 / (1 + self.asked / 100))


@pytest.fixture(scope="module")
def passages(shared_data):
    source = CorpusSource(source="local", folder=shared_data / "tydiqa-goldp")
    sets = {code: list(corpora.load("tydiqa", source, code, "dev"))[::11] for code in TYDI}
    for code in XQUAD:
        sets[code] = list(read_squad(shared_data / f"xquad/xquad.{code}.json", code))[::40]
    return {
        code: [row for row in rows if min(row["answers"]["answer_start"]) >= 0][:8]
        for code, rows in sets.items()
    }


@pytest.mark.parametrize(
    "settings",
    [TypoSettings(), HomoglyphSettings(), ImperceptibleSettings(), DistractorSettings()],
    ids=["typo", "alike", "unseen", "distractor"],
)
def test_half_of_real_passages_are_edited(passages, tmp_path, settings):
    """Few letters of Arabic, Devanagari, Han and Hangul have look-alikes."""
    settings = settings.model_copy(update={"max_queries": 40})
    silent = {"ar", "ko", "zh", "hi"} if settings.kind == "homoglyph" else set()
    for code, rows in passages.items():
        resources = Resources(Improving(), {code: rows})
        done = attack_examples(rows, resources, settings, tmp_path / code, progress=False)
        assert not (done["outcome"] == "error").any(), done["error"].dropna().iloc[0]
        if code not in silent:
            assert (done["n_edited_words"] > 0).mean() >= 0.5, code
        else:
            assert set(done["outcome"]) <= {"failed", "no_candidates"}


@pytest.fixture(scope="module")
def small_model(me5_small):
    """The real vocabulary on a model of one layer."""
    return recipe_reach.small_model(me5_small)


def test_hotflip_edits_in_every_language_with_a_real_vocabulary(passages, small_model):
    """Candidates in each script."""
    settings = HotFlipSettings(max_queries=12, ranking="random")
    for code, rows in passages.items():
        resources, edited = Resources(small_model, {code: rows}), 0
        for row in rows[:2]:
            asked = [0]

            def scorer(queries, asked=asked):
                asked[0] += len(queries)
                golds = [q.context[q.spans[0][0] : q.spans[0][1]] for q in queries]
                return [Output(gold, -asked[0] / 100) for gold in golds]

            edited += attack_example(row, scorer, settings, resources)["n_edited_words"] > 0
        assert edited >= 1, code


@pytest.mark.parametrize("code", ["th", "zh", "ja"])
def test_a_masked_lm_with_a_real_vocabulary_edits_unspaced_scripts(shared_data, small_model, code):
    """Words are replaced, inserted and merged, all in the script, none with a space."""
    files = {"ja": "jaquad/jaquad_train_0000.json"}
    file = shared_data / files.get(code, f"xquad/xquad.{code}.json")
    row = dict(next(iter(read_squad(file, code))))
    masked_lm = recipe_reach.stand_in(small_model)
    for edit in ("replace", "insert", "merge"):
        settings = MaskedLMSettings(
            model="unused", ranking="random", edits=[edit], min_word_length=1
        )
        resources = Resources(small_model, {code: [row]})
        resources.masked_lm = lambda settings: masked_lm
        scorer = partial(recipe_reach.wrong_once_edited, row)
        record = attack_example(row, scorer, settings, resources)
        assert record["outcome"] == "succeeded", edit
        put_in = "".join(one["new"] for one in record["edits"])
        assert put_in
        assert " " not in put_in
        assert {script_of(char) for char in put_in} <= {
            script_of(char) for char in row["context"]
        }, edit


# Shares under half, and why: see docs/attacks.md.
UNDER_HALF = {"homoglyph": {"ar", "hi", "ja", "ko"}}


@pytest.mark.slow
def test_every_recipe_edits_half_of_real_examples(shared_data, me5_small):
    sets, examples = recipe_reach.questions(shared_data, 50), 50
    bitext, names = recipe_reach.parallel(shared_data), list(recipe_reach.RECIPES)
    table = recipe_reach.reach(sets, bitext, me5_small, names, examples)
    assert set(names) == set(RECIPES)
    for name, shares in table.iterrows():
        for code, share in shares.dropna().items():
            if code not in UNDER_HALF.get(name, ()):
                assert share >= 50, (name, code)
        assert set(shares.dropna().index) == ({"en"} if name == "misspelling" else set(sets))


def test_own_recipes_leave_the_global_random_numbers_alone(rows, predictor, monkeypatch):
    """So that the engine need not exchange them at every query."""
    from contextlib import nullcontext

    monkeypatch.setattr(example_module, "_own_random_numbers", lambda seed: nullcontext())
    resources, before = Resources(predictor, rows), (random.getstate(), np.random.get_state()[1])
    for settings in (
        TypoSettings(max_queries=10, ranking="random"),
        HomoglyphSettings(max_queries=10),
        HotFlipSettings(max_queries=10, ranking="gradient"),
    ):
        attack_example(rows["en"][0], lambda q: ask(predictor, q), settings, resources)
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()


def test_length_limits_follow_the_script(passages):
    from xltlib.languages import min_word_length, words

    for code, least in (("zh", 0.9), ("hi", 0.6), ("en", 0.5), ("th", 0.6)):
        found = [row["context"][a:b] for row in passages[code] for a, b in words(row["context"])]
        long = [len(graphemes(word)) >= min_word_length(word) for word in found]
        assert np.mean(long) >= least, code
