"""The parts of a model, whatever its heads."""

from __future__ import annotations

import inspect
from typing import TypeVar

import torch
from torch import nn
from transformers import MODEL_MAPPING, PreTrainedConfig, PreTrainedModel

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


def takes_token_types(config: PreTrainedConfig) -> bool:
    """Whether a model distinguishes question and context by token types."""
    if getattr(config, "type_vocab_size", 2) < 2 or type(config) not in MODEL_MAPPING:
        return False
    found = MODEL_MAPPING[type(config)]
    kinds = found if isinstance(found, tuple) else (found,)
    return all(
        kind is not None and "token_type_ids" in inspect.signature(kind.forward).parameters
        for kind in kinds
    )
