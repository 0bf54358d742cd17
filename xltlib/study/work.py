"""The work of a cell: done once, by one process at a time, and recorded when complete."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from filelock import FileLock, Timeout

from xltlib.artifacts import (
    OUTPUTS,
    InputError,
    follow_umask,
    no_room,
    require_writable,
    write_json,
)
from xltlib.params import ComputeSettings
from xltlib.study import cell_files, code, gpu, machine, manifest
from xltlib.study.cell import Cell


def once(cell: Cell, work: Callable[[], None]) -> dict[str, Any]:
    """Do a cell's work unless it is done, then return its metrics.

    Raises:
        InputError: the disk is full or not writable; what other cells finished is untouched.
    """
    if cell.done:
        return cell.metrics()  # finished results can be read where nothing can be written
    with held(cell) as todo:
        if todo:
            _record_of_code(cell)  # read now, because the source may be edited while the cell runs
            try:
                with gpu.reserved(_compute(cell)):
                    work()
            except Exception as error:
                reason = no_room(error)
                if reason is None:
                    raise
                raise InputError(
                    f"{cell.folder}: {reason}. Free some space and run the same command again; "
                    "finished cells are kept."
                ) from error
    return cell.metrics()


def _compute(cell: Cell) -> ComputeSettings:
    """The resources that a cell uses: stages that only make tables and figures need no GPU."""
    compute = cell.params.compute
    if cell.stage.accelerated:
        return compute
    return compute.model_copy(update={"device": "cpu", "gpus": 0})


@contextmanager
def held(cell: Cell) -> Iterator[bool]:
    """Keep other processes off a cell; yields whether its work is still to do.

    If so, what an older run with other params left is removed first. A second process that wants
    the same cell waits here and finds it done. The lock belongs to the process, so a killed one
    leaves nothing behind.
    """
    require_writable(cell.folder, OUTPUTS)
    lock = FileLock(cell.path(".lock"))
    try:
        lock.acquire(timeout=1)
    except Timeout:
        print(f"{cell.key}: another process is working on this cell; waiting for it.")
        lock.acquire()
    try:
        done = cell.done
        if not done:
            _clear(cell)
        yield not done
    finally:
        lock.release()


def _clear(cell: Cell) -> None:
    """Remove the files of another result, the manifest first, and the work of other params.

    The user's own files stay.
    """
    cell.path(manifest.NAME).unlink(missing_ok=True)
    for path in manifest.made(cell.folder):
        if path.relative_to(cell.folder).parts[0] != "measured":
            path.unlink()
    for path in cell_files.half_written(cell.folder):
        path.unlink()
    for path in cell_files.work_folders(cell.folder):
        if path.name != cell.fingerprint:
            shutil.rmtree(path, ignore_errors=True)


def _record_of_code(cell: Cell) -> dict[str, str]:
    """The identity of the code that makes a cell; the source is read once per process."""
    return {"version": code.version(), "source": code.source_of(cell.stage.module)}


def finish(cell: Cell, metrics: Mapping[str, Any], *, started: float, **record: Any) -> None:
    """Write a cell's metrics, then the manifest that says it is done.

    Args:
        started: `time.time()` when the work began.
        record: what else the manifest should keep.

    Raises:
        InputError: a file that the cell reads was replaced while it ran.
    """
    if cell.fingerprint_now() != cell.fingerprint:
        raise InputError(
            f"{cell.folder}: data that {cell.name} reads changed while it ran, so its result "
            "belongs to neither version. Run the same command again."
        )
    write_json(cell.path(manifest.METRICS), dict(metrics))
    for path in manifest.made(cell.folder):
        follow_umask(path)  # safetensors makes private files
    about = {
        "fingerprint": cell.fingerprint,
        "profile": cell.params.profile,
        "stage": cell.stage.notebook,
        "factors": cell.factors,
        "settings": cell.inputs.used,
        "inputs": cell.inputs.content,
        "reads": {one.name: one.fingerprint for one in cell.read},
        "results": {one.name: made.result for one in cell.read if (made := one.manifest)},
        "code": _record_of_code(cell),
        "versions": machine.versions(),
        "hardware": machine.hardware(_compute(cell)),
        "seconds": round(time.time() - started, 1),
    }
    manifest.write(cell.folder, about | record)
    for path in cell_files.work_folders(cell.folder):
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # the user has files there
        cell.path(manifest.WORK).rmdir()
