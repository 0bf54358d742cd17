"""A warm process that imports the heavy libraries once; each cell of a run is a fork of it.

`xlt run` starts the process, `serve`. A job of the workflow runs `main`, which hands its cell to
that process and waits. Without such a process (on a cluster's nodes, or in a workflow started by
hand) the job executes the cell itself. When the run is gone, the warm process also ends everything
that the run started.

Only the standard library is imported here, so that jobs start fast.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence

from xltlib.execution.socket_folder import ADDRESS

HEAVY = (
    "papermill nbclient ipykernel.kernelapp torch transformers datasets pandas matplotlib.pyplot "
    "seqeval.metrics "
    "xltlib.study.corpora xltlib.study.intermediate xltlib.study.target xltlib.study.evaluation "
    "xltlib.study.attacks xltlib.study.representation xltlib.study.transfer xltlib.study.results "
    "xltlib.study.claims xltlib.study.design xltlib.execution.cell xltlib.execution.status"
).split()


def main(arguments: Sequence[str]) -> int:
    """Execute a cell in a fork of the warm process, or in this process if there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.connect(os.environ[ADDRESS])
        except (KeyError, OSError):
            from xltlib.execution import cell

            return cell.main(list(arguments))
        request = json.dumps([*arguments]).encode()
        socket.send_fds(server, [len(request).to_bytes(4, "big")], [1, 2])
        server.sendall(request)
        # The exit code; nothing if the process died.
        return int(server.recv(16) or 1)


def serve(address: str, life: int, heavy: Sequence[str] = HEAVY) -> None:
    """Fork a process for each requested cell until `life`, one end of a pipe, closes.

    The run is then over, and its whole process group is killed, including this process.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(128)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run itself handles interrupts
    for name in heavy:
        importlib.import_module(name)
    if heavy:
        _remember_code()
    ends: list[socket.socket | int] = [listener, life]
    while True:
        ready, _, _ = select.select(ends, [], [], 1)
        if life in ready:
            os.killpg(0, signal.SIGKILL)
        if listener in ready:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                os.close(life)
                _answer(client)
            client.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _remember_code() -> None:
    """Note which code was imported: all cells run it, whatever is edited or committed meanwhile."""
    from xltlib.study import STAGES, code

    code.version()
    for stage in STAGES.values():
        code.source_of(stage.module)


def _answer(client: socket.socket) -> None:
    """In the child: execute the cell that the client asks for, and send back the exit code."""
    code = 1
    try:
        head, outputs, _, _ = socket.recv_fds(client, 4, 2)
        with client.makefile("rb", buffering=0) as request:
            size, body = int.from_bytes(head, "big"), b""
            while len(body) < size:
                body += request.read(size - len(body)) or b""
        for number, output in zip((1, 2), outputs, strict=True):
            os.dup2(output, number)
            os.close(output)
        from xltlib.execution import cell

        code = cell.main(json.loads(body), client)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            client.sendall(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]), () if "--light" in sys.argv else HEAVY)
    else:
        sys.exit(main(sys.argv[1:]))
