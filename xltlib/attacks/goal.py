"""The victim and the goals: make a span-QA model answer wrongly, or with a given span."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from textattack.goal_function_results import GoalFunctionResult
from textattack.goal_functions import GoalFunction
from textattack.models.wrappers import ModelWrapper
from textattack.shared import AttackedText

from xltlib.corpora.answers import nearest_place
from xltlib.evaluation import squad
from xltlib.evaluation.predictor import Prediction
from xltlib.languages import words

Spans = tuple[tuple[int, int], ...]
Reading = Literal["guide", "whole", "exact"]
"""How a model reads a query: as fast as it may, the same but the whole passage, in float32."""
# Batches of other shapes give the same probability up to about a part in 100,000: no choice may
# hang on that, so only so many significant digits count.
DIGITS = 4


@dataclass(frozen=True)
class Query:
    """One question to the model: a context, and the spans of it whose probability is wanted."""

    question: str
    context: str
    spans: Spans
    reading: Reading = "guide"


def nearby(query: Query, reach: int) -> Query:
    """The same question to the passage within so many words of the wanted spans.

    A query without wanted spans stays as it is.
    """
    if not query.spans:
        return query
    first, last = min(start for start, _ in query.spans), max(end for _, end in query.spans)
    spans = words(query.context)
    begin = min([first, *[start for start, end in spans if end <= first][-reach:]])
    stop = max([last, *[end for start, end in spans if start >= last][:reach]])
    moved = tuple((start - begin, end - begin) for start, end in query.spans)
    return replace(query, context=query.context[begin:stop], spans=moved)


@dataclass(frozen=True)
class Output:
    """A model's answer, and the probability of the likeliest span it was asked for, in [0, 1].

    One that is not `confirmed` ends no search.
    """

    answer: str
    probability: float
    confirmed: bool = True


Scorer = Callable[[list[Query]], list[Output]]


class Predictor(Protocol):
    """What an attack needs of a model; `SpanPredictor` is one."""

    def score(
        self, questions: list[str], contexts: list[str], spans: list[Spans]
    ) -> tuple[list[Prediction], np.ndarray]: ...


def ask(predictor: Predictor, queries: list[Query]) -> list[Output]:
    """Put queries to a model."""
    predictions, probabilities = predictor.score(
        [query.question for query in queries],
        [query.context for query in queries],
        [query.spans for query in queries],
    )
    return [
        Output(prediction.text, float(f"{probability:.{DIGITS}g}"))
        for prediction, probability in zip(predictions, probabilities, strict=True)
    ]


class SpanQAVictim(ModelWrapper):
    """A span-QA model as TextAttack sees one: a list of queries in, a list of outputs out.

    Args:
        scorer: answers queries.
        guided: the scorer answers in lower precision unless a query's reading is exact.
        partial: what guides does not read the whole passage.
    """

    def __init__(self, scorer: Scorer, *, guided: bool = False, partial: bool = False) -> None:
        self.model = scorer
        self.guided, self.partial = guided, partial

    def __call__(self, text_input_list: list[Query]) -> list[Output]:
        """Answer the queries."""
        return self.model(text_input_list) if text_input_list else []


def occurrences(text: str, part: str) -> list[int]:
    """Every offset at which `part` begins in `text`, overlapping ones included."""
    places, found = [], text.find(part) if part else -1
    while found >= 0:
        places.append(found)
        found = text.find(part, found + 1)
    return places


def moved(original: str, attacked: str, text: str, start: int) -> int | None:
    """Where a text of a context, which stood at `start`, stands in the attacked one.

    Constraints keep every copy of an answer as it is, so the n-th copy stays the n-th. Where an
    edit has made a new copy, the one nearest to the old place is taken.
    """
    before, after = occurrences(original, text), occurrences(attacked, text)
    if len(before) == len(after) and start in before:
        return after[before.index(start)]
    place = nearest_place(attacked, text, start)
    return place if place >= 0 else None


class SpanQAResult(GoalFunctionResult):
    """A result as TextAttack prints it."""

    def get_text_color_input(self) -> str:
        return "green"

    def get_text_color_perturbed(self) -> str:
        return "red"

    def get_colored_output(self, color_method: str | None = None) -> str:
        return str(self.output)


class SpanGoal(GoalFunction):
    """A goal on the answer of a span-QA model; `UntargetedSpanF1` and `TargetedSpan` are two.

    The ground truth is a JSON string, as TextAttack wants a string: {"text": [...], "answer_start":
    [...]}, offsets into the unperturbed context, and perhaps "target", a text of the context.

    Where a fast model guides the search, the clean example and every text that would end it are
    asked in float32, and that is what counts: `unconfirmed` counts the texts that only a faster
    reading found broken. A guide that reads a part of the passage cannot see an answer elsewhere:
    there it reads the best of every handful that the search asks about whole.
    """

    def __init__(self, victim: SpanQAVictim, **options: Any) -> None:
        super().__init__(victim, **options)
        self.unconfirmed = 0

    @property
    def answers(self) -> dict[str, Any]:
        """The gold answers of the example under attack."""
        return json.loads(self.ground_truth_output)

    def wanted_spans(self, context: str) -> Spans:
        """The spans of a context whose probability guides the search."""
        raise NotImplementedError

    def reached(self, output: Output) -> bool:
        """Whether an answer is what the attack wants."""
        raise NotImplementedError

    def init_attack_example(self, attacked_text: AttackedText, ground_truth_output: str) -> Any:
        """Begin an example, as TextAttack does; its own counts begin with it."""
        self.unconfirmed = 0
        return super().init_attack_example(attacked_text, ground_truth_output)

    def query(self, attacked_text: AttackedText) -> Query:
        """What the model is asked about a text."""
        question, context = attacked_text.tokenizer_input
        return Query(question, context, self.wanted_spans(context))

    def _call_model_uncached(self, attacked_text_list: list[AttackedText]) -> list[Output]:
        queries = [self.query(text) for text in attacked_text_list]
        if not self.model.guided:
            return self.model(queries)
        clean = [text is self.initial_attacked_text for text in attacked_text_list]
        outputs = self.model(
            [replace(q, reading="exact") if c else q for q, c in zip(queries, clean, strict=True)]
        )
        scores = [self._get_score(*pair) for pair in zip(outputs, attacked_text_list, strict=True)]
        # A search goes on with one text of a handful, the first of the best.
        best_first = sorted(range(len(scores)), key=lambda i: -scores[i])
        perturbed = [i for i in best_first if not clean[i]]
        unseen = perturbed[:1] if self.model.partial else []
        confirmed = False
        for i in perturbed:
            if confirmed and self.reached(outputs[i]):
                outputs[i] = replace(outputs[i], confirmed=False)
            elif i in unseen or self.reached(outputs[i]):
                outputs[i] = self._read_again(queries[i], outputs[i])
                confirmed = self.reached(outputs[i])
        return outputs

    def _read_again(self, query: Query, output: Output) -> Output:
        """The output of ever more exact readings, as long as they find the text broken."""
        for reading in ("whole", "exact") if self.model.partial else ("exact",):
            found = self.reached(output)
            (output,) = self.model([replace(query, reading=reading)])
            if not self.reached(output):
                self.unconfirmed += found
                break
        return output

    def _is_goal_complete(self, model_output: Output, attacked_text: AttackedText) -> bool:
        return model_output.confirmed and self.reached(model_output)

    def _get_displayed_output(self, raw_output: Output) -> str:
        return raw_output.answer

    def _goal_function_result_type(self) -> type[GoalFunctionResult]:
        return SpanQAResult

    def _process_model_outputs(self, inputs: Any, outputs: Any) -> Any:
        return outputs


class UntargetedSpanF1(SpanGoal):
    """Succeeds when the predicted answer's F1 to the gold answers falls under a threshold.

    The search climbs 1 - P(gold answer).
    """

    def __init__(self, victim: SpanQAVictim, *, f1_threshold: float = 0.5, **options: Any) -> None:
        super().__init__(victim, **options)
        self.f1_threshold = f1_threshold

    def wanted_spans(self, context: str) -> Spans:
        """Where the gold answers stand in a perturbed context."""
        original = self.initial_attacked_text.tokenizer_input[1]
        pairs = zip(self.answers["text"], self.answers["answer_start"], strict=True)
        found = ((moved(original, context, text, start), len(text)) for text, start in pairs)
        return tuple((place, place + length) for place, length in found if place is not None)

    def reached(self, output: Output) -> bool:
        """The answer is wrong."""
        return squad.f1(output.answer, self.answers["text"]) < self.f1_threshold

    def _get_score(self, model_output: Output, attacked_text: AttackedText) -> float:
        return 1.0 - model_output.probability

    def extra_repr_keys(self) -> list[str]:
        return ["f1_threshold", *super().extra_repr_keys()]


class TargetedSpan(SpanGoal):
    """Succeeds when the model answers with the target of the example, in SQuAD's normal form.

    The search climbs P(target). A target that is not in the context yet, as before a distractor is
    put in, has probability 0.
    """

    def wanted_spans(self, context: str) -> Spans:
        """Every place of the target."""
        target = self.answers["target"]
        return tuple((place, place + len(target)) for place in occurrences(context, target))

    def reached(self, output: Output) -> bool:
        """The answer is the target."""
        return bool(squad.exact_match(output.answer, [self.answers["target"]]))

    def _get_score(self, model_output: Output, attacked_text: AttackedText) -> float:
        return model_output.probability


def example(row: dict[str, Any]) -> tuple[OrderedDict[str, str], str]:
    """A corpus row as TextAttack's input columns and ground truth; "target" comes along."""
    columns = OrderedDict([("question", row["question"]), ("context", row["context"])])
    truth = row["answers"] | ({"target": row["target"]} if row.get("target") else {})
    return columns, json.dumps(truth, ensure_ascii=False)
