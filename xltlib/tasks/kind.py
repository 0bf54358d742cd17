"""What every task kind offers, and what it is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from xltlib.params import SpanQASettings

Row = dict[str, Any]
"""One example, tokenised and unpadded: the encoder's inputs, and `labels`."""


@dataclass(frozen=True)
class Setup:
    """What a task kind may need to know: the corpus's labels, and how long its rows may be."""

    labels: tuple[str, ...] = ()
    max_length: int = 128
    span_qa: SpanQASettings = field(default_factory=SpanQASettings)


class TaskKind(Protocol):
    """A task kind: everything that training and scoring need to know of it."""

    metric: str
    """The name of the metric that speaks for the task, in points (0-100)."""

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One row an example, in order."""

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head: (states [B, T, H], attention mask [B, T], labels) to logits and loss."""

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Pad to the longest row of the batch; labels under `labels`."""

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """What the model says of each example, and the gold, as text that can be kept."""

    def correct(self, prediction: str, gold: str) -> float:
        """How right one example is, in [0, 1]."""

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """The official metrics over all examples, in points; lists as `readable` gives them."""


def pad_batch(tokenizer: PreTrainedTokenizerBase, rows: list[Row]) -> dict[str, torch.Tensor]:
    """The encoder's inputs of rows as tensors [B, T], padded to the longest.

    Padding stands on the right whatever the tokenizer says, because labels count from the left.
    """
    inputs = [{k: v for k, v in row.items() if k != "labels"} for row in rows]
    return dict(tokenizer.pad(inputs, padding_side="right", return_tensors="pt"))


def length(row: Row) -> int:
    """Tokens of a row; of its longest choice where it has several."""
    ids = row["input_ids"]
    return max(map(len, ids)) if isinstance(ids[0], list) else len(ids)
