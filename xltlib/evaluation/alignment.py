"""How close translations are in a multilingual encoder, and the classic way to bring them closer.

The classic way is to rotate each language's states onto English, with a rotation learnt from
parallel text: the orthogonal Procrustes problem (Schönemann 1966), here for contextual states as in
Wang et al. 2019 and Wu and Dredze 2020. It trains no weights of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import orthogonal_procrustes
from torch import nn
from transformers import PreTrainedModel

from xltlib.artifacts import InputError

# A share of both sides' norms, spread over all directions: enough to fix the directions that the
# pairs leave free, too little to rotate the others.
_STAY = 1e-6


@dataclass(frozen=True)
class Similarity:
    """Mean cosines, in [-1, 1]: of sentences with their translations, and of all other pairs."""

    translations: float
    others: float

    @property
    def margin(self) -> float:
        """How much closer translations are than other pairs."""
        return self.translations - self.others


def similarity(queries: np.ndarray, candidates: np.ndarray) -> Similarity:
    """Similarity of a bitext's two sides.

    Args:
        queries, candidates: [N, H] at unit length, translations in the same row; N of 2 or more.
    """
    n = len(queries)
    own = np.einsum("ij,ij->i", queries, candidates, dtype=np.float64).sum()
    every = queries.sum(axis=0, dtype=np.float64) @ candidates.sum(axis=0, dtype=np.float64)
    return Similarity(float(own / n), float((every - own) / (n * (n - 1))))


@dataclass(frozen=True)
class Rotation:
    """A map of states [..., H]: (h - source mean) @ matrix + target mean, the matrix orthogonal."""

    source_mean: np.ndarray
    target_mean: np.ndarray
    matrix: np.ndarray

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        source, target, matrix = (
            torch.as_tensor(value, dtype=torch.float32, device=states.device)
            for value in (self.source_mean, self.target_mean, self.matrix)
        )
        # Always in float32, because the matrix is dense.
        with torch.autocast(states.device.type, enabled=False):
            return ((states.float() - source) @ matrix + target).to(states.dtype)


def rotation(source: np.ndarray, target: np.ndarray) -> Rotation:
    """The rotation that brings one language's centred states closest to the other's.

    With fewer pairs than dimensions, some directions are free. They change as little as an
    orthogonal matrix allows.

    Args:
        source, target: [N, H], translations in the same row.
    """
    means = source.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    a, b = source - means[0], target - means[1]
    width = source.shape[1]
    # Pseudo-pairs of each unit vector with itself add a multiple of the identity to a.T @ b.
    weight = np.sqrt(_STAY * np.linalg.norm(a) * np.linalg.norm(b) / width)
    stay = weight * np.eye(width)
    matrix, _ = orthogonal_procrustes(np.vstack([a, stay]), np.vstack([b, stay]))
    return Rotation(*means, matrix)


@contextmanager
def rotated(model: PreTrainedModel, turn: Rotation) -> Iterator[None]:
    """Inside the block, a span-QA model's head reads rotated states.

    Raises:
        InputError: the model has no linear head `qa_outputs` on its last hidden states.
    """
    head = getattr(model, "qa_outputs", None)
    if not isinstance(head, nn.Linear):
        raise InputError(
            f"{type(model).__name__}: its head is not a linear layer `qa_outputs` on the last "
            "hidden states, so they cannot be rotated. Leave representation.rotation out, or use "
            "an encoder like BERT or XLM-R."
        )
    handle = head.register_forward_pre_hook(lambda _, inputs: (turn(inputs[0]),))
    try:
        yield
    finally:
        handle.remove()
