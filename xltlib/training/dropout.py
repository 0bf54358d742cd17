"""How much dropout a model trains with, and its random numbers: cheap ones on CPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

LEVELS = 2**16
"""The number of levels to which probabilities are rounded."""


def keep_mask(states: torch.Tensor, p: float) -> torch.Tensor:
    """Ones like states on a CPU, zero with probability `p` (rounded to 1 / 65,536), from torch's
    generator.

    One draw of 64 bits serves four elements; `bernoulli_` draws for each (and takes 2.8 times as
    long on one core of an AVX2 machine). Not a bool tensor, by which a product takes seven times as
    long.
    """
    size = states.numel()
    drawn = torch.empty((size + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    drawn = drawn.view(torch.int16)[:size].view(states.shape)
    mask = torch.empty(states.shape, dtype=states.dtype)
    return torch.ge(drawn, round(p * LEVELS) - LEVELS // 2, out=mask)


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
        return (states * keep_mask(states, self.p)).mul_(1 / (1 - self.p))


@contextmanager
def dropout_of(model: nn.Module, p: float | None) -> Iterator[None]:
    """Inside the block, every dropout of a model has this probability, if one is given.

    Most encoders have `nn.Dropout` modules, attention's among them; XLM has numbers.
    """
    before = [
        (part, name, value)
        for part in model.modules()
        for name, value in vars(part).items()
        if (name == "p" and type(part) is nn.Dropout)
        or ("dropout" in name and type(value) in (int, float))
    ]
    for part, name, value in before:
        setattr(part, name, value if p is None else p)
    try:
        yield
    finally:
        for part, name, value in before:
            setattr(part, name, value)


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
