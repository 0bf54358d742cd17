"""The hardware and the package versions that a cell's numbers depend on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from xltlib.params import ComputeSettings

PACKAGES = ("xltlib", "torch", "transformers", "datasets", "textattack", "numpy", "pandas")


def versions() -> dict[str, str]:
    """The versions of the installed packages that numbers depend on."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def hardware(compute: ComputeSettings) -> dict[str, Any]:
    """The hardware on which the numbers were computed, and what its arithmetic depends on."""
    import torch

    from xltlib.encoders.device import computes_bf16

    on_gpu = compute.device == "cuda"
    return {
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bf16 units": computes_bf16(compute.device),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
    }
