"""Whether a device is present, and whether it computes in bf16."""

from __future__ import annotations

from typing import Literal

import torch

from xltlib.artifacts import InputError
from xltlib.params import Precision
from xltlib.text_files import number_of


def usable_device(name: str) -> torch.device:
    """A device by name, if present.

    Raises:
        InputError: this machine has no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device {name}: not a PyTorch device. Give cpu or cuda.") from error
    if device.type == "cpu":
        return device
    if device.type != "cuda":
        raise InputError(f"device {name}: not supported. Give cpu or cuda.")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= gpus:
        found = number_of(gpus, "CUDA GPU") if gpus else "no CUDA GPU"
        raise InputError(
            f"device {name}: PyTorch finds {found} here. "
            "Give cpu, or use PyTorch with CUDA on a machine with a GPU."
        )
    return device


def computes_bf16(device: torch.device | str) -> bool:
    """Whether a device has units for bf16; elsewhere it is emulated and slower than float32."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = torch.cpu.get_capabilities()
    # x86 and ARM name their units differently.
    return any(has.get(unit, False) for unit in ("amx_bf16", "avx512_bf16", "bf16"))


def resolve(precision: Precision, device: torch.device | str) -> Literal["float32", "bf16"]:
    """The precision to use on a device: `auto` is bf16 if the device has units for it."""
    if precision == "auto":
        return "bf16" if computes_bf16(device) else "float32"
    return precision
