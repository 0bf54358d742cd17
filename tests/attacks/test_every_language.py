"""Every recipe finds something to edit in real passages of every language that it claims."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from xltlib.attacks import Resources, attack_examples
from xltlib.attacks import example as example_module
from xltlib.attacks.example import attack_example
from xltlib.attacks.query import Output, ask
from xltlib.corpora.squad_files import read_squad
from xltlib.evaluation.predictor import Prediction, SpanPredictor
from xltlib.languages import TYDI, graphemes
from xltlib.params import (
    DistractorSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
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
    sets = {code: [] for code in TYDI}
    for row in read_squad(shared_data / "tydiqa/tydiqa-goldp-sample.json", None):
        sets[row["language"]].append(row)
    for code in XQUAD:
        sets[code] = list(read_squad(shared_data / f"xquad/xquad.{code}.json", code))[::40]
    return {
        code: [row for row in rows if min(row["answers"]["answer_start"]) >= 0][:12]
        for code, rows in sets.items()
    }


@pytest.mark.parametrize(
    "settings",
    [TypoSettings(), HomoglyphSettings(), ImperceptibleSettings(), DistractorSettings()],
    ids=["typo", "alike", "unseen", "distractor"],
)
def test_half_of_real_passages_are_edited(passages, tmp_path, settings):
    """Letters of Arabic, Han, Hangul, Thai and the Indic scripts have few look-alikes or none."""
    settings = settings.model_copy(update={"max_queries": 40})
    silent = {"ar", "ko", "zh", "th", "hi", "te", "bn"} if settings.kind == "homoglyph" else set()
    for code, rows in passages.items():
        resources = Resources(Improving(), {code: rows})
        done = attack_examples(rows, resources, settings, tmp_path / code, progress=False)
        assert not (done["outcome"] == "error").any(), done["error"].dropna().iloc[0]
        if code not in silent:
            assert (done["n_edited_words"] > 0).mean() >= 0.5, code
        else:
            assert set(done["outcome"]) <= {"failed", "no_candidates"}


def test_hotflip_edits_in_every_language_with_a_real_vocabulary(passages, me5_small):
    """The real vocabulary on a model of one layer: candidates in each script, none foreign."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(me5_small)
    config.num_hidden_layers = 1
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_pretrained(me5_small, config=config)
    predictor = SpanPredictor(model, AutoTokenizer.from_pretrained(me5_small))
    settings = HotFlipSettings(max_queries=12, ranking="random")
    for code, rows in passages.items():
        resources, edited = Resources(predictor, {code: rows}), 0
        for row in rows[:2]:
            asked = [0]

            def scorer(queries, asked=asked):
                asked[0] += len(queries)
                golds = [q.context[q.spans[0][0] : q.spans[0][1]] for q in queries]
                return [Output(gold, -asked[0] / 100) for gold in golds]

            edited += attack_example(row, scorer, settings, resources)["n_edited_words"] > 0
        assert edited >= 1, code


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
