"""The state of the generators that an attack may draw from: Python's, NumPy's and PyTorch's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

State = tuple[Any, Any, torch.Tensor]


def random_state() -> State:
    """The present state."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def set_random_state(state: State) -> None:
    """Continue from a state."""
    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Restore the caller's state after the block."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)
