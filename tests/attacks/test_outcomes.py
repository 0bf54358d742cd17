"""What an outcome means, and whose it is: scores, budgets, failing examples, custom recipes."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltlib.analysis import conditions
from xltlib.artifacts import InputError
from xltlib.attacks import attack, recipes, static_set, validity, worst_of
from xltlib.attacks.api import CustomSettings
from xltlib.attacks.constraints import MaxEditedShare
from xltlib.attacks.copies import copies_in
from xltlib.attacks.falsehoods import Falsehoods
from xltlib.attacks.goal import SpanQAVictim, TargetedSpan
from xltlib.attacks.imperceptible import INVISIBLE, unseen
from xltlib.attacks.passage import Passage
from xltlib.attacks.query import Output
from xltlib.attacks.rows import read_rows
from xltlib.evaluation import squad
from xltlib.evaluation.answer_scoring import f1_in, normalizer
from xltlib.evaluation.predictor import Prediction
from xltlib.params import EngineSettings, TasaSettings, TypoSettings

QUICK = {"language": "en", "progress": False, "max_queries": 12}


def row(context, answer, identity="q", question="Who built the old bridge?"):
    answers = {"text": [answer], "answer_start": [context.index(answer)]}
    return {"id": identity, "question": question, "context": context, "answers": answers}


def always(answer):
    """A model with one answer for every question."""
    return lambda questions, contexts: [(answer, 0.6)] * len(questions)


BRIDGE = row("The mason Ann Lee built the ancient bridge across the quiet river.", "Ann Lee")


MADE: list[str] = []


def noted(name):
    """Notes a recipe's use in a list that is no part of the recipe."""
    MADE.append(name)


def test_lambdas_and_closures_are_told_apart_by_their_code(tmp_path):
    def with_(name, window):
        def build(goal, example, settings, resources):
            noted(name)
            swap = TypoSettings(window_words=window)
            return recipes.typo(goal, example, swap, resources)

        return build

    options = QUICK | {"out": tmp_path, "identity": "ann"}
    attack(always("Ann Lee"), [BRIDGE], with_("one", 1), **options)
    for build in (
        with_("nine", 9),
        lambda g, r, s, t: noted("typo") or recipes.typo(g, r, TypoSettings(), t),
        lambda g, r, s, t: noted("other") or recipes.typo(g, r, TypoSettings(seed=1), t),
    ):
        with pytest.raises(InputError, match="has the results of another attack"):
            attack(always("Ann Lee"), [BRIDGE], build, **options)
    attack(always("Ann Lee"), [BRIDGE], with_("one", 1), **options)
    assert MADE == ["one"]  # the same function is resumed


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_example_that_the_model_fails_on_ends_nothing_else(at_once):
    def model(questions, contexts):
        if any("monk" in context for context in contexts):
            raise ValueError("odd text")
        return always("Ann Lee")(questions, contexts)

    odd = row("A monk, Bo Ek, built it long ago in winter.", "Bo Ek", "odd", "Which monk?")
    for rows in ([odd], [odd, BRIDGE], [BRIDGE, odd]):
        with pytest.warns(UserWarning, match="1 of the examples raised"):
            done = attack(model, rows, "typo", engine=EngineSettings(at_once=at_once), **QUICK)
        found = done.results.set_index("id")
        assert found.loc["odd", "outcome"] == "error"
        assert "odd text" in found.loc["odd", "error"]


def test_an_attack_without_queries_left_has_failed():
    """It had words to edit, so it belongs to the denominator of the success rate."""
    settings = QUICK | {"max_queries": 4, "ranking_share": 0.9}
    found = attack(always("Ann Lee"), [BRIDGE], "typo", **settings).results.iloc[0]
    assert (found["outcome"], found["queries"]) == ("failed", 4)
    bare = row("Ann Lee", "Ann Lee")
    assert attack(always("Ann Lee"), [bare], "typo", **QUICK).results.iloc[0]["outcome"] == (
        "no_candidates"
    )


def test_a_repeated_text_counts_once():
    """Deleting either of two equal neighbours gives one text."""
    asked = []

    def model(questions, contexts):
        asked.extend(contexts)
        return always("Ann Lee")(questions, contexts)

    passage = row("Ann Lee said no no no no no to the very very very long request.", "Ann Lee")
    settings = QUICK | {"max_queries": 60, "min_word_length": 2}
    found = attack(model, [passage], "typo", **settings).results.iloc[0]
    assert found["queries"] == found["readings"] == len(asked) == len(set(asked))


def test_a_text_that_two_orders_of_edits_make_counts_once(monkeypatch):
    """A word may change before or after the false sentence comes."""
    from xltlib.attacks.resources import Resources

    monkeypatch.setattr(Resources, "neighbours", lambda *_: Near())
    asked = []

    def model(questions, contexts):
        asked.extend(contexts)
        return [("Ann Lee", 0.9 - 0.05 * c.count("zz") - 0.2 * ("Bo Ek" in c)) for c in contexts]

    rows = [
        row("The old mason Ann Lee built the old stone bridge.", "Ann Lee"),
        row("In 1951 Bo Ek died in Rome.", "Bo Ek", "b", "Who died in 1951?"),
    ]
    settings = TasaSettings(**(TASA | {"max_queries": 200}))
    found = attack(model, rows, settings, language="en", progress=False, limit=1).results.iloc[0]
    assert found["queries"] == found["readings"] == len(asked) == len(set(asked))


@pytest.mark.parametrize("budget", [2, 3, 4])
def test_a_gradient_that_the_budget_lacks_is_a_failure(rows, predictor, budget):
    settings = QUICK | {"max_queries": budget, "f1_threshold": 0.001}
    found = attack(predictor, rows["en"][:3], "hotflip", **settings).results
    assert set(found["outcome"]) <= {"failed", "succeeded"}
    assert found["queries"].max() <= budget


def test_embedding_counts_all_that_it_reads(rows, predictor, monkeypatch):
    from xltlib.attacks.white_box import Windows

    read, answer = [], Windows.answer
    monkeypatch.setattr(Windows, "answer", lambda *parts: read.append(1) or answer(*parts))
    settings = QUICK | {"max_queries": 2, "radius": 0.5, "step_size": 0.1}
    found = attack(predictor, rows["en"][:1], "embedding", **settings).results.iloc[0]
    assert found["queries"] == found["readings"] == 1 + len(read) == 2


def test_an_inserted_sentence_is_as_many_words_as_it_has():
    rows = [BRIDGE, row("In 1951 Bo Ek died in Rome.", "Bo Ek", "b", "Who died in 1951?")]
    found = attack(always("Ann Lee"), rows, "distractor", **QUICK).results.iloc[0]
    (edit,) = found["edits"]
    assert found["n_edited_words"] == len(edit["new"].split()) > 3


def test_two_corpora_may_share_an_id():
    rows = [BRIDGE | {"corpus": "xquad"}, BRIDGE | {"corpus": "mlqa"}]
    found = attack(always("Ann Lee"), rows, "typo", **QUICK).results
    assert list(found["corpus"]) == ["xquad", "mlqa"]


TASA = {
    "neighbours": {},
    "min_window_similarity": None,
    "same_form": False,
    "same_script": False,
    "min_word_length": 1,
    "max_queries": 60,
}


class Near(dict):
    """Every word has a neighbour."""

    def get(self, word, default=()):
        return [f"zz{word}zz"]


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({"max_edited_words": 2}, 2),
        ({"max_edited_words": None, "max_edited_share": 0.01}, 1),
        ({"max_edited_words": None, "max_edited_graphemes": 0.01}, 1),
        ({"max_edited_words": 9, "max_grapheme_edits": 8}, 2),
        ({"max_edited_words": 9, "window_words": 1}, 2),
    ],
)
def test_tasa_keeps_every_limit_and_its_copy_counts_for_none(limits, most, monkeypatch):
    from xltlib.attacks.resources import Resources

    monkeypatch.setattr(Resources, "neighbours", lambda *_: Near())
    rows = [
        row(
            "The old mason Ann Lee built the old stone bridge for the town.",
            "Ann Lee",
            question="Who built the old stone bridge for the town?",
        ),
        row("In 1951 Bo Ek died in Rome.", "Bo Ek", "b", "Who died in 1951?"),
    ]

    def model(questions, contexts):
        return [("Ann Lee", 0.9 - 0.05 * c.count("zz") - 0.2 * ("Bo Ek" in c)) for c in contexts]

    settings = TasaSettings(**(TASA | limits))
    done = attack(model, rows, settings, language="en", progress=False, limit=1)
    found = done.results.iloc[0]
    swapped = len(re.findall(r"zz\w+zz", found["attacked_context"]))
    assert swapped <= most
    assert len(found["attacked_context"]) > len(found["context"])


def test_words_without_a_neighbour_are_named(tmp_path):
    file = tmp_path / "en.json"
    file.write_text('{"mason": ["builder"], "ancient": ["old"]}')
    settings = QUICK | {"neighbours": {"en": str(file)}, "min_window_similarity": None}
    with pytest.warns(UserWarning, match=r"\d+ of \d+ words in en have no neighbour.*e\.g\. \w+"):
        attack(always("Ann Lee"), [BRIDGE], "synonym", same_form=False, **settings)


def test_a_function_is_compared_as_the_recipe_compares():
    """ "在1951年" is the answer in other words, so the search has something to gain."""
    context = "鲍勃在1951年建造了这座桥。"
    given = row(context, "1951年", question="这座桥是什么时候建造的？")
    rows = {"language": "zh", "progress": False, "max_queries": 12}
    found = attack(always("在1951年"), [given], "typo", f1="characters", **rows).results.iloc[0]
    assert found["original_success_f1"] == pytest.approx(10 / 11)
    assert found["original_probability"] > 0.5


@pytest.mark.parametrize("gold", ["€", "The", "👨‍👩‍👧"])
def test_a_gold_answer_without_words_is_right_for_a_function(gold):
    given = row(f"The sign {gold} stands before prices.", gold)
    found = attack(always(f"{gold} "), [given], "typo", **QUICK).results.iloc[0]
    assert found["outcome"] == "failed"
    assert found["original_probability"] == pytest.approx(0.6, abs=1e-3)


def test_test_sets_are_scored_by_the_rule_of_their_corpus():
    for name in ("mlqa", "MLQA", "mlqa+typo-20", "mlqa/test"):
        assert normalizer("de", name)("der Hund") == "hund"
    for name in (None, "xquad", "tydiqa+surrogate"):
        assert normalizer("de", name) is squad.normalize_answer


def test_attacked_examples_of_a_perturbed_set_are_scored_by_its_corpus():
    class Hund:
        def predict(self, questions, contexts):
            return [Prediction("der Hund", 0, 8, 0.9)] * len(questions)

    frame = pd.DataFrame(
        [
            {
                **{"outcome": "succeeded", "corpus": name, "language": "de", "question": "?"},
                **{"context": "Hund", "attacked_context": "Hund", "answers": {"text": ["Hund"]}},
            }
            for name in ("mlqa", "mlqa+typo-20", "mlqa/test")
        ]
    )
    found = static_set.transfer_matrix(
        {"a": frame}, [("b", Hund())], TypoSettings(f1_threshold=0.9)
    )
    assert found["n"].tolist() == [3]


def test_a_target_shares_nothing_with_the_gold_answer():
    context = "桥建于1951年，翻修于1988年。"
    rows = [
        {"language": "zh", "id": str(i), "context": context, "question": "?"}
        | {"answers": {"text": [text], "answer_start": [context.index(text)]}}
        for i, text in enumerate(("1951年", "于1951年", "1988年"))
    ]
    assert Falsehoods({"zh": rows}).target(TypoSettings(goal="targeted"), rows[0]) == "1988年"


@pytest.mark.parametrize("word", ["שלום", "مرحبا", "ދިވެހި"])
def test_words_written_from_right_to_left_are_reversed_under_the_other_override(word):
    import random

    first = next(iter(unseen(word, random.Random(0))))
    assert first.startswith("\u202d")


@pytest.mark.parametrize("word", ["മലയാളം", "ಕನ್ನಡ", "ગુજરાતી", "ਪੰਜਾਬੀ", "සිංහල", "မြန်မာ", "ខ្មែរ"])
def test_no_joiner_goes_between_letters_that_stack(word):
    import random

    joiners = set(INVISIBLE[:2])
    for text in unseen(word, random.Random(0)):
        assert text.count("\u200c") + text.count("\u200d") == sum(word.count(j) for j in joiners)


def test_the_worst_attack_is_one_attack():
    """Not a row of values from several."""
    rows = [
        {"attack": "a", "attacked_f1": 0.1, "inserted": None, "outcome": "failed"},
        {"attack": "b", "attacked_f1": 0.9, "inserted": "en", "outcome": "succeeded"},
    ]
    same = {"arm": "none", "seed": 1, "corpus": "c", "language": "ko", "id": "q", "queries": 3}
    (found,) = conditions.ensemble(pd.DataFrame([one | same for one in rows])).to_dict("records")
    assert found["attacked_f1"] == 0.1
    assert pd.isna(found["inserted"])
    assert (found["outcome"], found["queries"]) == ("succeeded", 6)


def test_the_worst_of_several_attacks():
    rows = [BRIDGE, row("In 1951 Bo Ek died in Rome.", "Bo Ek", "b", "Who died in 1951?")]

    def model(questions, contexts):
        """Typing errors in the first passage fool it, and a false sentence in the second."""
        return [
            ("x", 0.9)
            if ("Lee" in c and "mason" not in c) or c.count("died") > 1
            else ("Ann Lee" if "Lee" in c else "Bo Ek", 0.6)
            for c in contexts
        ]

    settings = QUICK | {"max_queries": 40}
    done = {name: attack(model, rows, name, **settings) for name in ("typo", "distractor")}
    worst = worst_of(done)
    for i, found in enumerate(worst.results.itertuples()):
        own = [one.results.iloc[i] for one in done.values()]
        assert found.id == rows[i]["id"]
        assert (found.outcome == "succeeded") == any(o["outcome"] == "succeeded" for o in own)
        assert found.queries == sum(o["queries"] for o in own)
        assert found.readings == sum(o["readings"] for o in own)
        chosen = done[found.recipe].results.iloc[i]
        assert found.attacked_context == chosen["attacked_context"]
    with pytest.raises(InputError, match="give two or more"):
        worst_of({"typo": done["typo"]})
    for other in (list(done.values()), {name: one.results for name, one in done.items()}):
        with pytest.raises(InputError, match="give what `attack` returned, by name"):
            worst_of(other)
    fewer = attack(model, rows, "typo", limit=1, **settings)
    with pytest.raises(InputError, match="b and a attacked different examples"):
        worst_of({"a": done["typo"], "b": fewer})


def test_no_inserted_word_is_no_share_of_known_words():
    edits = [{"old": " old", "new": "", "start": 3}]
    frame = pd.DataFrame(
        [
            {
                **{"language": "en", "context": "The old town.", "attacked_context": "The town."},
                **{"answers": {"text": ["town"], "answer_start": [8]}, "edits": edits},
            }
        ]
    )
    assert validity.kept(frame, {"en": {"the"}})["known words"].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limit": "1"}, "limit 1: nothing would be attacked"),
        ({"limit": 1.5}, "limit 1.5"),
        ({"shard": "1/2"}, r"shard '1/2': give \(k, n\)"),
        ({"shard": None}, "shard None"),
        ({"engine": {"precision": "bf16"}}, "engine: .*; give xltlib.params.EngineSettings"),
        ({"model": lambda q, c: [("x", None)] * len(q)}, "returned .* as an answer"),
        ({"model": lambda q, c: [("x", "high")] * len(q)}, "returned .* as an answer"),
        ({"rows": {"data": []}}, "give the file's path"),
        ({"rows": BRIDGE}, "a single row; give a list"),
        ({"recipe": "misspelling", "language": "de"}, "no list of misspellings in de"),
        ({"recipe": "tasa", "language": "pl", "min_window_similarity": None}, "tasa: no templates"),
        ({"recipe": "codemix", "bitext": {"sw": [("a", "b")]}, "language": "ko"}, "for 'ko' there"),
    ],
)
def test_what_cannot_be_attacked_is_refused_before_anything_is_asked(change, message):
    asked = []

    def model(questions, contexts):
        asked.extend(questions)
        return always("Ann Lee")(questions, contexts)

    given = QUICK | {"model": model, "rows": [BRIDGE], "recipe": "typo"} | change
    with pytest.raises(InputError, match=message):
        attack(**given)
    assert asked == []


def test_a_language_is_refused_before_the_others_are_attacked():
    asked = []

    def model(questions, contexts):
        asked.extend(questions)
        return always("Ann Lee")(questions, contexts)

    rows = [BRIDGE | {"language": "en"}, BRIDGE | {"language": "de", "id": "d"}]
    with pytest.raises(InputError, match="misspellings in de"):
        attack(model, rows, "misspelling", progress=False)
    assert asked == []


def test_regions_are_of_their_language():
    for recipe in ("misspelling", "distractor"):
        rows = [BRIDGE, row("In 1951 Bo Ek died in Rome.", "Bo Ek", "b", "Who died in 1951?")]
        done = attack(always("Ann Lee"), rows, recipe, **(QUICK | {"language": "en-US"}))
        assert set(done.results["outcome"]) <= {"succeeded", "failed", "skipped", "no_candidates"}


def test_an_answer_as_a_plain_text_is_one_answer():
    given = BRIDGE | {"answers": {"text": "Ann Lee"}}
    assert read_rows([given], "en").rows[0]["answers"]["text"] == ["Ann Lee"]


def test_a_missing_language_is_the_one_given():
    frame = pd.DataFrame([BRIDGE | {"language": float("nan")}])
    assert read_rows(frame, "sw").rows[0]["language"] == "sw"


def test_a_custom_recipe_has_no_guide_that_reads_a_part():
    with pytest.raises(ValueError, match="guide_words: recipe custom edits beyond"):
        EngineSettings(guide_words=8, precision="auto").check(CustomSettings())


def test_a_masked_lm_reads_as_much_as_fits(tiny_masked_lm):
    """600 characters are more tokens than some models read."""
    from xltlib.attacks.masked_lm import MaskedLM

    model = MaskedLM(tiny_masked_lm)
    assert model.most == 512  # and the tokenizer has a piece for every character
    long = "a b " * 400
    assert isinstance(model.proposals(long, long, long, 50), tuple)
    assert model.surprise(long, 700, 705) > 0
    assert model.surprise(long, 0, 1500) != model.surprise(long, 0, 1500)  # NaN


def test_the_units_of_f1_are_known():
    assert f1_in("characters", "zh", None)("在1951年", ["1951年"]) == pytest.approx(10 / 11)


@pytest.mark.parametrize("search", ["word-importance", "greedy", "beam"])
def test_a_text_that_broke_the_answer_is_never_given_up_for_a_higher_score(search):
    def model(questions, contexts):
        """Wrong without the word "quiet", and less sure of a right answer than of a wrong one."""
        return [
            ("Ann Lee", 0.9 if text == BRIDGE["context"] else 0.2)
            if "quiet" in text
            else ("river", 0.35)
            for text in contexts
        ]

    settings = QUICK | {"max_queries": 200, "search": search, "ranking": "random"}
    found = attack(model, [BRIDGE], "typo", **settings).results.iloc[0]
    assert (found["outcome"], found["attacked_prediction"]) == ("succeeded", "river")


def test_a_search_that_fails_returns_no_text_worse_than_the_passage():
    def surer(questions, contexts):
        return [("Ann Lee", 0.5 if text == BRIDGE["context"] else 0.9) for text in contexts]

    rows = [BRIDGE, row("In 1951 Bo Ek died in Rome.", "Bo Ek", "b", "Who died in 1951?")]
    settings = QUICK | {"max_queries": 60, "search": "greedy"}
    found = attack(surer, [BRIDGE], "typo", **settings).results.iloc[0]
    assert found["attacked_context"] == BRIDGE["context"]
    # The false sentence is the attack, whatever becomes of the score.
    found = attack(surer, rows, "distractor", **QUICK).results.iloc[0]
    assert (found["outcome"], found["distractor_language"]) == ("failed", "en")


@pytest.mark.parametrize(("gold", "start"), [(" Ann Lee", 9), ("Ann Lee\n", 10), ("Ann Lee", 10)])
def test_white_space_around_a_gold_answer_hides_none_of_its_probability(gold, start):
    asked = []

    class Listening:
        def score(self, questions, contexts, spans):
            for text, ((begin, end),) in zip(contexts, spans, strict=True):
                asked.append(text[begin:end])
            found = [Prediction("Ann Lee", 10, 17, 0.6)] * len(contexts)
            return found, np.full(len(contexts), 0.6)

    context = "The mason Ann Lee\nbuilt the ancient bridge."
    given = BRIDGE | {"context": context, "answers": {"text": [gold], "answer_start": [start]}}
    attack(Listening(), [given], "typo", **QUICK)
    assert len(asked) == 12
    assert set(asked) == {"Ann Lee"}


@pytest.mark.parametrize(
    ("context", "gold", "found"),
    [
        ("Solar Energy, SOLAR\nenergy's", "solar energy", ["Solar Energy", "SOLAR\nenergy"]),
        ("The White House and White House.", "the White House", ["The White House", "White House"]),
        ("The U.S. cannot trust us.", "US", ["U.S", "us"]),
        ("A value a, the value A.", "A", ["A", "A"]),
        ("ΑΘΗΝΑ Αθήνα; 1000 11000", "Αθηνα", ["ΑΘΗΝΑ"]),
        ("11,000 or 1000", "1,000", ["1,000", "1000"]),
        ("NASAは2回", "nasa", ["NASA"]),
    ],
)
def test_a_copy_is_what_the_scorer_takes_for_the_answer(context, gold, found):
    spans = copies_in(context, gold)
    outer = [a for a in spans if not any(b != a and b[0] <= a[0] and a[1] <= b[1] for b in spans)]
    assert [context[start:end] for start, end in outer] == found


@given(st.text(st.characters() | st.sampled_from("aAßſİσς .,-"), max_size=30), st.data())
def test_every_copy_is_one_and_none_letter_by_letter_is_missed(context, data):
    start = data.draw(st.integers(0, len(context)))
    gold = context[start : data.draw(st.integers(start, len(context)))]
    found = copies_in(context, gold)
    assert not gold.strip() or (start, start + len(gold)) in found
    for first, last in found:
        copy = context[first:last]
        assert (
            copy.casefold() == gold.strip().casefold()
            or copy == gold
            or (squad.normalize_answer(copy).casefold() == squad.normalize_answer(gold).casefold())
        )


SOLAR = row(
    "Solar Energy is what the village council chose. Its members found solar energy cheap.",
    "solar energy",
    question="What did the village council choose?",
)


@pytest.mark.parametrize("recipe", ["typo", "tasa"])
def test_no_copy_of_the_answer_in_another_case_is_edited(recipe, monkeypatch):
    from xltlib.attacks.resources import Resources

    monkeypatch.setattr(Resources, "neighbours", lambda *_: Near())
    seen = []

    def model(questions, contexts):
        seen.extend(contexts)
        return [(" ".join(text.split()[:2]), 0.9) for text in contexts]

    more = TASA if recipe == "tasa" else {"max_queries": 80}
    attack(model, [SOLAR], recipe, language="en", progress=False, **more)
    assert len(set(seen)) > 2
    assert {text[:12] for text in seen} == {"Solar Energy"}


@pytest.mark.parametrize("word", ["و1990", "1819م", "לאPierre", "٣كتب"])
def test_words_of_two_directions_are_not_reversed(word):
    """Their numbers and Latin letters run left to right, so a reversal would be seen."""
    import random

    found = list(unseen(word, random.Random(0)))
    assert found
    assert not {char for text in found for char in text} & set("\u202d\u202e\u202c")


@pytest.mark.parametrize(("share", "most"), [(0.28, 28), (0.29, 29), (0.57, 57), (0.575, 57)])
def test_a_share_of_words_is_not_cut_by_rounding(share, most):
    passage = Passage("Who?", " ".join(f"w{i}" for i in range(100)))
    limit = MaxEditedShare(share)
    for words, allowed in ((most, True), (most + 1, False)):
        indices = range(passage.question_words, passage.question_words + words)
        text = passage.replace_words_at_indices(indices, ["x"] * words)
        assert limit._check_constraint(text, passage) is allowed


def test_a_target_without_words_has_to_be_the_answer_itself():
    goal = TargetedSpan(SpanQAVictim(lambda queries: [Output("", 0.0)] * len(queries)))
    truth = json.dumps({"text": ["A"], "answer_start": [8], "target": "The"})
    goal.init_attack_example(Passage("Which?", "Vitamin A. The end."), truth)
    assert [goal.reached(Output(text, 0.0)) for text in ("", "a", "The ")] == [False, False, True]


def test_a_gold_answer_without_words_is_right_in_every_column():
    given = row("Carrots have vitamin A in them.", "A")
    found = attack(always("A"), [given], "typo", **QUICK).results.iloc[0]
    assert found[["original_success_f1", "attacked_success_f1"]].tolist() == [1, 1]
    assert found["original_f1"] == 0  # the official F1 stays SQuAD's
