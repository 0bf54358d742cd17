"""The memory that a training run needs, estimated before it starts."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from transformers import PreTrainedModel

from xltlib.encoders.footprint import MIB
from xltlib.tasks.kind import Row, length, padded_length, windows
from xltlib.training.numerics import Numerics


def batch_shape(rows: Iterable[Row]) -> tuple[int, int]:
    """Sequences, and tokens per sequence, in a collated batch; each choice or window is a
    sequence."""
    rows = list(rows)
    sequences = sum(
        len(row["input_ids"]) if isinstance(row["input_ids"][0], list) else len(windows(row))
        for row in rows
    )
    return sequences, padded_length(max(map(length, rows)), 2**20)


def training_mib(model: nn.Module, numerics: Numerics, shapes: Iterable[tuple[int, int]]) -> float:
    """MiB for weights, gradients, optimiser state, and the activations of the largest batch.

    Activations after Korthikanti et al. 2022 (arXiv 2205.05198, equation 1): a layer keeps
    b s h (34 + 5 a s / h) bytes in 16 bits (b sequences of s tokens, width h, a heads), of which
    dropout's masks are 2 and a / h; in 32 bits the rest doubles. Masks of cheap dropout are as wide
    as the states. Autocast to bf16 keeps the residual stream in float32 too (12 more, as measured).
    Without dropout, attention keeps 2 a s / h only, and SDPA none. Frozen layers are counted too,
    because they keep activations where embeddings are perturbed.

    Args:
        shapes: sequences and tokens per sequence of each batch.
    """
    weights = sum(weight.numel() for weight in model.parameters())
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    # In a model with a head from this project, the config is the encoder's.
    config = next(part for part in model.modules() if isinstance(part, PreTrainedModel)).config
    heads, width = config.num_attention_heads, config.hidden_size
    half = numerics.precision == "bf16"
    autocast = half and numerics.weights == "float32"
    state = 4 * weights + 12 * trained
    if half:  # weights in bf16 and, unless only the products are, gradients
        state += 2 * trained if autocast else 2 * weights + 2 * trained

    scale = 1 if half else 2
    mask = 2 * scale if numerics.dropout == "cheap" else 1
    states = 32 * scale + 2 * mask + (12 if autocast else 0)
    if getattr(config, "attention_probs_dropout_prob", 0.0):
        scores = 4 * scale + mask
    else:
        scores = 0 if numerics.attention == "sdpa" else 2 * scale

    def activations(sequences: int, tokens: int) -> float:
        per_layer = states + scores * heads / width * tokens
        return sequences * tokens * width * per_layer * config.num_hidden_layers

    largest = max((activations(*shape) for shape in shapes), default=0.0)
    return (state + largest) / MIB
