"""A white-box attack on word embeddings: no text changes, so it bounds what text attacks can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from xltlib.attacks.goal import occurrences
from xltlib.attacks.white_box import Spans, WhiteBox, Windows
from xltlib.training.robust import into_ball


@dataclass(frozen=True)
class Found:
    """The answer under the last perturbation, the probability of the wanted spans, and its cost.

    `norm` is the largest L2 norm of a token's perturbation.
    """

    answer: str
    probability: float
    queries: int
    norm: float


def ascend(
    box: WhiteBox,
    question: str,
    context: str,
    spans: Spans,
    frozen: Iterable[str],
    *,
    radius: float,
    step_size: float,
    steps: int,
    toward: bool = False,
) -> Found:
    """Projected gradient ascent on the loss of some spans, in an L2 ball around each token.

    Only tokens of the context move, but none that touches a copy of a frozen text. The ascent
    begins at the centre, so the same model and example give the same perturbation.

    Args:
        spans: where the gold answers stand, or the target.
        toward: descend instead: make the spans likelier.
    """
    windows = box.windows(question, context)
    free = _free(windows, context, frozen)
    delta = windows.zero()
    for _ in range(steps):
        gradient = windows.gradient(spans, delta) * (-1 if toward else 1)
        norm = gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        delta = into_ball(delta + step_size * gradient / norm, radius) * free
    answer, probability = windows.answer(spans, delta)
    return Found(answer, probability, steps + 1, float(delta.norm(dim=-1).max()))


def _free(windows: Windows, context: str, frozen: Iterable[str]) -> torch.Tensor:
    """1 at the tokens that may move, else 0: [W, T, 1]."""
    offsets = windows.offsets
    free = (offsets[..., 0] >= 0) & (offsets[..., 1] > offsets[..., 0])
    for text in frozen:
        for start in occurrences(context, text):
            free &= ~((offsets[..., 0] < start + len(text)) & (offsets[..., 1] > start))
    ids = windows.batch["input_ids"]
    return torch.from_numpy(free).unsqueeze(-1).to(ids.device, torch.float32)
