"""Robust training of Robust-XLT (Huang et al. 2021): losses under perturbed word embeddings.

A method turns "the loss of this batch" into another loss; it needs to know neither the task nor the
encoder. It is given `loss`, a function of a perturbation (or None) to the batch's loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

Loss = Callable[[torch.Tensor | None], torch.Tensor]


class RobustMethod(Protocol):
    """One robust training method."""

    def __call__(self, loss: Loss, shape: EmbeddingShape, seed: int) -> torch.Tensor: ...


@dataclass(frozen=True)
class RobustTraining:
    """A method that perturbs embeddings, and the tokens that it must leave alone."""

    method: RobustMethod
    special_ids: list[int]


class EmbeddingShape:
    """Where a batch may be perturbed.

    `real` is a bool tensor [B, T]: the tokens of the texts, neither padding nor special tokens;
    `size` is the width of an embedding.
    """

    def __init__(self, real: torch.Tensor, size: int) -> None:
        self.real = real
        self.size = size


def embedding_shape(
    model: nn.Module, inputs: dict[str, torch.Tensor], special_ids: list[int]
) -> EmbeddingShape:
    """The shape of a tokenised batch."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
    special = torch.isin(ids, torch.tensor(special_ids, device=ids.device))
    return EmbeddingShape(mask & ~special, word_embeddings(model).embedding_dim)


def word_embeddings(model: nn.Module) -> nn.Embedding:
    """The word embeddings of a model with or without a task's heads around its encoder."""
    encoder = getattr(model, "encoder", model)
    getter = model if hasattr(model, "get_input_embeddings") else encoder
    return getter.get_input_embeddings()


@contextmanager
def perturbed(model: nn.Module, perturbation: torch.Tensor | None) -> Iterator[None]:
    """Add a tensor [B, T, H] to the word embeddings of every forward pass inside the block."""
    if perturbation is None:
        yield
        return
    handle = word_embeddings(model).register_forward_hook(
        lambda module, inputs, output: output + perturbation.to(output.dtype)
    )
    try:
        yield
    finally:
        handle.remove()


def robust_loss(
    robust: RobustTraining | None,
    model: nn.Module,
    inputs: dict[str, Any],
    seed: int,
    forward: Callable[[dict[str, Any]], torch.Tensor],
) -> torch.Tensor:
    """The loss of a batch under a method, or the plain one without any.

    Args:
        forward: the plain loss of a batch; it may take keys out of what it is given.
    """
    if robust is None:
        return forward(dict(inputs))

    def loss(perturbation: torch.Tensor | None) -> torch.Tensor:
        with perturbed(model, perturbation):
            return forward(dict(inputs))

    return robust.method(loss, embedding_shape(model, inputs, robust.special_ids), seed)


def into_ball(perturbation: torch.Tensor, radius: float) -> torch.Tensor:
    """Project each token's perturbation onto the L2 ball of `radius`."""
    norm = perturbation.norm(dim=-1, keepdim=True)
    return perturbation * (radius / norm.clamp_min(1e-12)).clamp(max=1.0)


def uniform_in_ball(
    shape: EmbeddingShape, radius: float, generator: torch.Generator
) -> torch.Tensor:
    """Uniform draws from the L2 ball, one a real token, zero elsewhere: [B, T, H] float32.

    A direction is uniform when its coordinates are normal, and a radius u^(1/H) makes the volume
    uniform (Muller 1959).
    """
    size = (*shape.real.shape, shape.size)
    direction = torch.randn(size, generator=generator)
    direction /= direction.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    lengths = torch.rand((*shape.real.shape, 1), generator=generator) ** (1 / shape.size)
    draw = (radius * lengths * direction).to(shape.real.device)
    return draw * shape.real.unsqueeze(-1)
