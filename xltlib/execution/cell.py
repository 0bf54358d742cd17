"""Execute one cell of the grid: its notebook, through papermill, in a kernel of its own.

A job of the workflow runs `python -m xltlib.execution.cell NOTEBOOK PARAMS STAGE KEY [again]`. The
executed notebook gets its final name when all of it has run; a failed one is kept beside it as
`failed.ipynb`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import Any

from xltlib.execution.kernel import ForkedKernel, managed


def main(arguments: list[str], client: socket.socket | None = None) -> int:
    """Execute a cell and return the exit code.

    Args:
        arguments: notebook, params file, stage, key, and `again` to make a finished cell again if
            its models or texts are absent.
        client: closes when the process that requested the cell is gone; this process then ends.
    """
    source, params, stage, key, *again = arguments
    kernel = ForkedKernel()  # before any thread starts
    # A scheduler's first signal to a cancelled job, which then removes its temporary files.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if client is not None:
        threading.Thread(target=_end_with, args=(client, kernel), daemon=True).start()

    from filelock import FileLock

    from xltlib import params as schema
    from xltlib.artifacts import OUTPUTS, InputError, require_writable
    from xltlib.execution.status import Status, trace_of
    from xltlib.study import Grid, manifest

    try:
        cell = Grid(schema.load(params)).cell(stage, key)
        require_writable(cell.folder, OUTPUTS)
        # A second process that needs the same cell waits here, then reads the results.
        with FileLock(cell.path(f"{manifest.EXECUTING}lock")):
            for left in cell.folder.glob(f"{manifest.EXECUTING}*.ipynb"):
                left.unlink(missing_ok=True)
            if again and not cell.complete:
                cell.path(manifest.NAME).unlink(missing_ok=True)
            status = Status(cell)
            cause = _execute(Path(source), Path(params), cell, kernel, status)
            if cause is None:
                status.finished(kernel.peak_mb)
                return 0
            status.failed(cause)
    except InputError as error:
        cause = str(error)
        print(f"{stage} {key}\n{cause}", file=sys.stderr)
        return 2
    finally:
        kernel.kill()
    print("\n".join(failure(cell.stage.notebook, key, cause, trace_of(cell), params)))
    return 1


def failure(notebook: str, key: str, cause: str, trace: Path, params: Path | str) -> list[str]:
    """Three lines about a failed cell: its name, the cause, and what to do next."""
    from shlex import quote

    from xltlib.text_files import printable

    said = printable(" ".join(cause.split())) or "no message"
    return [
        f"{notebook} {key} failed:",
        f"  {said[:400]}",
        f"  See {trace}; to continue: xlt run {quote(str(params))}",
    ]


def _execute(
    source: Path, params: Path, cell: Any, kernel: ForkedKernel, status: Any
) -> str | None:
    """Run the notebook; returns the cause of a failure, or None."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from xltlib.artifacts import no_room
    from xltlib.execution.status import Log
    from xltlib.study import manifest

    warnings.filterwarnings("ignore", module="papermill|nbclient|nbformat|zmq|traitlets")
    running = cell.path(f"{manifest.EXECUTING}{socket.gethostname()}-{os.getpid()}.ipynb")
    cause: str | None = None
    with managed(kernel) as manager, Log(cell, status) as log:
        try:
            papermill.execute_notebook(
                _literal(source),
                _literal(running),
                parameters={"params": str(params)} | cell.factors,
                km=manager,
                cwd=str(source.parent),
                progress_bar=False,
                stdout_file=log,
                stderr_file=log,
            )
        except PapermillExecutionError as error:
            cause = f"{error.ename}: {error.evalue}"
        except Exception as error:
            # The kernel died (killed, or out of memory), or the notebook could not be saved.
            log.write(traceback.format_exc())
            died = kernel.poll()
            reason = no_room(error)
            cause = f"{type(error).__name__}: {error}"
            if reason is not None:
                cause = f"{reason}; free some space (finished cells are kept)"
            if died is not None and died < 0:
                cause = f"the cell's process was killed by {signal.Signals(-died).name}" + (
                    ", perhaps because memory ran out" if died == -signal.SIGKILL else ""
                )
    if cause is None:
        running.replace(cell.notebook)
        cell.path(manifest.FAILED).unlink(missing_ok=True)
    elif running.exists():
        running.replace(cell.path(manifest.FAILED))
    else:
        cell.path(manifest.FAILED).unlink(missing_ok=True)  # it shows an earlier failure
    return cause


def _literal(path: Path) -> str:
    """A path with its braces escaped, because papermill substitutes parameters in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _end_with(client: socket.socket, kernel: ForkedKernel) -> None:
    """End this process and its kernel when the client is gone."""
    while client.recv(1024):
        pass
    kernel.kill()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
