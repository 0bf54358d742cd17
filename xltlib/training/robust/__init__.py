"""Robust training after Robust-XLT (Huang et al. 2021): losses under perturbed representations.

A method chooses the perturbations under which a batch's loss is computed; it depends on neither the
task nor the encoder. Lengths are relative: 1 is the L2 norm of the perturbed vector at that token.
The paper speaks of contextual embedding spaces and publishes no code for this part, so the
perturbed representations are a setting: the word embeddings, or the last hidden states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import nn

from xltlib.artifacts import InputError
from xltlib.encoders.parts import base_encoder, word_embeddings

Loss = Callable[[torch.Tensor | None], torch.Tensor]
"""Maps a perturbation [B, T, H] in units of each token's norm, or None, to the batch's loss."""
Where = Literal["embeddings", "states"]


class RobustMethod(Protocol):
    """One robust training method."""

    def perturbations(self, loss: Loss, shape: EmbeddingShape, seed: int) -> Iterable[torch.Tensor]:
        """The perturbations [B, T, H] whose losses training averages."""


@dataclass(frozen=True)
class RobustTraining:
    """A method, what it perturbs, and the tokens that it must not perturb."""

    method: RobustMethod
    special_ids: list[int]
    where: Where = "embeddings"


class EmbeddingShape:
    """Where a batch may be perturbed.

    `real` is a bool tensor [B, T]: the tokens of the texts, neither padding nor special tokens;
    `size` is the width of what is perturbed.
    """

    def __init__(self, real: torch.Tensor, size: int) -> None:
        self.real = real
        self.size = size


def embedding_shape(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    special_ids: list[int],
    where: Where = "embeddings",
) -> EmbeddingShape:
    """The shape of a tokenised batch."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
    special = torch.isin(ids, torch.tensor(special_ids, device=ids.device))
    words = where == "embeddings"
    size = word_embeddings(model).embedding_dim if words else base_encoder(model).config.hidden_size
    return EmbeddingShape(mask & ~special, size)


@contextmanager
def perturbed(
    model: nn.Module,
    perturbation: torch.Tensor | None,
    *,
    where: Where = "embeddings",
    relative: bool = False,
) -> Iterator[None]:
    """Add a tensor [B, T, H] to the representations in every forward pass inside the block.

    Args:
        relative: the tensor is in units of the norm of what it is added to, token by token.

    Raises:
        InputError: the model does not compute with these representations, so that nothing would be
            perturbed.
    """
    if perturbation is None:
        yield
        return

    reached = False

    def moved(states: torch.Tensor) -> torch.Tensor:
        nonlocal reached
        reached = True
        unit = states.detach().norm(dim=-1, keepdim=True) if relative else 1.0
        return states + (perturbation * unit).to(states.dtype)

    def of_encoder(module: nn.Module, inputs: Any, output: Any) -> Any:
        if "last_hidden_state" not in output:
            return output
        output.last_hidden_state = moved(output.last_hidden_state)
        return output

    if where == "embeddings":
        handle = word_embeddings(model).register_forward_hook(
            lambda module, inputs, output: moved(output)
        )
    else:
        handle = base_encoder(model).register_forward_hook(of_encoder)
    try:
        yield
    finally:
        handle.remove()
    if not reached:
        raise InputError(
            f"{type(base_encoder(model)).__name__}: its {where} cannot be perturbed, because the "
            "model does not compute with them. Use another encoder, or a method without "
            "perturbations."
        )


def robust_loss(
    robust: RobustTraining | None,
    model: nn.Module,
    inputs: dict[str, Any],
    seed: int,
    forward: Callable[[dict[str, Any]], torch.Tensor],
) -> torch.Tensor:
    """The loss of a batch under a method, or the plain loss without one.

    Args:
        forward: computes the plain loss of a batch; it may remove keys from its argument.
    """
    if robust is None:
        return forward(dict(inputs))

    def loss(perturbation: torch.Tensor | None) -> torch.Tensor:
        with perturbed(model, perturbation, where=robust.where, relative=True):
            return forward(dict(inputs))

    shape = embedding_shape(model, inputs, robust.special_ids, robust.where)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return mean_loss(loss, robust.method.perturbations(loss, shape, seed), trained)


def mean_loss(
    loss: Loss, perturbations: Iterable[torch.Tensor], weights: Sequence[nn.Parameter]
) -> torch.Tensor:
    """The mean loss over perturbations, with only one graph in memory at a time.

    The gradient of each loss except the last is computed immediately and added when the result is
    differentiated, so the result acts as an ordinary mean in the caller's `backward`.
    """
    draws = iter(perturbations)
    total, count = loss(next(draws)), 1
    gradients: Sequence[torch.Tensor | None] | None = None
    for perturbation in draws:
        found = torch.autograd.grad(total, weights, allow_unused=True)
        gradients = found if gradients is None else _added(gradients, found)
        total = total.detach() + loss(perturbation)
        count += 1
    if gradients is not None:
        total = _WithGradients.apply(total, gradients, *weights)
    return total / count


def _added(
    first: Sequence[torch.Tensor | None], second: Sequence[torch.Tensor | None]
) -> list[torch.Tensor | None]:
    return [
        b if a is None else a if b is None else a + b for a, b in zip(first, second, strict=True)
    ]


class _WithGradients(torch.autograd.Function):
    """A loss with a known gradient added to that of its graph."""

    @staticmethod
    def forward(
        ctx: Any, loss: torch.Tensor, gradients: Sequence[Any], *weights: torch.Tensor
    ) -> torch.Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[Any, ...]:
        known = (None if g is None else g * upstream.to(g.dtype) for g in ctx.gradients)
        return (upstream, None, *known)


def into_ball(perturbation: torch.Tensor, radius: float) -> torch.Tensor:
    """Project each token's perturbation onto the L2 ball of `radius`."""
    norm = perturbation.norm(dim=-1, keepdim=True)
    return perturbation * (radius / norm.clamp_min(1e-12)).clamp(max=1.0)


def uniform_in_ball(
    shape: EmbeddingShape, radius: float, generator: torch.Generator
) -> torch.Tensor:
    """Uniform draws from the L2 ball, one per real token and zero elsewhere: [B, T, H] float32.

    Normal coordinates make the direction uniform, and a radius u^(1/H) the volume (Muller 1959).
    """
    size = (*shape.real.shape, shape.size)
    direction = torch.randn(size, generator=generator)
    direction /= direction.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    lengths = torch.rand((*shape.real.shape, 1), generator=generator) ** (1 / shape.size)
    draw = (radius * lengths * direction).to(shape.real.device)
    return draw * shape.real.unsqueeze(-1)
