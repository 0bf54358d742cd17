"""The memory that a model needs, estimated before it is used."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import PreTrainedModel

from xltlib.artifacts import InputError
from xltlib.encoders.files import model_files
from xltlib.encoders.parts import base_encoder
from xltlib.encoders.reading import reading
from xltlib.params import ComputeSettings

PROCESS_MIB = 900
"""A Python process with torch, transformers and a corpus loaded, before any model."""
ALLOCATED = 1.35
"""What a process holds on a CPU, as a multiple of what it uses: 4.0 GiB were measured where the
tensors of a step take 2.3 GiB (me5-small, 16 x 384 tokens in float32)."""
WINDOWS = 4
"""Few passages have more windows, and a gradient is taken for the windows of one passage."""
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
    gradients: bool = False,
    beside: Iterable[Path] = (),
) -> None:
    """`require_memory` for reading with a model, while other models are loaded too.

    Args:
        gradients: the gradients of single examples are taken too.
        beside: the folders of the other models.
    """
    needed = reading_mib(model, shape, bf16=bf16)
    if gradients:
        needed = max(needed, reading_mib(model, (WINDOWS, shape[1]), gradients=True))
    require_memory(compute, needed + sum(map(weights_mib, beside)), lower)


def reading_mib(
    model: nn.Module, shape: tuple[int, int], *, bf16: bool = False, gradients: bool = False
) -> float:
    """MiB for the weights, and for the tensors of one pass over a batch.

    Passes over one and over two sequences are measured, and the rest of the batch is extrapolated,
    because every sequence takes the same. So the estimate holds for any architecture.

    Args:
        shape: sequences and tokens per sequence.
        bf16: linear layers compute in bf16.
        gradients: the pass is followed by the gradient at the word embeddings.
    """
    read = next(part for part in model.modules() if isinstance(part, PreTrainedModel))
    if read.get_output_embeddings() is None:
        # Only a language model's head makes large tensors; those of some models for span QA accept
        # no made-up tokens.
        read = base_encoder(model)
    weights = sum(weight.numel() for weight in model.parameters())
    sequences, tokens = shape

    def passing(count: int, length: int) -> int:
        return peak_bytes(partial(_pass, read, (count, length), bf16, gradients), read.device)

    passing(1, 8)  # whatever the first pass of a process allocates for good
    one = passing(1, tokens)
    each = max(0, passing(2, tokens) - one) if sequences > 1 else 0
    return (4 * weights + one + (sequences - 1) * each) / MIB


def _pass(encoder: PreTrainedModel, shape: tuple[int, int], bf16: bool, gradients: bool) -> None:
    """A pass over made-up tokens, and if wanted the gradient at their embeddings."""
    device = encoder.device
    embedded: list[torch.Tensor] = []
    ids = torch.ones(shape, dtype=torch.long, device=device)

    def keep(layer: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor | None:
        if gradients:
            embedded.append(output.detach().requires_grad_())
        return embedded[0] if gradients else None

    kept = encoder.get_input_embeddings().register_forward_hook(keep)
    try:
        with torch.inference_mode(not gradients), reading(encoder, "bf16" if bf16 else "float32"):
            found = encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
        if gradients:
            torch.autograd.grad(found[0].float().sum(), embedded[0])
    finally:
        kept.remove()


def peak_bytes(work: Callable[[], None], device: torch.device) -> int:
    """The peak memory of the tensors that `work` makes, beyond what was allocated before it."""
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    with _Alive() as alive:
        work()
    return alive.peak


class _Alive(TorchDispatchMode):
    """Counts the bytes of the tensors made inside that are alive, and their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._of: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = {storage._cdata for storage in _storages((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        for storage in _storages(made):
            # Views, and results written in place, share the storage of an argument.
            if storage._cdata not in before and storage._cdata not in self._of:
                self._of[storage._cdata] = storage.nbytes()
                self._now += storage.nbytes()
                weakref.finalize(storage, self._end, storage._cdata).atexit = False
        self.peak = max(self.peak, self._now)
        return made

    def _end(self, storage: int) -> None:
        self._now -= self._of.pop(storage)


def _storages(values: Any) -> list[torch.UntypedStorage]:
    return [one.untyped_storage() for one in tree_leaves(values) if torch.is_tensor(one)]


def weights_mib(folder: Path) -> float:
    """MiB for the weights of a model's folder in float32, from the headers of its files."""
    numbers = 0
    for file in model_files(folder).weights:
        with safe_open(file, framework="pt") as weights:
            numbers += sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    return 4 * numbers / MIB
