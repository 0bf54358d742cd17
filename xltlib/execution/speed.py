"""The speed of this machine, to estimate cells when no similar cell has finished."""

from __future__ import annotations

import math
import time
from functools import cache

import torch

from xltlib.encoders.device import resolve
from xltlib.params import ComputeSettings

TOKENS, WIDTH, INNER = 1024, 384, 1536
"""The sizes of a product in a feed-forward layer of a small encoder."""
SECONDS = 0.5
"""How long to measure."""


@cache
def operations_per_second(compute: ComputeSettings) -> float | None:
    """Floating-point operations per second in matrix products, in the precision that `auto` gives;
    None if this machine lacks the device, like a cluster's login node."""
    if compute.device == "cuda" and not torch.cuda.is_available():
        return None
    kind = torch.bfloat16 if resolve("auto", compute.device) == "bf16" else torch.float32
    # A GPU takes many batches' worth of tokens at once, or starting the product would take longest.
    tokens = TOKENS if compute.device == "cpu" else 64 * TOKENS
    left = torch.ones((tokens, WIDTH), dtype=kind, device=compute.device)
    right = torch.ones((WIDTH, INNER), dtype=kind, device=compute.device)
    before = torch.get_num_threads()
    torch.set_num_threads(compute.threads)
    try:
        return 2 * tokens * WIDTH * INNER / _best(left, right)
    finally:
        torch.set_num_threads(before)


def _best(left: torch.Tensor, right: torch.Tensor) -> float:
    """The shortest time of a product, in seconds, because other load can only add to it."""
    best, until = math.inf, time.perf_counter() + SECONDS
    while best == math.inf or time.perf_counter() < until:
        started = time.perf_counter()
        (left @ right)[0, 0].item()  # waits for a GPU
        best = min(best, time.perf_counter() - started)
    return best
