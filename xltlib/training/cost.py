"""Cost of robust methods: time and memory per optimiser step, relative to standard training."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from xltlib.encoders.footprint import peak_bytes
from xltlib.params import STANDARD, Precision
from xltlib.training import numerics
from xltlib.training.dropout import dropout_of
from xltlib.training.numerics import BatchLoss
from xltlib.training.robust import RobustTraining, robust_loss
from xltlib.training.run import model_loss

Batch = dict[str, Any]


def measure(
    model: nn.Module,
    batches: Mapping[str, Sequence[Batch]],
    robust: Mapping[str, RobustTraining | None],
    *,
    precision: Precision,
    rounds: int,
    loss: BatchLoss = model_loss,
    dropout: float | None = None,
) -> pd.DataFrame:
    """Take a step with each method in turn, for `rounds` rounds after an uncounted one.

    Taking turns spreads other load on the machine evenly over the methods.

    Args:
        batches: at least `rounds` + 1 for each method, on the model's device.
        robust: the robust training of each method; None for standard training, on the method's own
            batches.

    Returns:
        One row per method: the median of its seconds per step, the median over the rounds of its
        time relative to the standard step of the same round, and its peak memory in MiB, absolute
        and relative: weights, gradients, optimiser state and activations as PyTorch allocates them.
    """
    device = next(model.parameters()).device.type
    used = numerics.choose(precision, device)
    with dropout_of(model, dropout), numerics.applied(used, model) as masters:
        return _measured(model, batches, robust, masters, rounds, used.computing(loss))


def _measured(
    model: nn.Module,
    batches: Mapping[str, Sequence[Batch]],
    robust: Mapping[str, RobustTraining | None],
    masters: numerics.Masters | None,
    rounds: int,
    loss_of: BatchLoss,
) -> pd.DataFrame:
    """See `measure`; the model is already set up for its numerics."""
    make, options = numerics.optimiser(masters, 1e-6)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = make([{"params": trained}], **options)
    model.train()

    def step(method: str, round_: int) -> None:
        batch, device = batches[method][round_], trained[0].device
        loss = robust_loss(
            robust[method], model, batch, round_, lambda inputs: loss_of(model, inputs)
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()

    seconds: dict[str, list[float]] = {method: [] for method in batches}
    for round_ in range(rounds + 1):
        for method in batches:
            started = time.perf_counter()
            step(method, round_)
            if round_:
                seconds[method].append(time.perf_counter() - started)
    # Weights and optimiser state exist before a step; the rest is allocated during it.
    kept = [*model.parameters(), *(masters.of.values() if masters else ())]
    kept += [value for state in optimiser.state.values() for value in state.values()]
    resident = sum(one.numel() * one.element_size() for one in kept if torch.is_tensor(one))
    rows = []
    for method in batches:
        peak = resident + peak_bytes(partial(step, method, 0), trained[0].device)
        ratios = [own / base for own, base in zip(seconds[method], seconds[STANDARD], strict=True)]
        rows.append(
            {
                "method": method,
                "seconds per step": float(np.median(seconds[method])),
                "time relative to standard": float(np.median(ratios)),
                "peak memory (MiB)": peak / 2**20,
                "steps measured": rounds,
            }
        )
    frame = pd.DataFrame(rows)
    base = frame.loc[frame["method"] == STANDARD, "peak memory (MiB)"].item()
    frame.insert(4, "memory relative to standard", frame["peak memory (MiB)"] / base)
    return frame
