"""A Jupyter kernel that is a fork of this process and listens on Unix sockets.

A new kernel spends seconds on imports before its first line, but a fork already has its parent's
modules. It must be forked before the parent starts threads or event loops, so it is made first and
waits for its connection file.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xltlib.execution.socket_folder import socket_folder

if TYPE_CHECKING:
    from jupyter_client import AsyncKernelManager
    from jupyter_client.connect import KernelConnectionInfo

# No history file, and no message on how to connect by hand.
QUIET = ("--HistoryManager.enabled=False", "--quiet")


class ForkedKernel:
    """A child process that becomes an IPython kernel. It has the methods of `Popen` that Jupyter
    uses."""

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        reading, self._start = os.pipe()
        self.returncode: int | None = None
        self.peak_mb: int | None = None
        """The peak memory of the process, known once it has ended."""
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._start)
            _become_kernel(reading)
        os.close(reading)

    def start(self, connection_file: str) -> None:
        """Let the kernel listen at the addresses in the connection file."""
        os.write(self._start, os.fsencode(connection_file))
        os.close(self._start)

    def poll(self) -> int | None:
        """The exit code, or None while the kernel lives."""
        if self.returncode is None:
            try:
                pid, status, used = os.wait4(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = -1
            else:
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
                    self.peak_mb = used.ru_maxrss // 1024  # KiB on Linux
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the process to end, for at most `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None and (end is None or time.monotonic() < end):
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel alone, not to its process group, which is the run's."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)


def _become_kernel(reading: int) -> None:
    """In the child: wait for the connection file, then serve until told to stop."""
    code = 1
    try:
        from ipykernel.kernelapp import IPKernelApp

        connection_file = os.fsdecode(os.read(reading, 4096))
        os.close(reading)
        if connection_file:  # empty: the parent ended without anything to execute
            # It ends with its parent, however that ends.
            parent = f"--IPKernelApp.parent_handle={os.getppid()}"
            IPKernelApp.launch_instance(["-f", connection_file, parent, *QUIET])
            code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        os._exit(code)


@contextmanager
def managed(kernel: ForkedKernel) -> Iterator[AsyncKernelManager]:
    """A kernel manager for papermill with this kernel, which ends with the block.

    It uses Unix sockets in a private folder, so nothing listens on the network.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class Provisioner(LocalProvisioner):
        process: Any  # a ForkedKernel, which has the methods of Popen that are used

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
            assert self.parent is not None
            self.process, self.pid, self.pgid = kernel, kernel.pid, None
            kernel.start(str(self.parent.connection_file))
            return self.connection_info

    with socket_folder() as folder:
        manager = AsyncKernelManager(
            transport="ipc", connection_file=str(folder / "kernel.json"), kernel_name="python3"
        )
        manager.provisioner = Provisioner(
            kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec, parent=manager
        )
        try:
            yield manager
        finally:
            kernel.terminate()
            if kernel.wait(2) is None:
                kernel.kill()
                kernel.wait()
