"""Classification of sentence pairs (NLI, paraphrase): features, head, collator, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from xltlib.tasks.kind import Row, Setup, pad_batch


class PooledHead(nn.Module):
    """Mean of the token states, a tanh layer, dropout, and a linear layer.

    The mean is used instead of the first token, whose state is uninformative in an encoder trained
    without a sentence objective; short training cannot make up for that. With one output, each
    sequence gets a score, and consecutive sequences are the choices of one example. A sequence of
    one token is not a choice, because real ones begin and end with special tokens.
    """

    def __init__(self, hidden_size: int, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, n_outputs)

    def forward(
        self, states: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """States [B * C, T, H], their mask and labels [B] to logits [B, classes or C] and loss."""
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        logits = self.out(self.dropout(torch.tanh(self.dense(mean)))).float()
        if self.out.out_features == 1:
            absent = attention_mask.sum(1, keepdim=True) < 2
            logits = logits.masked_fill(absent, torch.finfo(logits.dtype).min)
        logits = logits.reshape(len(labels), -1)
        return {"logits": logits, "loss": nn.functional.cross_entropy(logits, labels)}


@dataclass(frozen=True)
class Classification:
    """The task kind; `labels` names the classes in the order of their integers."""

    labels: tuple[str, ...]
    max_length: int = 128
    metric = "accuracy"

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One unpadded row per example; the longer text is truncated first."""
        coded = tokenizer(
            list(dataset["sentence1"]),
            list(dataset["sentence2"]),
            truncation="longest_first",
            max_length=self.max_length,
        )
        return [
            {name: coded[name][i] for name in coded} | {"labels": int(label)}
            for i, label in enumerate(dataset["label"])
        ]

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head."""
        return PooledHead(hidden_size, len(self.labels), dropout)

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Pad to whole blocks; labels [B]."""
        labels = torch.tensor([row["labels"] for row in rows])
        return pad_batch(tokenizer, rows) | {"labels": labels}

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """The names of the likeliest and the gold classes."""
        predictions = [self.labels[int(np.argmax(row))] for row in logits]
        return predictions, [self.labels[label] for label in labels]

    def correct(self, prediction: str, gold: str) -> float:
        """1.0 if the class is right, else 0.0."""
        return float(prediction == gold)

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """Accuracy in points."""
        return accuracy(predictions, golds)


def accuracy(predictions: list[str], golds: list[str]) -> dict[str, float]:
    """The share of predictions that are right, in points."""
    return {
        "accuracy": 100 * float(np.mean([p == g for p, g in zip(predictions, golds, strict=True)]))
    }


def make(setup: Setup) -> Classification:
    """The task kind for one corpus."""
    return Classification(setup.labels, setup.max_length)


TASKS = {"classification": make}
