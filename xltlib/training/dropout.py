"""Dropout with cheap random numbers, for CPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

LEVELS = 2**16
"""The number of levels to which probabilities are rounded."""


def keep_mask(shape: torch.Size, p: float) -> torch.Tensor:
    """A bool tensor, False with probability `p` (rounded to 1 / 65,536), from torch's generator.

    One draw of 64 bits serves four elements; `bernoulli_` draws for each (and takes 2.8 times as
    long on one core of an AVX2 machine).
    """
    size = shape.numel()
    drawn = torch.empty((size + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    return drawn.view(torch.int16)[:size].view(shape) >= round(p * LEVELS) - LEVELS // 2


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, kept: torch.Tensor, scale: float) -> torch.Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (states * kept).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        return (gradient * kept).mul_(ctx.scale), None, None


class CheapDropout(nn.Module):
    """`nn.Dropout` for tensors on a CPU: the same distribution but different draws."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States of any shape, with each element zeroed with probability p and the others scaled
        up."""
        if not self.training or self.p == 0:
            return states
        return _Drop.apply(states, keep_mask(states.shape, self.p), 1 / (1 - self.p))


@contextmanager
def cheap_dropout(model: nn.Module) -> Iterator[None]:
    """Inside the block, a model's `nn.Dropout` modules are `CheapDropout`."""
    replaced = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Dropout
    ]
    for parent, name, child in replaced:
        setattr(parent, name, CheapDropout(child.p).train(child.training))
    try:
        yield
    finally:
        for parent, name, child in replaced:
            setattr(parent, name, child.train(parent.training))
