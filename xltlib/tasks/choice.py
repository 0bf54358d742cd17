"""Multiple choice (XCOPA, SIQa): one score per choice, and the highest wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from xltlib.tasks.classification import PooledHead, accuracy
from xltlib.tasks.kind import Row, Setup, pad_batch


@dataclass(frozen=True)
class MultipleChoice:
    """The task kind. Each choice is read as a pair of texts: the premise, and the question followed
    by the choice."""

    max_length: int = 128
    metric = "accuracy"

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One unpadded row per example; its inputs are lists with one item per choice."""
        rows = []
        for example in dataset:
            coded = tokenizer(
                [example["premise"]] * len(example["choices"]),
                [f"{example['question']} {choice}" for choice in example["choices"]],
                truncation="longest_first",
                max_length=self.max_length,
            )
            rows.append({name: coded[name] for name in coded} | {"labels": int(example["label"])})
        return rows

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head. It does not depend on the number of choices, so a model trained on SIQa
        (three) can answer XCOPA (two)."""
        return PooledHead(hidden_size, 1, dropout)

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Inputs [B * C, T], with the choices of an example one after another; labels [B].

        If an example has fewer choices than others, each missing one is a sequence of one token, to
        which the head gives no probability.
        """
        names = [name for name in rows[0] if name != "labels"]
        most = max(len(row["input_ids"]) for row in rows)
        flat = [
            {name: row[name][i] if i < len(row[name]) else row[name][0][:1] for name in names}
            for row in rows
            for i in range(most)
        ]
        labels = torch.tensor([row["labels"] for row in rows])
        return pad_batch(tokenizer, flat) | {"labels": labels}

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """The numbers, from 0, of the best and the gold choices."""
        return [str(int(np.argmax(row))) for row in logits], [str(label) for label in labels]

    def correct(self, prediction: str, gold: str) -> float:
        """1.0 if the choice is right, else 0.0."""
        return float(prediction == gold)

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """Accuracy in points."""
        return accuracy(predictions, golds)


def make(setup: Setup) -> MultipleChoice:
    """The task kind for one corpus."""
    return MultipleChoice(setup.max_length)


TASKS = {"choice": make}
