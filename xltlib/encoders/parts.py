"""The parts of a model, whatever its heads."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel

AnyModel = TypeVar("AnyModel", bound=nn.Module)


def base_encoder(model: nn.Module) -> PreTrainedModel:
    """The encoder of a model with a head from transformers or from this project."""
    found = next(part for part in model.modules() if isinstance(part, PreTrainedModel))
    base = found.base_model
    assert isinstance(base, PreTrainedModel)
    return base


def word_embeddings(model: nn.Module) -> nn.Embedding:
    """The word embeddings of a model's encoder."""
    embeddings = base_encoder(model).get_input_embeddings()
    assert isinstance(embeddings, nn.Embedding)
    return embeddings


def on_device(model: AnyModel, device: torch.device | str) -> AnyModel:
    """The same model, moved to a device (transformers' own `to` has no types)."""
    return nn.Module.to(model, device)
