"""The goals: make a span-QA model answer wrongly, or with a given span."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from xltlib.attacks.query import Output, Spans, moved, occurrences
from xltlib.attacks.span_goal import Guide, SpanGoal, SpanQAVictim
from xltlib.corpora.answer_spans import stripped_span
from xltlib.evaluation import squad

__all__ = [
    "Guide",
    "SpanGoal",
    "SpanQAVictim",
    "TargetedSpan",
    "UntargetedSpanF1",
    "example",
    "moved",
    "occurrences",
]


class UntargetedSpanF1(SpanGoal):
    """Succeeds when the predicted answer's F1 against the gold answers falls below a threshold.

    The search climbs the log-odds against the gold answer.
    """

    def __init__(self, victim: SpanQAVictim, *, f1_threshold: float = 0.5, **options: Any) -> None:
        super().__init__(victim, **options)
        self.f1_threshold = f1_threshold

    def wanted_spans(self, context: str) -> Spans:
        """The spans of the gold answers in a perturbed context, without white space around them.

        An answer with the offset -1 is not in the passage: it only scores.
        """
        original = self.initial_attacked_text.tokenizer_input[1]
        pairs = zip(self.answers["text"], self.answers["answer_start"], strict=True)
        inner = [
            (text.strip(), stripped_span(start, text)[0]) for text, start in pairs if start >= 0
        ]
        found = ((moved(original, context, text, start), len(text)) for text, start in inner)
        return tuple((place, place + length) for place, length in found if place is not None)

    def reached(self, output: Output) -> bool:
        """The answer is wrong."""
        return self.f1(output.answer) < self.f1_threshold

    def score(self, output: Output) -> float:
        """The log-odds against the gold answer."""
        return -output.log_odds

    def extra_repr_keys(self) -> list[str]:
        return ["f1_threshold", *super().extra_repr_keys()]


class TargetedSpan(SpanGoal):
    """Succeeds when the model answers with the target of the example, in SQuAD's normal form unless
    that is empty.

    The search climbs the target's log-odds. They are at their minimum while the target is not in
    the context, for example before a distractor is inserted.
    """

    def wanted_spans(self, context: str) -> Spans:
        """Every span of the target."""
        target = self.answers["target"].strip()
        return tuple((place, place + len(target)) for place in occurrences(context, target))

    def reached(self, output: Output) -> bool:
        """The answer is the target."""
        answer, target = output.answer.strip(), self.answers["target"].strip()
        if not squad.normalize_answer(target):
            return answer == target
        return bool(squad.exact_match(answer, [target]))

    def score(self, output: Output) -> float:
        """The log-odds of the target."""
        return output.log_odds


def example(row: dict[str, Any]) -> tuple[OrderedDict[str, str], str]:
    """A corpus row as TextAttack's input columns and ground truth, including any "target"."""
    columns = OrderedDict([("question", row["question"]), ("context", row["context"])])
    truth = row["answers"] | ({"target": row["target"]} if row.get("target") else {})
    return columns, json.dumps(truth, ensure_ascii=False)
