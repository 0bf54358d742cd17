"""A GPU for each cell: the workflow counts GPUs, and each running cell reserves a place on one."""

from __future__ import annotations

import itertools
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
PER_GPU = "XLT_PER_GPU"
"""The environment variable with the number of cells that may share a GPU (default: 1)."""


@contextmanager
def reserved(compute: ComputeSettings, *, locks: Path | None = None) -> Iterator[None]:
    """Make one GPU visible that has a place for this cell; wait until there is one.

    Otherwise several cells on one machine would all use its first GPU, and a `Trainer` that sees
    several GPUs would spread each batch over them. A GPU has one place, or as many as `PER_GPU`
    says. If a scheduler has already set CUDA_VISIBLE_DEVICES, its choice is kept. With device: cpu
    this does nothing.

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
            f"of torch, check {VISIBLE}, or set compute.device: cpu and gpus: 0."
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
    """Lock a place on a device. The lock belongs to the process, so a killed cell releases it."""
    places = range(int(os.environ.get(PER_GPU, "1")))
    while True:
        for place, device in itertools.product(places, devices):
            name = f"xlt-gpu-{device.replace('/', '-')}" + (f"-{place}" if place else "")
            try:
                return _lock(locks / name), device
            except Timeout:
                continue
        time.sleep(1)


def _lock(name: Path) -> FileLock:
    """Lock a file that all users share, or the user's own where the system protects it.

    Linux may refuse to open a file of another user in /tmp (fs.protected_regular); users then do
    not see each other's cells.
    """
    try:
        return FileLock(f"{name}.lock", mode=0o666).acquire(timeout=0).lock
    except PermissionError:
        return FileLock(f"{name}.{os.getuid()}.lock").acquire(timeout=0).lock
