"""Extractive question answering: span labels for windows over the context, head and loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.corpora.answer_spans import stripped_span
from xltlib.params import SpanQASettings
from xltlib.tasks.kind import Row, Setup, pad_batch
from xltlib.tasks.offsets import token_span
from xltlib.tasks.windows import Features, featurize
from xltlib.text_files import number_of


def training_rows(features: Features, answers: list[dict[str, list[Any]]]) -> list[Row]:
    """One row per window; its labels are the first and the last token of the answer.

    A window without the whole answer is labelled with its first token, as in XTREME. An answer
    without an offset (-1) gives no row, because it has no span to learn.
    """
    rows = []
    for window in range(len(features)):
        answer = answers[int(features.example[window])]
        if int(answer["answer_start"][0]) >= 0:
            span = _answer_tokens(features, window, answer)
            labels = list(span) if span is not None else [0, 0]
            rows.append(features.model_inputs(window) | {"labels": labels})
    return rows


def _answer_tokens(
    features: Features, window: int, answer: dict[str, list[Any]]
) -> tuple[int, int] | None:
    """The tokens of an example's first answer in one of its windows."""
    begins, ends = stripped_span(int(answer["answer_start"][0]), answer["text"][0])
    return token_span(features.offsets[window], begins, ends)


def pad_spans(tokenizer: PreTrainedTokenizerBase, rows: list[Row]) -> dict[str, torch.Tensor]:
    """A batch for the question-answering models of transformers, with labels as two vectors."""
    labels = torch.tensor([row["labels"] for row in rows])
    return pad_batch(tokenizer, rows) | {
        "start_positions": labels[:, 0],
        "end_positions": labels[:, 1],
    }


def span_loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The loss of a question-answering model on a batch of `pad_spans`, a scalar.

    The models' own loss includes padding in the softmax, so that it depends on the rest of the
    batch, and is computed in the precision of the weights. This one avoids both.
    """
    positions = ("start_positions", "end_positions")
    output = model(**{name: values for name, values in batch.items() if name not in positions})
    padding = batch["attention_mask"] == 0
    losses = [
        nn.functional.cross_entropy(logits.float().masked_fill(padding, -1e4), batch[name])
        for logits, name in zip((output.start_logits, output.end_logits), positions, strict=True)
    ]
    return torch.stack(losses).mean()


class SpanHead(nn.Module):
    """One linear layer: a logit for the start and one for the end of the answer."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.out = nn.Linear(hidden_size, 2)

    def forward(
        self, states: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """States [B, T, H], their mask and labels [B, 2] to logits [B, T, 2] and loss."""
        logits = self.out(states).float()
        logits = logits.masked_fill(attention_mask.unsqueeze(-1) == 0, -1e4)
        return {"logits": logits, "loss": nn.functional.cross_entropy(logits, labels)}


@dataclass(frozen=True)
class SpanQA:
    """The task kind, for intermediate training: one row per example, the window with its answer.

    With one row per example, languages with more tokens per word do not take more steps. If several
    windows contain the answer, the one with the most context on both sides is used. The metrics
    compare tokens within that window; the official metrics are for target tasks, whose models read
    all windows (`xltlib.evaluation.span_qa`).
    """

    settings: SpanQASettings
    metric = "window_f1"

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One unpadded row per example.

        Raises:
            InputError: an answer is not in its context, or does not fit into any window.
        """
        features = featurize(
            tokenizer, list(dataset["question"]), list(dataset["context"]), self.settings
        )
        answers = list(dataset["answers"])
        best: dict[int, tuple[int, Row]] = {}
        for window, example in enumerate(features.example.tolist()):
            answer = answers[example]
            if int(answer["answer_start"][0]) < 0:
                continue
            span = _answer_tokens(features, window, answer)
            if span is not None:
                inside = np.flatnonzero(features.offsets[window][:, 0] >= 0)
                room = min(span[0] - inside[0], inside[-1] - span[1])
                if example not in best or room > best[example][0]:
                    row = features.model_inputs(window) | {"labels": list(span)}
                    best[example] = (room, row)
        lost = [dataset["id"][i] for i in range(len(answers)) if i not in best]
        if lost:
            raise InputError(
                f"{number_of(len(lost), 'question')} cannot be used for training, e.g. {lost[0]}: "
                "the answer is not in the context or does not fit into a window. Leave such "
                "questions out, or lower span_qa.doc_stride."
            )
        return [best[i][1] for i in range(len(answers))]

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head, without dropout as in BERT's."""
        return SpanHead(hidden_size)

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Windows padded to whole blocks; labels [B, 2]."""
        labels = torch.tensor([row["labels"] for row in rows])
        return pad_batch(tokenizer, rows) | {"labels": labels}

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """First and last token of the best span and of the answer, as `first-last`."""
        spans = [_best_tokens(row) for row in logits]
        return [f"{a}-{b}" for a, b in spans], [f"{a}-{b}" for a, b in labels]

    def correct(self, prediction: str, gold: str) -> float:
        """F1 of predicted and gold tokens."""
        (a, b), (first, last) = (map(int, span.split("-")) for span in (prediction, gold))
        common = min(b, last) - max(a, first) + 1
        return 2 * common / (b - a + 1 + last - first + 1) if common > 0 else 0.0

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """Token F1 and exact match over the answer's window, in points."""
        pairs = list(zip(predictions, golds, strict=True))
        return {
            "window_f1": 100 * float(np.mean([self.correct(p, g) for p, g in pairs])),
            "window_em": 100 * float(np.mean([p == g for p, g in pairs])),
        }


def _best_tokens(logits: np.ndarray) -> tuple[int, int]:
    """The best span under logits [T, 2], among those that do not end before they begin."""
    total = np.triu(logits[:, 0][:, None] + logits[:, 1][None, :]) + np.tril(
        np.full((len(logits), len(logits)), -np.inf), -1
    )
    start, end = np.unravel_index(int(np.argmax(total)), total.shape)
    return int(start), int(end)


def make(setup: Setup) -> SpanQA:
    """The task kind for one corpus."""
    return SpanQA(setup.span_qa)


TASKS = {"qa": make}
