"""Token tagging, such as part of speech: features, head, collator, metrics."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from seqeval.metrics import f1_score
from torch import nn
from transformers import PreTrainedTokenizerBase

from xltlib.tasks.kind import Row, Setup, pad_batch

IGNORED = -100  # the label that PyTorch's cross entropy leaves out


class TokenHead(nn.Module):
    """Dropout and one linear layer on every token state."""

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, n_labels)

    def forward(
        self, states: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """States [B, T, H] and labels [B, T] to logits [B, T, tags] and loss."""
        del attention_mask  # padding carries no label
        logits = self.out(self.dropout(states)).float()
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
        )
        return {"logits": logits, "loss": loss}


@dataclass(frozen=True)
class Tagging:
    """The task kind; a word's first token carries its tag, as in XTREME."""

    labels: tuple[str, ...]
    max_length: int = 128
    metric = "f1"

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One unpadded row a sentence; words beyond `max_length` tokens are cut."""
        index = {label: i for i, label in enumerate(self.labels)}
        coded = tokenizer(
            [list(tokens) for tokens in dataset["tokens"]],
            is_split_into_words=True,
            truncation=True,
            max_length=self.max_length,
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
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Pad to the longest row of the batch; padding carries no label."""
        batch = pad_batch(tokenizer, rows)
        labels = torch.full(batch["input_ids"].shape, IGNORED)
        for i, row in enumerate(rows):
            labels[i, : len(row["labels"])] = torch.tensor(row["labels"])
        return batch | {"labels": labels}

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """Predicted and gold tags of each sentence's words, with spaces between them."""
        predicted, gold = [], []
        for row, tags in zip(logits, labels, strict=True):
            kept = [(int(np.argmax(p)), t) for p, t in zip(row, tags, strict=False) if t != IGNORED]
            predicted.append(" ".join(self.labels[p] for p, _ in kept))
            gold.append(" ".join(self.labels[t] for _, t in kept))
        return predicted, gold

    def correct(self, prediction: str, gold: str) -> float:
        """The share of a sentence's words with the right tag."""
        pairs = zip(prediction.split(), gold.split(), strict=True)
        return float(np.mean([p == g for p, g in pairs]))

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """seqeval's F1, and word accuracy, in points.

        XTREME scores both of its tagging tasks by seqeval's F1: entities for NER, and for parts of
        speech, whose tags have no B and I, runs of the same tag.
        """
        predicted, gold = ([tags.split() for tags in side] for side in (predictions, golds))
        hits = [
            p == g
            for sentence in zip(predicted, gold, strict=True)
            for p, g in zip(*sentence, strict=True)
        ]
        with warnings.catch_warnings():
            # It warns of tags that are not BIO, and where a class was never predicted.
            warnings.simplefilter("ignore")
            f1 = 100 * float(f1_score(gold, predicted))
        return {"f1": f1, "accuracy": 100 * float(np.mean(hits))}


def make(setup: Setup) -> Tagging:
    """For one corpus."""
    return Tagging(setup.labels, setup.max_length)


TASKS = {"tagging": make}
