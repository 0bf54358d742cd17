"""Sequence-pair classification, such as NLI: features, head, collator, accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

NLI_LABELS = ("entailment", "neutral", "contradiction")


class PooledHead(nn.Module):
    """Mean of the token states, a tanh layer, dropout, a linear layer.

    The mean serves every encoder alike; a first-token state carries nothing in encoders that were
    pretrained without a sentence objective, which short intermediate training cannot make up for.
    """

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, n_labels)

    def forward(
        self, states: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None
    ) -> dict[str, torch.Tensor]:
        """States [B, T, H] and mask [B, T] to logits [B, labels], with the loss if labelled."""
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        logits = self.out(self.dropout(torch.tanh(self.dense(mean)))).float()
        result = {"logits": logits}
        if labels is not None:
            result["loss"] = nn.functional.cross_entropy(logits, labels)
        return result


@dataclass(frozen=True)
class SequenceClassification:
    """The task kind; `labels` names the classes in the order of their integers."""

    labels: tuple[str, ...] = NLI_LABELS

    def rows(
        self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """One unpadded row an example; the longer text is cut first."""
        coded = tokenizer(
            list(dataset["premise"]),
            list(dataset["hypothesis"]),
            truncation="longest_first",
            max_length=max_length,
        )
        return [
            {name: coded[name][i] for name in coded} | {"labels": int(label)}
            for i, label in enumerate(dataset["label"])
        ]

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head."""
        return PooledHead(hidden_size, len(self.labels), dropout)

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, Any]]
    ) -> dict[str, torch.Tensor]:
        """Pad to the longest row of the batch."""
        inputs = [{k: v for k, v in row.items() if k != "labels"} for row in rows]
        batch = dict(tokenizer.pad(inputs, return_tensors="pt"))
        return batch | {"labels": torch.tensor([row["labels"] for row in rows])}

    def metrics(self, logits: list[np.ndarray], labels: list[Any]) -> dict[str, float]:
        """Accuracy in points."""
        hits = [int(np.argmax(row)) == label for row, label in zip(logits, labels, strict=True)]
        return {"accuracy": 100 * float(np.mean(hits))}
