"""One encoder with a head for each of its tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.encoders.opening import open_model
from xltlib.encoders.parts import first_layers, word_embeddings
from xltlib.encoders.reading import reading
from xltlib.params import EncoderSettings, Precision
from xltlib.tasks.kind import Row, TaskKind, length, per_row

HEADS = "heads.safetensors"


def load_pretrained(
    auto_class: Any,
    folder: Path,
    settings: EncoderSettings,
    tokenizer: PreTrainedTokenizerBase | None = None,
    frozen_layers: int | None = None,
) -> PreTrainedModel:
    """Load an encoder, with or without a new task head, for training as set in the params.

    Raises:
        InputError: the folder's files are damaged, the model cannot do the task, or it has too few
            layers.
    """
    dropout = settings.attention_dropout
    model = open_model(auto_class, folder, tokenizer, new_head=True, attention_dropout=dropout)
    if settings.freeze_word_embeddings:
        word_embeddings(model).weight.requires_grad_(False)
    if frozen_layers is not None:
        for weight in first_layers(model, frozen_layers):
            weight.requires_grad_(False)
    return model


class MultiTaskModel(nn.Module):
    """A shared encoder with heads; each batch names the task whose head is used."""

    def __init__(self, encoder: PreTrainedModel, tasks: dict[str, TaskKind]) -> None:
        super().__init__()
        self.encoder = encoder
        self.tasks = tasks
        config = encoder.config
        dropout = getattr(config, "hidden_dropout_prob", getattr(config, "dropout", 0.1))
        self.heads = nn.ModuleDict(
            {name: task.head(config.hidden_size, dropout) for name, task in tasks.items()}
        )

    def forward(
        self, task: str, labels: torch.Tensor, **inputs: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Logits and loss of one task's head."""
        states = self.encoder(**inputs).last_hidden_state
        return self.heads[task](states, inputs["attention_mask"], labels)

    def save(self, folder: Path) -> None:
        """Save the encoder, for transformers to load, and the heads beside it."""
        self.encoder.save_pretrained(folder)
        save_file(self.heads.state_dict(), folder / HEADS)

    @classmethod
    def load(cls, folder: Path, tasks: dict[str, TaskKind]) -> MultiTaskModel:
        """A model that `save` wrote.

        Raises:
            InputError: the folder has none, or heads for other tasks.
        """
        model = cls(load_pretrained(AutoModel, folder, EncoderSettings()), tasks)
        try:
            model.heads.load_state_dict(load_file(folder / HEADS))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"{folder / HEADS}: not the heads of {', '.join(tasks)} ({error}). Train the model "
                "again."
            ) from error
        return model.eval()

    @torch.inference_mode()
    def logits(
        self,
        task: str,
        tokenizer: PreTrainedTokenizerBase,
        rows: list[Row],
        *,
        batch_size: int = 32,
        precision: Precision = "float32",
    ) -> list[np.ndarray]:
        """A task's logits for each row, in order, including padding.

        Rows of similar length share a batch, so little is computed on padding.
        """
        was_training = self.training
        self.eval()
        device = self.encoder.device
        order = sorted(range(len(rows)), key=lambda i: -length(rows[i]))
        found: dict[int, np.ndarray] = {}
        for first in range(0, len(order), batch_size):
            chosen = order[first : first + batch_size]
            batch = self.tasks[task].collate(tokenizer, [rows[i] for i in chosen])
            batch = {key: value.to(device) for key, value in batch.items()}
            with reading(self, precision):
                output = self(task, **batch)["logits"]
            by_row = per_row(output.cpu().numpy(), [rows[i] for i in chosen])
            found |= dict(zip(chosen, by_row, strict=True))
        self.train(was_training)
        return [found[i] for i in range(len(rows))]

    def score(
        self, task: str, tokenizer: PreTrainedTokenizerBase, dataset: Dataset, **options: Any
    ) -> dict[str, float]:
        """A task's official metrics on a labelled set, in points; `options` as for `logits`."""
        kind = self.tasks[task]
        rows = kind.rows(tokenizer, dataset)
        logits = self.logits(task, tokenizer, rows, **options)
        return kind.metrics(*kind.readable(logits, [row["labels"] for row in rows]))
