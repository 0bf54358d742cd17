"""Token tagging, such as part of speech: features, head, collator, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from seqeval.metrics import f1_score
from torch import nn
from transformers import PreTrainedTokenizerBase

IGNORED = -100  # the label that PyTorch's cross entropy leaves out


class TokenHead(nn.Module):
    """Dropout and one linear layer on every token state."""

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, n_labels)

    def forward(
        self, states: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None
    ) -> dict[str, torch.Tensor]:
        """States [B, T, H] to logits [B, T, labels], with the loss if labelled."""
        del attention_mask  # padding carries no label
        logits = self.out(self.dropout(states)).float()
        result = {"logits": logits}
        if labels is not None:
            result["loss"] = nn.functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
            )
        return result


@dataclass(frozen=True)
class Tagging:
    """The task kind; a word's first token carries its tag, as in XTREME."""

    labels: tuple[str, ...]

    def rows(
        self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """One unpadded row a sentence; words beyond `max_length` tokens are cut."""
        index = {label: i for i, label in enumerate(self.labels)}
        coded = tokenizer(
            [list(tokens) for tokens in dataset["tokens"]],
            is_split_into_words=True,
            truncation=True,
            max_length=max_length,
        )
        rows = []
        for i, tags in enumerate(dataset["tags"]):
            labels, previous = [], None
            for word in coded.word_ids(i):
                first = word is not None and word != previous
                labels.append(index[tags[word]] if first else IGNORED)
                previous = word
            rows.append({name: coded[name][i] for name in coded} | {"labels": labels})
        return rows

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head."""
        return TokenHead(hidden_size, len(self.labels), dropout)

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, Any]]
    ) -> dict[str, torch.Tensor]:
        """Pad to the longest row of the batch; padding carries no label."""
        inputs = [{k: v for k, v in row.items() if k != "labels"} for row in rows]
        batch = dict(tokenizer.pad(inputs, return_tensors="pt"))
        labels = torch.full(batch["input_ids"].shape, IGNORED)
        for i, row in enumerate(rows):
            labels[i, : len(row["labels"])] = torch.tensor(row["labels"])
        return batch | {"labels": labels}

    def metrics(self, logits: list[np.ndarray], labels: list[Any]) -> dict[str, float]:
        """Token accuracy in points, and for BIO tags the entity F1 of seqeval, in points."""
        predicted, gold = [], []
        for row, tags in zip(logits, labels, strict=True):
            kept = [(int(np.argmax(p)), t) for p, t in zip(row, tags, strict=False) if t != IGNORED]
            predicted.append([self.labels[p] for p, _ in kept])
            gold.append([self.labels[t] for _, t in kept])
        hits = [
            p == g
            for ps, gs in zip(predicted, gold, strict=True)
            for p, g in zip(ps, gs, strict=True)
        ]
        result = {"accuracy": 100 * float(np.mean(hits))}
        if "O" in self.labels:
            result["entity_f1"] = 100 * float(f1_score(gold, predicted))
        return result
