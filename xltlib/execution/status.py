"""What a cell is doing or why it failed, in a small file that the live display reads."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

from xltlib.artifacts import OUTPUTS, InputError, read_json, require_writable
from xltlib.study import Cell, manifest

# A tqdm bar: "answering:  40%|####      | 4/10 [00:02<00:03,  1.98batch/s]".
BAR = re.compile(
    r"(?:(?P<what>[^:|\r\n%]+): +)?\d+%\|[^|]*\| *(?P<done>\d+)/(?P<of>\d+) "
    r"\[[^,\]]*(?:, *(?P<rate>[\d.]+ *[^\],]*/[^\],]+))?"
)
SECONDS_BETWEEN_WRITES = 0.5


def log_of(cell: Cell, kind: str = "log") -> Path:
    """The file with a cell's printed output (`log`), or with its present state (`json`)."""
    folder = cell.params.outputs / cell.params.profile / "logs"
    return folder / f"{cell.stage.notebook}.{cell.key}.{kind}"


def trace_of(cell: Cell) -> Path:
    """Where a failure can be read: the notebook, or the log if it failed before one was written."""
    failed = cell.path(manifest.FAILED)
    return failed if failed.is_file() else log_of(cell)


class Status:
    """The status file of one cell, written by the process that executes it."""

    def __init__(self, cell: Cell) -> None:
        self._file, self._written = log_of(cell, "json"), 0.0
        self._record: dict[str, Any] = {
            "state": "running",
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.time(),
            "doing": "starting",
        }
        self._write()

    def doing(self, what: str, *, done: int | None = None, of: int | None = None) -> None:
        """Record what the cell is doing; written at most twice a second."""
        now = time.monotonic()
        self._record |= {"doing": what, "done": done, "of": of}
        if now - self._written >= SECONDS_BETWEEN_WRITES:
            self._written = now
            self._write()

    def failed(self, cause: str) -> None:
        """Record the cause of a failure."""
        self._record |= {"state": "failed", "cause": cause}
        self._write()

    def finished(self, peak_mb: int | None) -> None:
        """Record how long the cell took, and the peak memory of its process."""
        took = round(time.time() - self._record["since"], 1)
        self._record = {"state": "done", "seconds": took, "peak_mb": peak_mb}
        self._write()

    def _write(self) -> None:
        """Write atomically, without flushing to disk: a lost status costs nothing."""
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk; the cell itself reports it
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._record, ensure_ascii=False), "utf-8")
            temporary.replace(self._file)


class Log:
    """A log file for a notebook's output; progress bars go to the status file instead."""

    def __init__(self, cell: Cell, status: Status) -> None:
        file = log_of(cell)
        require_writable(file.parent, OUTPUTS)
        self._out = file.open("a", encoding="utf-8", errors="replace")
        self._status = status

    def write(self, text: str) -> int:
        """Separate progress bars from other text."""
        bars = list(BAR.finditer(text))
        if bars:
            bar = bars[-1]
            doing = " ".join(
                part for part in ((bar["what"] or "").strip(), (bar["rate"] or "").strip()) if part
            )
            self._status.doing(doing, done=int(bar["done"]), of=int(bar["of"]))
        else:
            with contextlib.suppress(OSError):
                self._out.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the log."""
        with contextlib.suppress(OSError):
            self._out.flush()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()


def read(cell: Cell) -> dict[str, Any] | None:
    """The status of a running or failed cell; None for any other."""
    record = _record(cell)
    return record if record.get("state") in ("running", "failed") else None


def seconds(cell: Cell) -> float | None:
    """How long a cell's latest execution took, or has taken so far; None if it is unknown."""
    record = _record(cell)
    if "since" in record:
        return time.time() - float(record["since"])
    return record.get("seconds")


def _record(cell: Cell) -> dict[str, Any]:
    try:
        record = read_json(log_of(cell, "json"))
    except InputError:
        return {}
    return record if isinstance(record, dict) else {}
