"""A white-box attack on word embeddings. It changes no text and says nothing about attacks on text.

A change of text may move embeddings farther than the ball allows, or in directions that no gradient
points to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch

from xltlib.attacks.copies import copies_in
from xltlib.attacks.white_box import Spans, WhiteBox, Windows
from xltlib.training.robust import into_ball


@dataclass(frozen=True)
class Found:
    """The answer under the best perturbation, the probability of the wanted spans, and the cost.

    `norm` is the largest L2 norm of a token's perturbation.
    """

    answer: str
    probability: float
    queries: int
    norm: float
    free: bool = True


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
    restarts: int = 1,
    seed: str = "",
    toward: bool = False,
    max_queries: int = 10_000,
    reached: Callable[[str], bool] = lambda answer: False,
) -> Found:
    """Projected gradient ascent on the loss of some spans, in an L2 ball around each token.

    Only tokens of the context move, except those that touch a copy of a frozen text. The first
    ascent begins at the centre, and the others at random points of the ball (Madry et al. 2018).
    Every iterate is evaluated and the best is kept, which may not be the last. An answer that
    reaches the goal ends the ascent. Each gradient and each reading is a query.

    Args:
        spans: the spans of the gold answers, or of the target.
        restarts: ascents, the first included.
        seed: determines the random points.
        toward: descend instead, to make the spans likelier.
        max_queries: the limit on gradients and readings together; at least 1.
        reached: whether an answer is what the attack wants.
    """
    windows = box.windows(question, context)
    free = _free(windows, context, frozen)
    generator = torch.Generator().manual_seed(
        int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    )
    best: Found | None = None
    queries = 0
    for ascent in range(restarts):
        delta = windows.zero()
        if ascent > 0:
            noise = torch.rand(delta.shape, generator=generator).to(delta.device) * 2 - 1
            delta = into_ball(noise * radius, radius) * free
        for _ in range(min(steps, (max_queries - queries) // 2)):
            gradient = windows.gradient(spans, delta) * (-1 if toward else 1)
            norm = gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
            delta = into_ball(delta + step_size * gradient / norm, radius) * free
            answer, probability = windows.answer(spans, delta)
            queries += 2
            found = Found(answer, probability, queries, float(delta.norm(dim=-1).max()))
            if best is None or _is_better(found, best, toward, reached):
                best = found
            if reached(answer):
                return replace(best, queries=queries)
    if best is None:  # one query was left, too few for a step
        answer, probability = windows.answer(spans, windows.zero())
        return Found(answer, probability, 1, 0.0, bool(free.any()))
    return replace(best, queries=queries, free=bool(free.any()))


def _is_better(found: Found, best: Found, toward: bool, reached: Callable[[str], bool]) -> bool:
    """Whether a perturbation is nearer to the goal than another."""
    if reached(found.answer) != reached(best.answer):
        return reached(found.answer)
    return (found.probability > best.probability) == toward


def _free(windows: Windows, context: str, frozen: Iterable[str]) -> torch.Tensor:
    """1 for tokens that may move, 0 for others: [W, T, 1]."""
    offsets = windows.offsets
    free = (offsets[..., 0] >= 0) & (offsets[..., 1] > offsets[..., 0])
    for text in frozen:
        for start, end in copies_in(context, text):
            free &= ~((offsets[..., 0] < end) & (offsets[..., 1] > start))
    ids = windows.batch["input_ids"]
    return torch.from_numpy(free).unsqueeze(-1).to(ids.device, torch.float32)
