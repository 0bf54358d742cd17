"""The engine: side by side as one at a time, resumed as uninterrupted, confirmed in float32."""

import json
import random

import numpy as np
import pytest

from xltlib.attacks import Tools, attack_examples
from xltlib.attacks.engine import Answers, side_by_side
from xltlib.attacks.example import attack_example
from xltlib.attacks.goal import Output, Query, ask, nearby
from xltlib.params import DistractorSettings, EngineSettings, TypoSettings
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
    tools = Tools(predictor, rows)

    def scorer(queries):
        return [output for query in queries for output in ask(predictor, [query])]

    plain = [attack_example(row, scorer, settings, tools) for row in chosen(rows)]
    engine = EngineSettings(at_once=5, batch_size=7)
    merged = attack_examples(
        chosen(rows), tools, settings, tmp_path / "log", engine=engine, progress=False
    )
    assert merged.to_dict("records") == plain
    assert {record["outcome"] for record in plain} >= {"succeeded"}


def test_neither_order_nor_parts_nor_number_at_once_changes_an_outcome(rows, predictor, tmp_path):
    tools, examples = Tools(predictor, rows), chosen(rows)
    whole = attack_examples(examples, tools, TYPO, tmp_path / "whole", progress=False)
    single = EngineSettings(at_once=1)
    parts = [
        attack_examples(part, tools, TYPO, tmp_path / "parts", engine=single, progress=False)
        for part in (examples[::-2], examples[::-2], examples)
    ]
    assert outcomes(parts[-1]) == outcomes(whole)


def test_a_killed_run_asks_nothing_twice(rows, predictor, tmp_path):
    """The queries of examples that were under way are in the journal, so they cost nothing."""
    tools, examples, log = Tools(predictor, rows), chosen(rows), tmp_path / "log"
    whole = attack_examples(examples, tools, TYPO, tmp_path / "whole", progress=False)

    class Killed(RuntimeError):
        pass

    class Dying:
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
        attack_examples(examples, Tools(first, rows), TYPO, log, progress=False)
    journal = log.with_name("log.queries")
    with open(journal, "a", encoding="utf-8") as file:
        file.write('\n{"query": "cut sho')
    answered = len(recovered_json_lines(journal))
    second = Dying(10**6)
    again = attack_examples(examples, Tools(second, rows), TYPO, log, progress=False)
    assert outcomes(again) == outcomes(whole)
    assert answered > 0
    everything = Dying(10**6)
    attack_examples(examples, Tools(everything, rows), TYPO, tmp_path / "all", progress=False)
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
                0.9 if query.reading == "exact" else 0.1,
            )
            for query in queries
        ]


def test_a_success_is_confirmed_in_float32(rows, predictor):
    row = rows["en"][0]
    scorer = Optimist(row["answers"]["text"][0])
    record = attack_example(row, scorer, TYPO, Tools(predictor, rows), guided=True)
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
            Output(gold if ok or query.reading != "exact" else "nonsense", 0.9 if ok else 0.5)
            for ok, query in zip(same, queries, strict=True)
        ]

    record = attack_example(row, pessimist, TYPO, Tools(predictor, rows), guided=True)
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
        return [Output(gold if ok else "nonsense", 0.9 if ok else 0.1) for ok in same]

    record = attack_example(row, scorer, TYPO, Tools(predictor, rows), guided=True)
    assert (record["outcome"], record["unconfirmed"]) == ("succeeded", 0)
    assert [query.context for query in exact] == [row["context"], record["attacked_context"]]


@pytest.mark.parametrize("guide_words", [None, 4])
def test_bf16_guides_and_float32_decides(rows, predictor, tmp_path, guide_words):
    tools = Tools(predictor, rows)
    engine = EngineSettings(precision="bf16", guide_words=guide_words)
    done = attack_examples(
        chosen(rows), tools, TYPO, tmp_path / "log", engine=engine, progress=False
    )
    exact = Answers(predictor, EngineSettings(), tmp_path / "journal")
    for row in done[done["outcome"] == "succeeded"].to_dict("records"):
        (output,) = exact([Query(row["question"], row["attacked_context"], ())])
        assert output.answer == row["attacked_prediction"]


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
            Output(gold if ok or query.reading == "guide" else "nonsense", 0.9 if ok else 0.5)
            for ok, query in zip(same, queries, strict=True)
        ]

    options = {"guided": True, "partial": True}
    record = attack_example(row, scorer, TYPO, Tools(predictor, rows), **options)
    assert (record["outcome"], record["missed"]) == ("succeeded", False)
    whole = len(asked)
    asked.clear()
    attack_example(row, scorer, TYPO, Tools(predictor, rows), guided=True)
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
