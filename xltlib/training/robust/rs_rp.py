"""RS-RP: randomised smoothing by random perturbation (idea: Robust-XLT, section 3.2).

This is not a replication: the authors' code does not include it, and the radius and place of the
noise are this project's choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from xltlib.training.robust import EmbeddingShape, Loss, uniform_in_ball


@dataclass(frozen=True)
class RandomPerturbation:
    """Average the loss over `draws` perturbations, uniform in the ball of `radius`."""

    radius: float
    draws: int = 1

    def perturbations(self, loss: Loss, shape: EmbeddingShape, seed: int) -> Iterator[torch.Tensor]:
        """The draws, which do not depend on the loss."""
        del loss
        generator = torch.Generator().manual_seed(seed)
        for _ in range(self.draws):
            yield uniform_in_ball(shape, self.radius, generator)
