"""The memory that a model needs, estimated before it is used."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn
from transformers import PreTrainedModel

from xltlib.artifacts import InputError
from xltlib.encoders.files import model_files
from xltlib.params import ComputeSettings

PROCESS_MIB = 900
"""A Python process with torch, transformers and a corpus loaded, before any model."""
ALLOCATED = 1.35
"""What a process holds on a CPU, as a multiple of what it uses: 4.0 GiB were measured where the
tensors of a step take 2.3 GiB (me5-small, 16 x 384 tokens in float32)."""
MIB = 2**20


def require_memory(compute: ComputeSettings, needed: float, lower: str) -> None:
    """Refuse work that would not fit into memory, before it starts.

    Args:
        needed: MiB, estimated by `reading_mib` or `training_mib`.
        lower: the setting that makes it fit.

    Raises:
        InputError: it needs more than `compute.mem_mb` on a CPU, or more than the GPU has for this
            process.
    """
    if compute.device == "cpu":
        total = PROCESS_MIB + ALLOCATED * needed
        if total > compute.mem_mb:
            raise InputError(
                f"compute.mem_mb: {compute.mem_mb}, but this cell needs about {total:,.0f} MiB. "
                f"Raise it, or lower {lower}."
            )
    else:
        # What this process has reserved holds the model, which `needed` counts.
        free = (torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()) / MIB
        if needed > free:
            raise InputError(
                f"the GPU has {free:,.0f} MiB free, but this cell needs about {needed:,.0f}. Lower "
                f"{lower}."
            )


def require_reading(
    compute: ComputeSettings,
    model: nn.Module,
    shape: tuple[int, int],
    lower: str,
    *,
    bf16: bool = False,
    beside: Iterable[Path] = (),
) -> None:
    """`require_memory` for reading with a model, while other models are loaded too.

    Args:
        beside: the folders of the other models.
    """
    needed = reading_mib(model, shape, bf16=bf16) + sum(map(weights_mib, beside))
    require_memory(compute, needed, lower)


def reading_mib(model: nn.Module, shape: tuple[int, int], *, bf16: bool = False) -> float:
    """MiB for the weights, and for one forward pass without gradients over a batch.

    A pass holds one layer at a time, in float32. For b sequences of s tokens and width h these are
    attention's inputs and outputs (6 b s h), or those of the feed-forward network of width f
    (b s (2 h + 2 f)). Without SDPA there are also attention's scores and their softmax (2 a b s s,
    a heads), and a language model's head gives logits for v words (b s v).

    Args:
        shape: sequences and tokens per sequence.
        bf16: there is also a copy of the weights in bf16.
    """
    encoder = next(part for part in model.modules() if isinstance(part, PreTrainedModel))
    config, (sequences, tokens) = encoder.config, shape
    weights = sum(weight.numel() for weight in model.parameters())
    width = config.hidden_size
    inner = max(4 * width, getattr(config, "intermediate_size", 0))
    layer = float(max(6 * width, 2 * width + 2 * inner))
    if config._attn_implementation == "eager":
        layer += 2 * config.num_attention_heads * tokens
    words = getattr(encoder.get_output_embeddings(), "weight", ())
    numbers = sequences * tokens * max(layer, 2 * width + len(words))
    return ((6 if bf16 else 4) * weights + 4 * numbers) / MIB


def weights_mib(folder: Path) -> float:
    """MiB for the weights of a model's folder in float32, from the headers of its files."""
    numbers = 0
    for file in model_files(folder).weights:
        with safe_open(file, framework="pt") as weights:
            numbers += sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    return 4 * numbers / MIB
