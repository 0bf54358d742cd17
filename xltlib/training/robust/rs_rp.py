"""RS-RP: randomised smoothing by random perturbation (Robust-XLT, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xltlib.training.robust import EmbeddingShape, Loss, uniform_in_ball


@dataclass(frozen=True)
class RandomPerturbation:
    """Average the loss over `draws` perturbations, uniform in the ball of `radius`."""

    radius: float
    draws: int = 1

    def __call__(self, loss: Loss, shape: EmbeddingShape, seed: int) -> torch.Tensor:
        """The mean loss over the draws."""
        generator = torch.Generator().manual_seed(seed)
        losses = [loss(uniform_in_ball(shape, self.radius, generator)) for _ in range(self.draws)]
        return torch.stack(losses).mean()
