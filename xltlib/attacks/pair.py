"""Attacks on classifiers of sentence pairs (NLI, paraphrase) with the recipes made for passages.

Sentence 1 takes the place of the question, which no recipe edits, and sentence 2 that of the
passage. TextAttack's recipes for NLI also edit only the second sentence. A span (k, k + 1), whose
probability span QA would ask for, stands for class k.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from xltlib.attacks import identity
from xltlib.attacks.goal import UntargetedSpanF1
from xltlib.attacks.query import Output, Spans
from xltlib.evaluation.predictor import Prediction
from xltlib.training.multitask import MultiTaskModel


def as_passages(rows: Iterable[Mapping[str, Any]], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of a classification corpus in the form in which attacks read span QA.

    Args:
        labels: names of the classes, in the order of their integers.
    """
    return [
        {
            "id": row["id"],
            "language": row["language"],
            "question": row["sentence1"],
            "context": row["sentence2"],
            # The class name, which results show as the gold answer, is no part of the sentence.
            "answers": {"text": [labels[row["label"]]], "answer_start": [-1]},
            "label": int(row["label"]),
        }
        for row in rows
    ]


@dataclass(frozen=True)
class PairPredictor:
    """A classifier of sentence pairs, with the interface that attacks use."""

    model: MultiTaskModel
    task: str
    tokenizer: PreTrainedTokenizerBase
    batch_size: int = 32

    @property
    def identity(self) -> str:
        """A digest of the classifier's content."""
        kind = self.model.tasks[self.task]
        weights = [identity.of_model(part) for part in (self.model.encoder, self.model.heads)]
        return identity.digest(weights, identity.of_tokenizer(self.tokenizer), repr(kind))

    def score(
        self, questions: list[str], contexts: list[str], spans: list[Spans]
    ) -> tuple[list[Prediction], np.ndarray]:
        """The likeliest class of each pair, and the highest probability among the requested
        classes.

        Args:
            spans: (k, k + 1) for each class k whose probability is requested.

        Returns:
            Predictions whose text is the class's name, and probabilities [N].
        """
        kind = self.model.tasks[self.task]
        pairs = {"sentence1": questions, "sentence2": contexts, "label": [0] * len(questions)}
        # A kind reads columns only, and making a Dataset for a few texts is slow.
        rows = kind.rows(self.tokenizer, pairs)
        logits = np.stack(
            self.model.logits(self.task, self.tokenizer, rows, batch_size=self.batch_size)
        ).astype(np.float64)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        names, _ = kind.readable(list(logits), [0] * len(questions))
        predictions = [
            Prediction(name, -1, -1, float(row.max()))
            for name, row in zip(names, probabilities, strict=True)
        ]
        wanted = [
            max((row[start] for start, _ in asked), default=0.0)
            for row, asked in zip(probabilities, spans, strict=True)
        ]
        return predictions, np.asarray(wanted)


def same_class(answer: str, golds: Iterable[str]) -> float:
    """1 if the class is right, 0 otherwise: names of classes may share words."""
    return float(answer in golds)


class WrongClass(UntargetedSpanF1):
    """Succeeds when the predicted class is not the gold one.

    The search climbs the log-odds against the gold class.

    Args:
        label: the gold class, as an integer and by name.
    """

    def __init__(self, victim: Any, label: tuple[int, str], **options: Any) -> None:
        super().__init__(victim, **options)
        self.label = label

    @property
    def answers(self) -> dict[str, Any]:
        """No words are protected, because no answer is in the sentence."""
        return {"text": [], "answer_start": []}

    def wanted_spans(self, context: str) -> Spans:
        """The gold class."""
        return ((self.label[0], self.label[0] + 1),)

    def reached(self, output: Output) -> bool:
        """The class is wrong."""
        return output.answer != self.label[1]
