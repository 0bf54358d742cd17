"""What a cell ran on, and with which versions of the packages that decide numbers."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from xltlib.params import ComputeSettings

PACKAGES = ("xltlib", "torch", "transformers", "datasets", "textattack", "numpy", "pandas")


def versions() -> dict[str, str]:
    """The installed packages that numbers depend on."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def hardware(compute: ComputeSettings) -> dict[str, Any]:
    """What the numbers were computed on."""
    import torch

    on_gpu = compute.device == "cuda"
    return {
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
    }
