"""The interface of task kinds, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from xltlib.params import SpanQASettings

Row = dict[str, Any]
"""One example, tokenised and unpadded: the encoder's inputs, and `labels`.

An example that is too long for the model has several windows, one after another in the same lists,
and `windows` has their lengths.
"""

BLOCKS = ((64, 8), (128, 16))
"""Batches of up to 64 tokens are padded to multiples of 8, up to 128 to multiples of 16, and longer
ones to multiples of `BLOCK`. A process keeps memory for every new batch shape, so fewer shapes need
less memory, and matrix units compute in blocks; but in short batches wide blocks are mostly
padding."""
BLOCK = 32
PADDING = "multiples of 8 (up to 64 tokens), 16 (up to 128) or 32"
"""The same in words, for manifests."""


@dataclass(frozen=True)
class Setup:
    """What a task kind may need: the corpus's labels, and the maximal length of rows."""

    labels: tuple[str, ...] = ()
    max_length: int = 128
    span_qa: SpanQASettings = field(default_factory=SpanQASettings)


class TaskKind(Protocol):
    """A task kind: everything that training and scoring need."""

    metric: str
    """The name of the task's main metric, in points (0-100)."""

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One row per example, in order."""

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head: (states [B, T, H], attention mask [B, T], labels) to logits and loss."""

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Pad to whole blocks (`pad_batch`); labels under `labels`."""

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """The model's prediction and the gold for each example, as text that can be saved."""

    def correct(self, prediction: str, gold: str) -> float:
        """The score of one example, in [0, 1]."""

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """The official metrics over all examples, in points; the lists come from `readable`."""


def pad_batch(
    tokenizer: PreTrainedTokenizerBase, rows: list[Row], limit: int | None = None
) -> dict[str, torch.Tensor]:
    """The encoder's inputs for some rows, as int64 tensors [B, T] padded to whole blocks.

    Padding is always on the right, whatever the tokenizer's setting, because labels count from the
    left. An attack pads thousands of texts a minute, so this fills arrays: the tokenizer's own
    method takes five times as long.

    Args:
        limit: the largest T; None for the tokenizer's own.
    """
    longest = max(len(row["input_ids"]) for row in rows)
    width = padded_length(longest, limit or tokenizer.model_max_length)
    fills = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    batch = {}
    for name in rows[0]:
        if name != "labels":
            padded = np.full((len(rows), width), fills.get(name, 0), dtype=np.int64)
            for i, row in enumerate(rows):
                padded[i, : len(row[name])] = row[name]
            batch[name] = torch.from_numpy(padded)
    return batch


def padded_length(tokens: int, limit: int | None = None) -> int:
    """The longest row's tokens, rounded up to whole blocks within the model's limit (if any)."""
    block = next((size for most, size in BLOCKS if tokens <= most), BLOCK)
    blocks = -(-tokens // block) * block
    return max(tokens, min(blocks, limit or blocks))


def windows(row: Row) -> list[Row]:
    """The windows of a row, each as a row."""
    if "windows" not in row:
        return [row]
    ends = np.cumsum(row["windows"])
    return [
        {name: values[end - size : end] for name, values in row.items() if name != "windows"}
        for size, end in zip(row["windows"], ends, strict=True)
    ]


def per_row(output: np.ndarray, rows: list[Row]) -> list[np.ndarray]:
    """A batch's output by row, with the windows of a row one after another, without padding."""
    found, first = [], 0
    for row in rows:
        sizes = row.get("windows")
        if sizes is None:
            found.append(output[first])
        else:
            parts = [output[first + i, :size] for i, size in enumerate(sizes)]
            found.append(np.concatenate(parts))
        first += len(sizes or [None])
    return found


def length(row: Row) -> int:
    """The number of tokens of a row, or of its longest window or choice."""
    if "windows" in row:
        return max(row["windows"])
    ids = row["input_ids"]
    return max(map(len, ids)) if isinstance(ids[0], list) else len(ids)


def lengths(rows: Sequence[Row]) -> list[int]:
    """The number of tokens of each row (`length`)."""
    return [length(row) for row in rows]
