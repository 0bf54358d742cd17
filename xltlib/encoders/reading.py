"""How a model reads texts, where it does not train."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from xltlib.encoders.attention import ONE_BY_ONE, attending
from xltlib.encoders.device import resolve
from xltlib.encoders.linear import kernel, linear_by
from xltlib.params import Precision


@contextmanager
def reading(model: nn.Module, precision: Precision) -> Iterator[None]:
    """Inside the block, a model reads in this precision: bf16 is autocast.

    A model without weights counts as one in float32 on a CPU.
    """
    weight = next(model.parameters(), torch.empty(0))
    device, bf16 = weight.device.type, resolve(precision, weight.device) == "bf16"
    by_sequence = device == "cpu" and (bf16 or weight.dtype == torch.bfloat16)
    with (
        attending(model, ONE_BY_ONE) if by_sequence else nullcontext(),
        linear_by(kernel(device)),
        torch.autocast(device, dtype=torch.bfloat16, enabled=bf16),
    ):
        yield
