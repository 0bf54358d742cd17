"""The engine: side by side as one at a time, resumed as uninterrupted, confirmed in float32."""

import gc
import json
import random
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from xltlib.artifacts import InputError
from xltlib.attacks import Resources, attack_examples, report
from xltlib.attacks import engine as engine_module
from xltlib.attacks.engine import Answers, on_device
from xltlib.attacks.example import attack_example
from xltlib.attacks.query import Output, Query, ask, log_odds, nearby
from xltlib.attacks.recipes import RECIPES
from xltlib.attacks.side_by_side import side_by_side
from xltlib.attacks.white_box import Windows
from xltlib.encoders import device
from xltlib.evaluation import predictor as predictor_module
from xltlib.evaluation.predictor import Prediction
from xltlib.params import (
    DistractorSettings,
    EmbeddingSettings,
    EngineSettings,
    HotFlipSettings,
    TypoSettings,
)
from xltlib.text_files import recovered_json_lines

TYPO = TypoSettings(max_queries=25, window_words=8, ranking="random")


def chosen(rows):
    return [row for part in rows.values() for row in part[:3]]


def outcomes(frame):
    return json.loads(frame.to_json(orient="records"))


@pytest.mark.parametrize(
    "settings", [TYPO, DistractorSettings(answers=2)], ids=["typo", "sentence"]
)
def test_side_by_side_as_the_plain_run(rows, predictor, tmp_path, settings):
    """The plain run is TextAttack's own loop, one example after the other, nothing merged."""
    resources = Resources(predictor, rows)

    def scorer(queries):
        return [output for query in queries for output in ask(predictor, [query])]

    plain = [attack_example(row, scorer, settings, resources) for row in chosen(rows)]
    engine = EngineSettings(at_once=5, batch_size=7)
    merged = attack_examples(
        chosen(rows), resources, settings, tmp_path / "log", engine=engine, progress=False
    )
    assert merged.to_dict("records") == plain
    assert {record["outcome"] for record in plain} >= {"succeeded"}


def test_neither_order_nor_parts_nor_number_at_once_changes_an_outcome(rows, predictor, tmp_path):
    resources, examples = Resources(predictor, rows), chosen(rows)
    whole = attack_examples(examples, resources, TYPO, tmp_path / "whole", progress=False)
    single = EngineSettings(at_once=1)
    parts = [
        attack_examples(part, resources, TYPO, tmp_path / "parts", engine=single, progress=False)
        for part in (examples[::-2], examples[::-2], examples)
    ]
    assert outcomes(parts[-1]) == outcomes(whole)


def test_a_killed_run_asks_nothing_twice(rows, predictor, tmp_path):
    """The queries of examples that were under way are in the journal, so they cost nothing."""
    resources, examples, log = Resources(predictor, rows), chosen(rows), tmp_path / "log"
    whole = attack_examples(examples, resources, TYPO, tmp_path / "whole", progress=False)

    class Killed(RuntimeError):
        pass

    class Dying:
        identity = "the model"

        def __init__(self, rounds):
            self.rounds, self.asked = rounds, []

        def score(self, questions, contexts, spans):
            self.asked += contexts
            self.rounds -= 1
            if self.rounds < 0:
                raise Killed
            return predictor.score(questions, contexts, spans)

    first = Dying(4)
    with pytest.raises(Killed):
        attack_examples(examples, Resources(first, rows), TYPO, log, progress=False)
    journal = log.with_name("log.queries")
    with open(journal, "a", encoding="utf-8") as file:
        file.write('\n{"query": "cut sho')
    answered = len(recovered_json_lines(journal))
    second = Dying(10**6)
    again = attack_examples(examples, Resources(second, rows), TYPO, log, progress=False)
    assert outcomes(again) == outcomes(whole)
    assert answered > 0
    everything = Dying(10**6)
    attack_examples(examples, Resources(everything, rows), TYPO, tmp_path / "all", progress=False)
    assert len(second.asked) == len(everything.asked) - answered
    assert not journal.exists()


def test_jobs_have_their_random_numbers_to_themselves():
    def job(seed):
        def draw(scorer):
            random.seed(seed)
            np.random.seed(seed)
            drawn = []
            for _ in range(3):
                scorer([Query("q", str(seed), ())])
                drawn += [random.random(), float(np.random.rand())]
            return drawn

        return draw

    def scorer(queries):
        random.random()  # others draw too
        return [Output("", 0.0) for _ in queries]

    together = sorted(side_by_side([job(seed) for seed in range(5)], scorer, at_once=5))
    alone = sorted(one for seed in range(5) for one in side_by_side([job(seed)], scorer, 1))
    assert together == alone


def test_the_same_query_is_asked_once():
    rounds = []

    def scorer(queries):
        rounds.append(list(queries))
        return [Output(query.context, 0.0) for query in queries]

    def job(scorer):
        return [scorer([Query("q", "same", ())])[0].answer for _ in range(2)]

    assert list(side_by_side([job] * 4, scorer, at_once=4)) == [["same"] * 2] * 4
    assert [len(queries) for queries in rounds] == [1, 1]


def test_the_caller_keeps_the_random_numbers(rows, predictor, tmp_path):
    """With several examples under way at once, too."""
    resources, part = Resources(predictor, rows), chosen(rows)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = generators()
    attack_examples(part, resources, TYPO, tmp_path / "log", progress=False)
    assert generators() == before
    attack_example(part[0], lambda queries: ask(predictor, queries), TYPO, resources)
    assert generators() == before


def generators():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


class Stopping:
    """Answers as another predictor, until it raises."""

    def __init__(self, predictor, error, rounds):
        self.predictor, self.error, self.rounds = predictor, error, rounds

    def score(self, questions, contexts, spans):
        self.rounds -= 1
        if self.rounds < 0:
            raise self.error
        return self.predictor.score(questions, contexts, spans)


@pytest.mark.parametrize("custom", [False, True])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_caller_keeps_the_random_numbers_after_an_interruption(
    rows, predictor, tmp_path, error, custom
):
    """Then, and when the examples that were under way are collected."""
    build = (lambda *parts: RECIPES["typo"](*parts)) if custom else None
    resources, log = Resources(Stopping(predictor, error, 3), rows), tmp_path / "log"
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = generators()
    with pytest.raises(error) as raised:
        attack_examples(chosen(rows), resources, TYPO, log, build=build, progress=False)
    assert generators() == before
    random.seed(2), np.random.seed(2), torch.manual_seed(2)
    before = generators()
    del raised
    gc.collect()
    assert generators() == before


def test_an_error_in_one_job_reaches_the_caller():
    def job(scorer):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(side_by_side([job], lambda queries: [], at_once=2))


class Optimist:
    """Finds every changed passage broken; the passages that it was first asked about, fine."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, queries):
        return [
            Output(
                self.answer if query.reading == "exact" else "nonsense",
                2.0 if query.reading == "exact" else -2.0,
            )
            for query in queries
        ]


def test_a_success_is_confirmed_in_float32(rows, predictor):
    row = rows["en"][0]
    scorer = Optimist(row["answers"]["text"][0])
    record = attack_example(row, scorer, TYPO, Resources(predictor, rows), guide="fast")
    assert record["outcome"] == "failed"
    assert record["unconfirmed"] > 1
    assert record["original_prediction"] == record["attacked_prediction"] == scorer.answer


def test_a_success_that_only_float32_sees_counts(rows, predictor):
    row = rows["en"][0]
    gold, seen = row["answers"]["text"][0], []

    def pessimist(queries):
        """The fast model sees no change; float32 finds all but the clean passage broken."""
        seen.extend(queries)
        same = [query.context == row["context"] for query in queries]
        return [
            Output(gold if ok or query.reading != "exact" else "nonsense", 2.0 if ok else 0.0)
            for ok, query in zip(same, queries, strict=True)
        ]

    record = attack_example(row, pessimist, TYPO, Resources(predictor, rows), guide="fast")
    assert (record["outcome"], record["missed"], record["unconfirmed"]) == ("succeeded", True, 0)
    assert record["attacked_prediction"] == "nonsense"
    assert seen[-1].reading == "exact"


def test_of_a_handful_that_looks_broken_one_is_confirmed(rows, predictor):
    """The guide finds every change broken, and float32 agrees: it is asked once."""
    row = rows["en"][0]
    gold, exact = row["answers"]["text"][0], []

    def scorer(queries):
        exact.extend(query for query in queries if query.reading == "exact")
        same = [query.context == row["context"] for query in queries]
        return [Output(gold if ok else "nonsense", 2.0 if ok else -2.0) for ok in same]

    record = attack_example(row, scorer, TYPO, Resources(predictor, rows), guide="fast")
    assert (record["outcome"], record["unconfirmed"]) == ("succeeded", 0)
    assert [query.context for query in exact] == [row["context"], record["attacked_context"]]


@pytest.mark.parametrize("guide_words", [None, 4])
def test_bf16_guides_and_float32_decides(rows, predictor, tmp_path, guide_words):
    resources = Resources(predictor, rows)
    engine = EngineSettings(precision="bf16", guide_words=guide_words)
    done = attack_examples(
        chosen(rows), resources, TYPO, tmp_path / "log", engine=engine, progress=False
    )
    exact = Answers(resources, EngineSettings(), tmp_path / "journal")
    for row in done[done["outcome"] == "succeeded"].to_dict("records"):
        (output,) = exact([Query(row["question"], row["attacked_context"], ())])
        assert output.answer == row["attacked_prediction"]


@pytest.mark.parametrize("surrogate", [False, True])
def test_words_are_ranked_by_the_gradient_of_what_guides_the_search(
    rows, predictor, qa_folder, tmp_path, monkeypatch, surrogate
):
    monkeypatch.setattr(predictor_module, "computes_bf16", lambda device: True)
    used, plain = [], Windows.gradient

    def noting(self, *call):
        used.append(self.predictor.model.dtype)
        return plain(self, *call)

    monkeypatch.setattr(Windows, "gradient", noting)
    ranking = {"ranking": "gradient", "surrogate": str(qa_folder) if surrogate else None}
    settings, resources = TYPO.model_copy(update=ranking), Resources(predictor, rows)
    bf16 = {"precision": "bf16"}
    for number, (options, dtype) in enumerate(
        [({}, torch.float32), (bf16, torch.bfloat16), (bf16 | {"equal": True}, torch.float32)]
    ):
        used.clear()
        engine, log = EngineSettings(**options), tmp_path / f"log {number}"
        attack_examples(chosen(rows), resources, settings, log, engine=engine, progress=False)
        assert set(used) == {dtype}


@pytest.mark.parametrize(("kernel", "precision"), [("oneDNN", "float32"), ("torch", "bf16")])
def test_equal_is_float32_alone_where_float32_is_fast(monkeypatch, kernel, precision):
    monkeypatch.setattr(engine_module, "kernel", lambda device: kernel)
    monkeypatch.setattr(engine_module, "resolve", lambda asked, device: "bf16")
    equal = on_device(EngineSettings(precision="auto", equal=True), "cpu")
    assert (equal.precision, equal.equal) == (precision, precision == "bf16")
    assert on_device(EngineSettings(precision="auto"), "cpu").precision == "bf16"
    named = EngineSettings(precision="bf16", equal=True)
    assert on_device(named, "cpu") == named


@pytest.mark.parametrize("guide_words", [None, 4])
def test_auto_is_bf16_where_the_device_has_it_and_else_plain_float32(
    rows, predictor, tmp_path, monkeypatch, guide_words
):
    """Records are those of the precision that `auto` becomes, so they can be taken from its log."""
    resources, auto = Resources(predictor, rows), EngineSettings(precision="auto")
    auto = auto.model_copy(update={"guide_words": guide_words})
    bf16 = auto.model_copy(update={"precision": "bf16"})
    for has_units, same in ((True, bf16), (False, EngineSettings())):
        monkeypatch.setattr(device, "computes_bf16", lambda device, has=has_units: has)
        found, asked = {}, {}
        for name, engine in (("auto", auto), ("named", same), ("auto again", auto)):
            counted = Counting()
            monkeypatch.setattr(engine_module, "ask", counted)
            log = tmp_path / f"{has_units}"
            options = {"engine": engine, "progress": False}
            found[name] = attack_examples(chosen(rows)[:3], resources, TYPO, log, **options)
            asked[name] = counted.asked
        assert asked["auto"] > 0
        assert (asked["named"], asked["auto again"]) == (0, 0)
        pd.testing.assert_frame_equal(found["auto"], found["named"])
    assert (found["auto"]["unconfirmed"] == 0).all()
    assert (found["auto"]["queries"] == found["auto"]["readings"]).all()


class Counting:
    """Puts queries to a model and counts them."""

    asked = 0

    def __call__(self, model, queries):
        self.asked += len(queries)
        return ask(model, queries)


def test_a_partial_guide_reads_the_words_around_the_answer():
    context = "One two three four five six seven eight nine."
    query = Query("Which?", context, ((14, 18), (19, 23)))
    near = nearby(query, 1)
    assert near.context == "three four five six"
    assert [near.context[a:b] for a, b in near.spans] == ["four", "five"]
    assert nearby(query, 50).context == context.removesuffix(".")
    assert nearby(Query("Which?", context, ()), 1).context == context
    with pytest.raises(ValueError, match="guide_words needs a guide"):
        EngineSettings(guide_words=4)


def test_a_success_that_a_partial_guide_cannot_see_is_seen_at_once(rows, predictor):
    """The guide sees the gold answer grow unlikelier, and a wrong one only in the whole passage."""
    row = rows["en"][0]
    gold, asked = row["answers"]["text"][0], []

    def scorer(queries):
        asked.extend(query for query in queries if query.reading == "guide")
        same = [query.context == row["context"] for query in queries]
        return [
            Output(gold if ok or query.reading == "guide" else "nonsense", 2.0 if ok else 0.0)
            for ok, query in zip(same, queries, strict=True)
        ]

    record = attack_example(row, scorer, TYPO, Resources(predictor, rows), guide="partial")
    assert (record["outcome"], record["missed"]) == ("succeeded", False)
    whole = len(asked)
    asked.clear()
    attack_example(row, scorer, TYPO, Resources(predictor, rows), guide="fast")
    assert whole < len(asked)


def test_windows_that_an_edit_does_not_touch_are_not_read_again(qa_folder):
    from dataclasses import replace

    from xltlib.evaluation.predictor import SpanPredictor
    from xltlib.params import SpanQASettings

    settings = SpanQASettings(max_length=64, doc_stride=16, max_query_length=16)
    predictor = replace(SpanPredictor.load(qa_folder, settings=settings), remember=1000)
    plain, read = replace(predictor, remember=0), []
    whole = predictor._read
    predictor._read = lambda features, windows: (
        read.append(len(windows)) or whole(features, windows)
    )
    context = "one two three four five six seven eight nine ten " * 6
    edited = context[:-5] + "tne  "
    for text in (context, context, edited):
        found, expected = (p.predict(["what?"], [text])[0] for p in (predictor, plain))
        assert (found.text, found.start) == (expected.text, expected.start)
        assert found.probability == pytest.approx(expected.probability, rel=1e-4)
    first, again, touched = read
    assert again == 0
    assert 0 < touched < first / 2


class Noisy:
    """The model, as a faster one would have it: its log-odds off by up to so much."""

    def __init__(self, predictor, noise):
        self.predictor, self.noise = predictor, noise

    def __call__(self, queries):
        found = []
        for query, output in zip(queries, ask(self.predictor, queries), strict=True):
            if query.reading == "exact":
                found.append(output)
            else:
                digest = zlib.crc32(query.context.encode()) / 2**32
                off = self.noise * (2 * digest - 1)
                found.append(Output(output.answer, output.log_odds + off))
        return found


@pytest.mark.parametrize("ranking", ["delete", "random"])
def test_a_noisy_guide_that_must_be_equal_gives_float32s_texts(rows, predictor, ranking):
    settings = TypoSettings(max_queries=60, window_words=8, ranking=ranking)
    resources, noisy = Resources(predictor, rows), Noisy(predictor, 0.06)

    def scorer(queries):
        return ask(predictor, queries)

    same, fewer = 0, 0
    for row in chosen(rows):
        plain = attack_example(row, scorer, settings, resources)
        equal = attack_example(row, noisy, settings, resources, guide="equal")
        same += plain["attacked_context"] == equal["attacked_context"]
        assert plain["queries"] == equal["queries"]
        assert equal["readings"] >= equal["queries"]
        fewer += equal["readings"] < 2 * equal["queries"]
        assert equal["attacked_probability"] == pytest.approx(
            plain["attacked_probability"], abs=1e-6
        ) or (plain["attacked_context"] != equal["attacked_context"])
    assert same == len(chosen(rows))
    assert fewer > 0


def test_second_readings_are_queries(rows, predictor):
    """Guided by a fast model, a text that is read again costs again, and the budget holds."""
    asked = []

    def optimist(queries):
        asked.extend(queries)
        return [Output("nonsense" if q.reading == "guide" else gold, 0.0) for q in queries]

    for budget in (2, 3, 10, 25):
        row = rows["en"][0]
        gold = row["answers"]["text"][0]
        asked.clear()
        settings = TypoSettings(max_queries=budget, ranking="random")
        record = attack_example(row, optimist, settings, Resources(predictor, rows), guide="fast")
        assert record["queries"] == record["readings"] == len(asked) <= budget


@pytest.mark.parametrize(
    "settings",
    [
        TypoSettings(max_queries=12),
        TypoSettings(max_queries=12, ranking="gradient"),
        TypoSettings(max_queries=12, search="greedy"),
        HotFlipSettings(max_queries=12, ranking="random"),
        EmbeddingSettings(radius=1.0, step_size=0.5, steps=50, max_queries=12),
        DistractorSettings(max_queries=3),
    ],
    ids=["delete", "gradient", "greedy", "hotflip", "embedding", "distractor"],
)
def test_no_recipe_asks_more_than_its_budget(rows, predictor, settings, monkeypatch):
    resources, row = Resources(predictor, rows), rows["en"][0]
    weights = predictor.model.get_input_embeddings().weight.detach().numpy()
    resources.vocabulary = {"Latin": (["alpha", "beta"], weights[10:12])}
    counted = {"texts": 0, "gradients": 0, "answers": 0}

    def scorer(queries):
        counted["texts"] += len(queries)
        return ask(predictor, queries)

    for name, kind in (("gradient", "gradients"), ("answer", "answers")):
        plain = getattr(Windows, name)

        def counting(self, *args, plain=plain, kind=kind, **options):
            counted[kind] += 1
            return plain(self, *args, **options)

        monkeypatch.setattr(Windows, name, counting)
    record = attack_example(row, scorer, settings, resources)
    assert record["queries"] == sum(counted.values()) <= settings.max_queries
    if settings.kind in ("hotflip", "embedding") or getattr(settings, "ranking", 0) == "gradient":
        assert counted["gradients"] > 0


def test_a_long_passage_leaves_queries_for_edits(predictor):
    """Two hundred words and a budget of forty: ranking takes its share, the others try edits."""
    words = [f"word{'abcdefghij'[i % 10]}{'abcdefghij'[i // 10 % 10]}" for i in range(200)]
    words[100] = "Lovelace"
    context = " ".join(words)
    answers = {"text": ["Lovelace"], "answer_start": [context.index("Lovelace")]}
    row = {"id": "long", "language": "en", "question": "Who?", "context": context}
    row["answers"] = answers
    asked = []

    def scorer(queries):
        asked.extend(query.context for query in queries)
        return [Output("Lovelace", -float(len(asked)) / 100) for _ in queries]

    settings = TypoSettings(max_queries=40, ranking_share=0.25)
    record = attack_example(row, scorer, settings, Resources(predictor, {"en": [row]}))
    ranked = [text for text in asked if len(text.split()) == 199]
    assert record["outcome"] == "failed"
    assert record["n_edited_words"] > 0
    assert len(ranked) == 10
    assert len(asked) == record["queries"] <= 40
    gone = [set(words) - set(text.split()) for text in ranked]
    nearest = {*words[95:100], *words[101:106]}
    assert all(word <= nearest for word in gone)


def test_what_cannot_be_edited_is_not_ranked(predictor):
    context = "1951 in of Москва the 77 Lovelace to be by"
    answers = {"text": ["Lovelace"], "answer_start": [context.index("Lovelace")]}
    row = {"id": "1", "language": "ru", "question": "Who?", "context": context}
    row["answers"], asked = answers, []

    def scorer(queries):
        asked.extend(query.context for query in queries)
        return [Output("Lovelace", 3.0) for _ in queries]

    attack_example(row, scorer, TypoSettings(), Resources(predictor, {"ru": [row]}))
    ranked = [text for text in asked if len(text.split()) == 9]
    assert [set(context.split()) - set(text.split()) for text in ranked] == [{"Москва"}, {"the"}]


def test_an_example_without_candidates_is_no_attack(predictor, tmp_path):
    context = "1951 12 Lovelace 77"
    row = {"id": "1", "language": "en", "question": "Who?", "context": context}
    row["answers"] = {"text": ["Lovelace"], "answer_start": [8]}

    class Right:
        identity = "always right"

        def score(self, questions, contexts, spans):
            return [Prediction("Lovelace", 0, 0, 0.9) for _ in questions], np.full(
                len(questions), 0.9
            )

    done = attack_examples(
        [row], Resources(Right(), {"en": [row]}), TYPO, tmp_path / "log", progress=False
    )
    assert list(done["outcome"]) == ["no_candidates"]
    table = report.summary(done)
    assert table["no_candidates"].iloc[0] == 1
    assert table["failed"].iloc[0] == 0
    assert np.isnan(table["success rate"].iloc[0])


def test_an_example_that_raises_is_recorded_and_the_others_go_on(rows, predictor, tmp_path):
    resources, examples = Resources(predictor, rows), chosen(rows)
    bad = examples[1]["id"], examples[1]["language"]

    def build(goal, row, settings, resources):
        if (row["id"], row["language"]) == bad:
            raise RuntimeError("this one is broken")
        return RECIPES["typo"](goal, row, settings, resources)

    log = tmp_path / "log"
    with pytest.warns(UserWarning, match="1 of the examples raised an error.*this one is broken"):
        done = attack_examples(examples, resources, TYPO, log, build=build, progress=False)
    assert (done["outcome"] == "error").sum() == 1
    assert done["error"].iloc[1] == "RuntimeError: this one is broken"
    bad = None
    again = attack_examples(examples, resources, TYPO, log, build=build, progress=False)
    assert "error" not in set(again["outcome"])


def test_a_query_that_the_model_fails_on_ends_its_own_example_only(rows, predictor, tmp_path):
    examples = chosen(rows)
    poison = examples[2]["context"][:40]

    class Choking:
        identity = "choking"

        def score(self, questions, contexts, spans):
            if any(context.startswith(poison) for context in contexts):
                raise ValueError("choked")
            return predictor.score(questions, contexts, spans)

    with pytest.warns(UserWarning, match="choked"):
        done = attack_examples(
            examples, Resources(Choking(), rows), TYPO, tmp_path / "log", progress=False
        )
    assert done["outcome"].tolist().count("error") == sum(
        row["context"].startswith(poison) for row in examples
    )


def answering(answer):
    """A predictor object whose `score` returns what a function makes of its right result."""

    class Object:
        identity = "object"

        def score(self, questions, contexts, spans):
            right = [
                Prediction(c[s[0][0] : s[0][1]], *s[0], 0.9)
                for c, s in zip(contexts, spans, strict=True)
            ]
            return answer(right, np.full(len(questions), 0.9))

    return Object()


BAD_ANSWERS = {
    "nothing": lambda found, sure: None,
    "one too few": lambda found, sure: (found[:-1], sure),
    "texts": lambda found, sure: ([one.text for one in found], sure),
    "no text": lambda found, sure: ([replace(one, text=None) for one in found], sure),
    "a table": lambda found, sure: (found, np.stack([sure, sure], axis=1)),
    "not a number": lambda found, sure: (found, sure * np.nan),
    "beyond 1": lambda found, sure: (found, sure * 2),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_model_without_one_usable_answer_stops_the_run(rows, tmp_path, name):
    resources = Resources(answering(BAD_ANSWERS[name]), rows)
    with pytest.raises(InputError, match=r"`score` has to return|probability (nan|1\.8)"):
        attack_examples(chosen(rows), resources, TYPO, tmp_path / "log", progress=False)


@pytest.mark.parametrize("at_once", [1, 2, 16])
def test_an_unusable_answer_ends_its_own_example_only(rows, predictor, tmp_path, at_once):
    """Also when the run is resumed and only such examples are left."""
    examples, engine = chosen(rows), EngineSettings(at_once=at_once)
    bad = {row["context"][:40] for row in examples[:2]}

    class Sometimes:
        identity = "sometimes"

        def score(self, questions, contexts, spans):
            found, sure = predictor.score(questions, contexts, spans)
            return found, sure * [np.nan if one[:40] in bad else 1 for one in contexts]

    for _ in range(2):
        with pytest.warns(UserWarning, match="raised an error"):
            done = attack_examples(
                examples,
                Resources(Sometimes(), rows),
                TYPO,
                tmp_path / "log",
                engine=engine,
                progress=False,
            )
        wrong = [row["context"][:40] in bad for row in examples]
        assert (done["outcome"] == "error").tolist() == wrong
        assert done["error"][0].startswith("UnusableAnswer: the model")


def test_unusable_answers_are_not_asked_for_without_end(rows, tmp_path):
    examples = [dict(rows["en"][0]) | {"id": str(number)} for number in range(60)]
    asked = []

    def nothing(found, sure):
        asked.extend(found)

    with pytest.raises(InputError, match="has to return"):
        attack_examples(
            examples, Resources(answering(nothing), rows), TYPO, tmp_path / "log", progress=False
        )
    assert len(asked) < 60


@pytest.mark.parametrize(
    "settings", [TYPO, HotFlipSettings(), EmbeddingSettings(radius=1, step_size=1)]
)
def test_a_model_that_breaks_on_some_texts_is_not_certain_there(
    rows, predictor, tmp_path, monkeypatch, settings
):
    row, plain = rows["en"][0], type(predictor.model).forward

    def forward(self, **inputs):
        output = plain(self, **inputs)
        if clean_read:
            output.start_logits = output.start_logits * float("nan")
        clean_read.append(True)
        return output

    clean_read = []
    monkeypatch.setattr(type(predictor.model), "forward", forward)
    resources, log = Resources(predictor, rows), tmp_path / "log"
    with pytest.raises(InputError, match="returned the probability nan"):
        attack_examples([row], resources, settings, log, progress=False)


def test_the_same_id_twice_is_two_examples(rows, predictor, tmp_path):
    first, second = (dict(row) | {"id": "same"} for row in rows["en"][:2])
    done = attack_examples(
        [first, second], Resources(predictor, rows), TYPO, tmp_path / "log", progress=False
    )
    assert list(done["context"]) == [first["context"], second["context"]]


def test_float32_readings_wait_for_each_other():
    rounds = []

    def scorer(queries):
        rounds.append(sorted(query.reading for query in queries))
        return [Output("", 0.0) for _ in queries]

    def job(n):
        def run(scorer):
            for _ in range(n):
                scorer([Query("q", f"{n}", (), "guide")])
            scorer([Query("q", f"{n}", (), "exact")])

        return run

    list(side_by_side([job(n) for n in range(1, 5)], scorer, 4, batch_size=4))
    assert rounds[-1] == ["exact"] * 4
    assert all(set(one) == {"guide"} for one in rounds[:-1])


def test_log_odds_tell_apart_what_probabilities_do_not():
    near_one = [1 - 1e-9, 1 - 2e-9]
    assert log_odds(near_one[0]) > log_odds(near_one[1])
    assert log_odds(0.0) == -log_odds(1.0) == -50.0
    assert Output("", log_odds(0.25)).probability == pytest.approx(0.25, rel=1e-3)
