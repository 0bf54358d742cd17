"""A lock that allows one run of a profile at a time and ends with the run's processes."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xltlib.artifacts import OUTPUTS, InputError, require_writable


@contextmanager
def only_run(folder: Path, *, wait: bool = False) -> Iterator[int]:
    """Lock a profile's folder; yields the lock's file descriptor.

    The lock lasts as long as any process has the descriptor, so a scheduler that outlives the
    command keeps it. After a kill there is nothing to clean up.

    Raises:
        InputError: another run holds the lock and `wait` is not set (names that run), or the file
            system has no locks.
    """
    require_writable(folder, OUTPUTS)
    lock = os.open(folder / ".run.lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{folder}: {_holder(lock)}"
            if not wait:
                raise InputError(
                    f"{message}. Wait for it to end (--wait does so), or end that process first."
                ) from error
            print(f"{message}; waiting for it to end.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise InputError(
                f"{folder}: this file system does not support locks ({error.strerror}), which keep "
                "two runs apart. Choose another folder for `outputs`, or mount this one with locks "
                "(Lustre: the option flock)."
            ) from error
        record = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        os.truncate(lock, 0)
        os.pwrite(lock, json.dumps(record).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _holder(lock: int) -> str:
    """The holder of the lock, in words."""
    try:
        holder = json.loads(os.pread(lock, 1000, 0))
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder["since"]))
        return (
            f"process {holder['pid']} on {holder['host']} has been running this profile "
            f"since {since}"
        )
    except (ValueError, KeyError, TypeError):
        return "another process is running this profile"
