"""ADV: adversarial training (idea: Robust-XLT, section 3.1): the worst perturbation inside a ball.

The authors publish no solver, radius or code for it, so this is not a replication. It is projected
gradient ascent (Madry et al. 2018) along the normalised gradient, in an L2 ball around each token
with a radius relative to the token's norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from xltlib.training.robust import EmbeddingShape, Loss, into_ball, uniform_in_ball


@dataclass(frozen=True)
class Adversarial:
    """Minimise the loss at the end of `steps` ascent steps of `step_size` inside `radius`."""

    radius: float
    step_size: float
    steps: int = 1

    def perturbations(self, loss: Loss, shape: EmbeddingShape, seed: int) -> Iterator[torch.Tensor]:
        """The perturbation that the ascent finds from a random start; zero except at real tokens.

        The ascent has its own random numbers, so the last pass draws the same dropout masks as
        standard training.
        """
        generator = torch.Generator().manual_seed(seed)
        delta = uniform_in_ball(shape, self.radius, generator)
        devices = [shape.real.device] if shape.real.is_cuda else []
        with torch.random.fork_rng(devices):
            for _ in range(self.steps):
                delta.requires_grad_(True)
                (gradient,) = torch.autograd.grad(loss(delta), delta)
                norm = gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
                moved = delta.detach() + self.step_size * gradient / norm
                delta = into_ball(moved, self.radius) * shape.real.unsqueeze(-1)
        yield delta.detach()
