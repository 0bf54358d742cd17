"""The rules on real passages: 10,000 attacked texts in all languages of XQuAD and TyDi QA."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import accumulate, product

import pytest
import regex

from xltlib.attacks import Resources, recipes
from xltlib.attacks.differences import edits
from xltlib.attacks.goal import SpanQAVictim, UntargetedSpanF1, example, moved
from xltlib.attacks.hotflip import HotFlip
from xltlib.attacks.passage import Passage
from xltlib.corpora.squad_files import read_squad
from xltlib.languages import TYDI, graphemes, words
from xltlib.params import (
    CodeMixSettings,
    DistractorSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
    MaskedLMSettings,
    MisspellingSettings,
    SynonymSettings,
    TasaSettings,
    TypoSettings,
)

XQUAD = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
EXTRA = {"ko": "korquad/KorQuAD_v1.0_dev.json", "id": "facqa/facqa-test.id.json"}
# Generous budgets: what is checked is what edits do, not how many a recipe would make.
MANY = {"max_edited_words": 50, "min_word_length": 1}
ANY_WORD = {"same_form": False, "min_window_similarity": None}
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


class AnyWord:
    """In place of a model: proposes words of the language's passages, others for every gap."""

    def __init__(self, words, rng):
        self.words, self.rng = words, rng

    def some(self):
        return tuple(self.rng.sample(self.words, 6))

    def proposals(self, question, before, after, n):
        return self.some()


@pytest.fixture(scope="module")
def recipes_of(passages, tmp_path_factory):
    """All recipes that edit text: any word of a language's passages may stand for any other."""
    folder, rng, near, lexicons = tmp_path_factory.mktemp("lists"), random.Random(0), {}, {}
    for code, rows in passages.items():
        known = words_of(rows)
        near[code], lexicons[code] = folder / f"{code}.json", [folder / f"{code}.txt"]
        near[code].write_text(json.dumps({word: rng.sample(known, 6) for word in known}))
        phrases = (f"{word}\t{' '.join(rng.sample(known, rng.choice((1, 2))))}" for word in known)
        lexicons[code][0].write_text("\n".join(phrases))
    return {
        "typo": TypoSettings(**MANY, candidates_per_word=6),
        "homoglyph": HomoglyphSettings(**MANY, candidates_per_word=3),
        "imperceptible": ImperceptibleSettings(**MANY),
        "misspelling": MisspellingSettings(**MANY),
        "synonym": SynonymSettings(**MANY, **ANY_WORD, neighbours=near),
        "mlm": MaskedLMSettings(**MANY, model="unused", edits=["replace", "insert", "merge"]),
        "codemix": CodeMixSettings(**MANY, lexicons=lexicons),
        "hotflip": HotFlipSettings(**MANY),
        "distractor": DistractorSettings(answers=4),
        "tasa": TasaSettings(**ANY_WORD, neighbours=near),
    }


def words_of(rows):
    return sorted({c[a:b] for row in rows[:30] for c in [row["context"]] for a, b in words(c)})


def attacked_texts(passages, recipes_of, monkeypatch, wanted):
    """(recipe, language, row, text): so many texts, shared out over recipes and languages."""
    rng, resources = random.Random(0), Resources(None, passages)
    proposals = {code: AnyWord(words_of(rows), rng) for code, rows in passages.items()}
    cells = [
        (name, code)
        for name, code in product(recipes_of, passages)
        # Some letters have no look-alikes, and misspellings are listed for English.
        if code == "en" or name != "misspelling"
    ]
    for name, code in cells:
        made, placed = 0, [r for r in passages[code] if min(r["answers"]["answer_start"]) >= 0]
        monkeypatch.setattr(Resources, "masked_lm", lambda self, s, code=code: proposals[code])
        monkeypatch.setattr(HotFlip, "candidates", lambda *_, code=code: proposals[code].some())
        monkeypatch.setattr(HotFlip, "editable", lambda *_: True)
        monkeypatch.setattr(Resources, "white_box", None)
        monkeypatch.setattr(Resources, "vocabulary", {})
        for seed, row in product(range(20), rng.sample(placed, min(40, len(placed)))):
            if made >= -(-wanted // len(cells)) or (seed and not made):
                break
            settings = recipes_of[name].model_copy(update={"seed": seed})
            everywhere = name == "tasa"  # it edits the answer's sentence only
            found = attacked(row, settings, resources, rng, depth=3, everywhere=everywhere)
            made += len(found)
            yield from ((name, code, row, text) for text in found)


def counted(texts):
    """How many texts each recipe gave, by language; every text keeps the rules."""
    counts, moving = Counter(), set()
    for name, code, row, text in texts:
        check(row, *text.tokenizer_input)
        counts[name, code] += 1
        if text.num_words != len(text.attack_attrs["original_index_map"]):
            moving.add(name)
    assert moving >= {"mlm", "codemix", "distractor", "tasa"}
    return counts


def test_no_orphan_marks_no_split_graphemes_no_edits_of_question_or_answer(
    passages, recipes_of, monkeypatch
):
    some = {code: passages[code] for code in ("en", "ar", "hi", "te", "th", "zh", "ko")}
    counts = counted(attacked_texts(some, recipes_of, monkeypatch, 500))
    assert {name for name, _ in counts} == set(recipes_of)


@pytest.mark.slow
def test_the_same_of_10_000_texts_of_all_recipes_and_languages(passages, recipes_of, monkeypatch):
    counts = counted(attacked_texts(passages, recipes_of, monkeypatch, WANTED))
    print(sorted(counts.items()))
    assert sum(counts.values()) >= WANTED
    for name in set(recipes_of) - {"misspelling", "homoglyph"}:
        assert {code for recipe, code in counts if recipe == name} == set(passages), name


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
