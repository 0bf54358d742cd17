"""The parts of a model, whatever its heads."""

from __future__ import annotations

import inspect
from typing import TypeVar

import torch
from torch import nn
from transformers import MODEL_MAPPING, PreTrainedConfig, PreTrainedModel

from xltlib.artifacts import InputError
from xltlib.text_files import number_of

AnyModel = TypeVar("AnyModel", bound=nn.Module)


def base_encoder(model: nn.Module) -> PreTrainedModel:
    """The encoder of a model with a head from transformers or from this project."""
    found = next(part for part in model.modules() if isinstance(part, PreTrainedModel))
    base = found.base_model
    assert isinstance(base, PreTrainedModel)
    return base


def word_embeddings(model: nn.Module) -> nn.Embedding:
    """The word embeddings of a model's encoder.

    Raises:
        InputError: they are of another type.
    """
    encoder = base_encoder(model)
    embeddings = encoder.get_input_embeddings()
    if not isinstance(embeddings, nn.Embedding):
        raise InputError(
            f"{type(encoder).__name__}: its word embeddings are not an nn.Embedding, and cannot be "
            "perturbed or compared. Use another encoder."
        )
    return embeddings


def first_layers(model: nn.Module, count: int) -> list[nn.Parameter]:
    """The weights of a model's embeddings and of the first layers of its encoder.

    Weights that layers share (such as DeBERTa's relative positions) are not among them.

    Raises:
        InputError: the encoder has fewer layers, or all its layers have the same weights.
    """
    encoder = base_encoder(model)
    layers = encoder.config.num_hidden_layers
    # XLM keeps the parts of its layers in several lists.
    stacks = [
        f"{name}."
        for name, part in encoder.named_modules()
        if isinstance(part, nn.ModuleList) and len(part) == layers
    ]
    kind = encoder.config.model_type
    if not stacks:
        raise InputError(
            f"frozen_layers: the layers of this {kind} have no weights of their own; leave it out."
        )
    if count > layers:
        raise InputError(
            f"frozen_layers: {count}, but this {kind} has {number_of(layers, 'layer')}; freeze no "
            "more than it has."
        )
    found, below = [], True
    for name, weight in encoder.named_parameters():
        stack = next((stack for stack in stacks if name.startswith(stack)), None)
        below &= stack is None
        if below or (stack and int(name.removeprefix(stack).split(".")[0]) < count):
            found.append(weight)
    return found


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
