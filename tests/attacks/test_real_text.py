"""The rules on real passages: 10,000 attacked texts in all languages of XQuAD and TyDi QA."""

from __future__ import annotations

import json
import random
from itertools import accumulate, product

import pytest
import regex

from xltlib.attacks import Resources, recipes
from xltlib.attacks.distractor import distractor_language
from xltlib.attacks.example import edits
from xltlib.attacks.goal import SpanQAVictim, UntargetedSpanF1, example, moved
from xltlib.attacks.passage import Passage
from xltlib.corpora.squad_files import read_squad
from xltlib.languages import TYDI, graphemes, words
from xltlib.params import (
    DistractorSettings,
    HomoglyphSettings,
    ImperceptibleSettings,
    TasaSettings,
    TypoSettings,
)

XQUAD = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
EXTRA = {"ko": "korquad/KorQuAD_v1.0_dev.json", "id": "facqa/facqa-test.id.json"}
RECIPES = (
    TypoSettings(candidates_per_word=6, max_edited_words=50, min_word_length=1),
    HomoglyphSettings(candidates_per_word=3, max_edited_words=50),
    DistractorSettings(answers=4),
    ImperceptibleSettings(max_edited_words=50),
)
WANTED = 10_000
# A mark with nothing to stand on: at the beginning, or after white space or a control character.
ORPHAN = regex.compile(r"(?<![\p{L}\p{N}\p{M}\p{S}\p{P}\u200c\u200d])\p{M}|^\p{M}")


@pytest.fixture(scope="module")
def passages(shared_data):
    """Real questions by language."""
    sets = {
        code: list(read_squad(shared_data / f"xquad/xquad.{code}.json", code)) for code in XQUAD
    }
    for code in TYDI:
        sets.setdefault(code, [])
    for row in read_squad(shared_data / "tydiqa/tydiqa-goldp-sample.json", None):
        sets[row["language"]].append(row)
    for code, file in EXTRA.items():
        sets[code] += list(read_squad(shared_data / file, code))[:300]
    return sets


def attacked(row, settings, resources, rng, depth, *, everywhere=False):
    """Texts some steps deep into an attack, by TextAttack's own way of making them."""
    columns, truth = example(row)
    goal = UntargetedSpanF1(SpanQAVictim(lambda queries: []))
    attack = recipes.RECIPES[settings.kind](goal, row, settings, resources)
    text = goal.initial_attacked_text = Passage(*columns.values())
    goal.ground_truth_output = truth
    first, made = text, []
    for _ in range(depth):
        some = None if everywhere else rng.sample(range(text.num_words), min(20, text.num_words))
        found = attack.get_transformations(text, original_text=first, indices_to_modify=some)
        if not found:
            continue
        made += rng.sample(found, min(25, len(found)))
        text = rng.choice(found)
    return made


def test_no_orphan_marks_no_split_graphemes_no_edits_of_question_or_answer(passages):
    rng, counts = random.Random(0), dict.fromkeys(passages, 0)
    share = -(-WANTED // len(passages))
    resources = Resources(None, passages)
    for language, rows in passages.items():
        placed = [row for row in rows if min(row["answers"]["answer_start"]) >= 0]
        # Few real passages in some languages: the same ones again, with other seeds.
        for seed, row in product(range(100), rng.sample(placed, min(40, len(placed)))):
            if counts[language] >= share:
                break
            settings = RECIPES[seed % len(RECIPES)].model_copy(update={"seed": seed})
            for text in attacked(row, settings, resources, rng, depth=3):
                question, context = text.tokenizer_input
                counts[language] += 1
                check(row, question, context)
        assert counts[language] >= share, f"{language}: only {counts[language]} texts"
    assert sum(counts.values()) >= WANTED


def test_tasa_keeps_the_rules_in_every_language(passages, tmp_path):
    rng, near = random.Random(0), {}
    for language, rows in passages.items():  # any word may stand for any other
        known = sorted({c[a:b] for row in rows[:30] for c in [row["context"]] for a, b in words(c)})
        near[language] = tmp_path / f"{language}.json"
        near[language].write_text(json.dumps({word: rng.sample(known, 6) for word in known}))
    settings = TasaSettings(neighbours=near, same_form=False, min_window_similarity=None)
    resources = Resources(None, passages)
    for language, rows in passages.items():
        placed = [row for row in rows if min(row["answers"]["answer_start"]) >= 0][:6]
        inserted = swapped = 0
        for row in placed:
            for text in attacked(row, settings, resources, rng, depth=4, everywhere=True):
                question, context = text.tokenizer_input
                check(row, question, context)
                inserted += distractor_language(text) is not None
                swapped += len(text.attack_attrs["modified_indices"]) > 0
        assert inserted, language
        assert swapped > inserted / 2, language


def check(row, question, context):
    assert question == row["question"]
    for answer, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
        assert context.count(answer) >= row["context"].count(answer)
        place = moved(row["context"], context, answer, start)
        assert context[place : place + len(answer)] == answer
    borders = {0, *accumulate(map(len, graphemes(row["context"])))}
    rebuilt, last = "", 0
    for edit in edits(row["context"], context):
        end = edit["start"] + len(edit["old"])
        assert {edit["start"], end} <= borders
        rebuilt += row["context"][last : edit["start"]] + edit["new"]
        last = end
    assert rebuilt + row["context"][last:] == context
    assert len(ORPHAN.findall(context)) <= len(ORPHAN.findall(row["context"]))
    # What was put in keeps its own clusters beside what stands around it.
    after = {0, *accumulate(map(len, graphemes(context)))}
    shift = 0
    for edit in edits(row["context"], context):
        start = edit["start"] + shift
        assert {start, start + len(edit["new"])} <= after
        shift += len(edit["new"]) - len(edit["old"])
