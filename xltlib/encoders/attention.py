"""How a model computes attention; in bf16 on a CPU, one sequence at a time.

There eager attention moves the scores of a whole batch through memory, and PyTorch's fused kernel
is no faster than in float32. The scores of one sequence stay in the CPU's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, eager_mask

ONE_BY_ONE = "one_by_one"
"""The name under which transformers knows this attention, once `attending` has registered it."""
LONGEST = 512
"""Tokens; the scores of longer sequences do not fit into a cache."""


def one_by_one(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it, without dropout; SDPA computes what this does not.

    Args:
        query, key, value: [B, heads, T, size].
        attention_mask: added to the scores: [B or 1, 1, T, T].

    Returns:
        States [B, T, heads, size], and no attention weights.
    """
    tokens, size = query.shape[-2:]
    other = key.shape != query.shape or options.get("position_bias") is not None
    if tokens > LONGEST or dropout or other:
        options |= {"scaling": scaling, "dropout": dropout, "is_causal": False}
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    if attention_mask is None:
        attention_mask = query.new_zeros(1, 1, 1, 1)
    elif attention_mask.dtype != query.dtype:  # autocast; the least float32 would become -inf
        least = torch.finfo(query.dtype).min
        attention_mask = attention_mask.clamp(min=least).to(query.dtype)
    masks = attention_mask.expand(len(query), -1, -1, -1)
    scale = size**-0.5 if scaling is None else scaling
    states = []
    for q, k, v, mask in zip(
        query.unbind(), key.transpose(2, 3).unbind(), value.unbind(), masks.unbind(), strict=True
    ):
        scores = torch.baddbmm(mask, q, k, alpha=scale)
        weights = torch.softmax(scores, dim=-1, dtype=scores.dtype)
        states.append((weights @ v).transpose(0, 1))
    return torch.stack(states), None


@contextmanager
def attending(model: nn.Module, attention: str) -> Iterator[None]:
    """Inside the block, a model computes attention in this way.

    `ONE_BY_ONE` replaces SDPA only. Models that use something else need what it does not have, such
    as capped scores.
    """
    AttentionInterface.register(ONE_BY_ONE, one_by_one)
    AttentionMaskInterface.register(ONE_BY_ONE, eager_mask)
    before = {
        part: part.config._attn_implementation
        for part in model.modules()
        if isinstance(part, PreTrainedModel) and (attention != ONE_BY_ONE or _replaceable(part))
    }
    try:
        for part in before:
            part.set_attn_implementation(attention)
        yield
    finally:
        for part, name in before.items():
            part.set_attn_implementation(name)


def _replaceable(model: PreTrainedModel) -> bool:
    """Whether a model uses SDPA and lets itself be told to use something else."""
    return model._supports_attention_backend and model.config._attn_implementation == "sdpa"
