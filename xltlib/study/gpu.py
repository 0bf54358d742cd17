"""One GPU a cell: the workflow counts GPUs, and here each running cell takes one for itself."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from xltlib.artifacts import InputError
from xltlib.params import ComputeSettings

VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def reserved(compute: ComputeSettings, *, locks: Path | None = None) -> Iterator[None]:
    """Make one GPU of this machine visible that no other cell uses; wait until one is free.

    Several cells on one machine would otherwise all compute on its first GPU, and a `Trainer` that
    sees several would spread each batch over all of them. A scheduler that hands out GPUs has set
    CUDA_VISIBLE_DEVICES already, and its choice is kept. Nothing happens for device: cpu.

    Args:
        locks: folder of the lock files, shared by the cells (default: the temporary folder).

    Raises:
        InputError: there is no GPU here.
    """
    if compute.device == "cpu":
        yield
        return
    devices = visible()
    if not devices:
        raise InputError(
            "compute.device: cuda, but PyTorch sees no GPU here. Install the CUDA build "
            f"of torch, look at {VISIBLE}, or set compute.device: cpu and gpus: 0."
        )
    lock, device = _first_free(devices, locks or Path(tempfile.gettempdir()))
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = device
    try:
        yield
    finally:
        lock.release()
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def visible() -> list[str]:
    """Names of the GPUs that this process may use."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    import torch

    return [str(i) for i in range(torch.cuda.device_count())]


def _first_free(devices: list[str], locks: Path) -> tuple[FileLock, str]:
    """Lock a device; a lock belongs to its process, so a killed cell gives its GPU back."""
    while True:
        for device in devices:
            lock = FileLock(locks / f"xlt-gpu-{device.replace('/', '-')}.lock", mode=0o666)
            try:
                return lock.acquire(timeout=0).lock, device
            except Timeout:
                continue
        time.sleep(1)
