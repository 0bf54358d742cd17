"""One encoder with a head for each intermediate task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from datasets import Dataset
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from xltlib.artifacts import InputError
from xltlib.params import EncoderSettings


class TaskKind(Protocol):
    """What a task kind offers; `xltlib.tasks` has one class a kind."""

    labels: tuple[str, ...]

    def rows(
        self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset, max_length: int
    ) -> list[dict]: ...

    def head(self, hidden_size: int, dropout: float) -> nn.Module: ...

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[dict]
    ) -> dict[str, torch.Tensor]: ...

    def metrics(self, logits: list[np.ndarray], labels: list) -> dict[str, float]: ...


def load_pretrained(
    auto_class: type[AutoModel], folder: Path, settings: EncoderSettings
) -> PreTrainedModel:
    """Load an encoder, with or without a task head, as the params want it trained.

    Raises:
        InputError: the folder's files are damaged or not of a model that can do the task.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if settings.attention_dropout is not None:
        # BERT and XLM-R say it in one word, XLM in another.
        for name in ("attention_probs_dropout_prob", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, settings.attention_dropout)
    try:
        with _without_load_report():
            model, report = auto_class.from_pretrained(
                folder, config=config, local_files_only=True, output_loading_info=True
            )
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder}: the encoder cannot be loaded: {error}") from error
    # A new head is expected, a new encoder is not; poolers are not used.
    inside = "" if model.base_model is model else f"{model.base_model_prefix}."
    lost = [
        name
        for name in sorted(report["missing_keys"])
        if name.startswith(inside) and "pooler" not in name
    ]
    if lost:
        raise InputError(f"{folder}: the weights lack {len(lost)} tensors, e.g. {lost[0]}.")
    if settings.freeze_word_embeddings:
        model.get_input_embeddings().weight.requires_grad_(False)
    return model


@contextmanager
def _without_load_report() -> Iterator[None]:
    """Without the table of new and unused weights: what matters in it is checked here."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


class MultiTaskModel(nn.Module):
    """A shared encoder; each batch names the task whose head answers it."""

    def __init__(self, encoder: PreTrainedModel, tasks: dict[str, TaskKind]) -> None:
        super().__init__()
        self.encoder = encoder
        config = encoder.config
        dropout = getattr(config, "hidden_dropout_prob", getattr(config, "dropout", 0.1))
        self.heads = nn.ModuleDict(
            {name: task.head(config.hidden_size, dropout) for name, task in tasks.items()}
        )

    def forward(
        self, task: str, labels: torch.Tensor | None = None, **inputs: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Logits of one task's head, and its loss where the batch is labelled."""
        states = self.encoder(**inputs).last_hidden_state
        return self.heads[task](states, inputs["attention_mask"], labels)

    @torch.inference_mode()
    def evaluate(
        self,
        name: str,
        task: TaskKind,
        tokenizer: PreTrainedTokenizerBase,
        dataset: Dataset,
        max_length: int,
        batch_size: int = 32,
    ) -> dict[str, float]:
        """The task's metrics on one labelled set."""
        self.eval()
        device = self.encoder.device
        rows = task.rows(tokenizer, dataset, max_length)
        logits: list[np.ndarray] = []
        for first in range(0, len(rows), batch_size):
            batch = task.collate(tokenizer, rows[first : first + batch_size])
            del batch["labels"]
            batch = {key: value.to(device) for key, value in batch.items()}
            logits.extend(self(name, **batch)["logits"].cpu().numpy())
        return task.metrics(logits, [row["labels"] for row in rows])
