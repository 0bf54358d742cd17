"""The victim and the goal: make a span-QA model answer wrongly."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from textattack.goal_function_results import GoalFunctionResult
from textattack.goal_functions import GoalFunction
from textattack.models.wrappers import ModelWrapper
from textattack.shared import AttackedText

from xltlib.evaluation import squad
from xltlib.evaluation.predictor import Prediction

Spans = list[tuple[int, int]]


class Predictor(Protocol):
    """What an attack needs of a model; `SpanPredictor` is one."""

    def score(
        self, questions: list[str], contexts: list[str], spans: list[Spans]
    ) -> tuple[list[Prediction], np.ndarray]: ...


@dataclass(frozen=True)
class Output:
    """A model's answer, and the probability it gives to the gold answer, in [0, 1]."""

    answer: str
    gold_probability: float


class SpanQAVictim(ModelWrapper):
    """A span-QA model as TextAttack sees one: it takes (question, context) pairs."""

    def __init__(self, predictor: Predictor) -> None:
        self.model = predictor

    def __call__(self, text_input_list: list[tuple[str, str]], spans: list[Spans]) -> list[Output]:
        """Answer the pairs; `spans` are the gold spans of each context."""
        questions, contexts = zip(*text_input_list, strict=True)
        predictions, gold = self.model.score(list(questions), list(contexts), spans)
        return [Output(p.text, float(g)) for p, g in zip(predictions, gold, strict=True)]


def occurrences(text: str, part: str) -> list[int]:
    """Every offset at which `part` begins in `text`, overlapping ones included."""
    places, found = [], text.find(part) if part else -1
    while found >= 0:
        places.append(found)
        found = text.find(part, found + 1)
    return places


class SpanQAResult(GoalFunctionResult):
    """A result as TextAttack prints it."""

    def get_text_color_input(self) -> str:
        return "green"

    def get_text_color_perturbed(self) -> str:
        return "red"

    def get_colored_output(self, color_method: str | None = None) -> str:
        return str(self.output)


class UntargetedSpanF1(GoalFunction):
    """Succeeds when the predicted answer's F1 to the gold answers falls under a threshold.

    The search climbs 1 - P(gold answer). The ground truth is a JSON string, as TextAttack wants a
    string: {"text": [...], "answer_start": [...]}, offsets into the unperturbed context.
    """

    def __init__(self, victim: SpanQAVictim, *, f1_threshold: float = 0.5, **options: Any) -> None:
        super().__init__(victim, **options)
        self.f1_threshold = f1_threshold

    @property
    def answers(self) -> dict[str, list[Any]]:
        """The gold answers of the example under attack."""
        return json.loads(self.ground_truth_output)

    def gold_spans(self, context: str) -> Spans:
        """Where the gold answers stand in a perturbed context.

        Constraints keep every copy of an answer as it is, so the n-th copy stays the n-th. Where an
        edit has made a new copy, the one nearest to the old place is taken.
        """
        original = self.initial_attacked_text.tokenizer_input[1]
        spans = []
        for text, start in zip(self.answers["text"], self.answers["answer_start"], strict=True):
            before, after = occurrences(original, text), occurrences(context, text)
            if len(before) == len(after) and start in before:
                begin = after[before.index(start)]
            elif after:
                begin = min(after, key=lambda place, start=start: abs(place - start))
            else:
                continue
            spans.append((begin, begin + len(text)))
        return spans

    def _call_model_uncached(self, attacked_text_list: list[AttackedText]) -> list[Output]:
        outputs: list[Output] = []
        pairs = [text.tokenizer_input for text in attacked_text_list]
        for first in range(0, len(pairs), self.batch_size):
            batch = pairs[first : first + self.batch_size]
            outputs += self.model(batch, [self.gold_spans(context) for _, context in batch])
        return outputs

    def _is_goal_complete(self, model_output: Output, attacked_text: AttackedText) -> bool:
        return squad.f1(model_output.answer, self.answers["text"]) < self.f1_threshold

    def _get_score(self, model_output: Output, attacked_text: AttackedText) -> float:
        return 1.0 - model_output.gold_probability

    def _get_displayed_output(self, raw_output: Output) -> str:
        return raw_output.answer

    def _goal_function_result_type(self) -> type[GoalFunctionResult]:
        return SpanQAResult

    def _process_model_outputs(self, inputs: Any, outputs: Any) -> Any:
        return outputs

    def extra_repr_keys(self) -> list[str]:
        return ["f1_threshold", *super().extra_repr_keys()]


def example(row: dict[str, Any]) -> tuple[OrderedDict[str, str], str]:
    """A corpus row as TextAttack's input columns and ground truth."""
    columns = OrderedDict([("question", row["question"]), ("context", row["context"])])
    return columns, json.dumps(row["answers"], ensure_ascii=False)
