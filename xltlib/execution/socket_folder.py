"""Private folders for Unix sockets, and the removal of those that killed processes left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = "XLT_WARM"
"""The environment variable with the Unix socket of the run's warm process (`warm`)."""
PREFIX = "xlt-"
LOCK = "lock"


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder that is removed with the block; its path is short, as sockets require.

    In a cell it lies in the folder of the run. This process holds a lock in it, so that later ones
    know whether it is still used: those of killed processes are removed first.
    """
    base = _base()
    for left in base.glob(f"{PREFIX}*"):
        _remove_if_abandoned(left)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=base, ignore_cleanup_errors=True) as folder:
        lock = os.open(Path(folder, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder of this user whose lock nobody holds."""
    with contextlib.suppress(OSError):  # it has no lock, is in use, or is another user's
        lock = os.open(folder / LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(lock)


def _base() -> Path:
    """The folder of the run, or else /tmp, whose path is short, or the usual temporary folder."""
    of_run = os.environ.get(ADDRESS)
    if of_run and Path(of_run).parent.is_dir():
        return Path(of_run).parent
    return Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
