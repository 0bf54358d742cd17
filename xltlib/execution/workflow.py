"""Start Snakemake on a profile's grid, and end everything that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xltlib.artifacts import InputError
from xltlib.execution import warm
from xltlib.execution.socket_folder import ADDRESS, socket_folder
from xltlib.params import ComputeSettings, Params
from xltlib.study.gpu import PER_GPU
from xltlib.yaml_files import read_yaml

PARAMS = "XLT_PARAMS"
"""The environment variable with the params file, read by the Snakefile and a cluster's jobs."""
TODO = "XLT_TODO"
"""The environment variable with the file that says what to do, of `Todo.begin`."""
KEPT_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
"""glibc keeps the memory of one batch for the next. To return it and get it again, page by page,
takes up to a tenth of the time of training."""
PATIENCE = 60  # seconds for cancelling a cluster's jobs


@dataclass(frozen=True)
class Workflow:
    """One run of the grid: the cells to run, and how."""

    root: Path
    file: Path
    params: Params
    cores: int
    gpus: int
    profile: Path | None = None
    only: tuple[str, ...] = ()
    per_gpu: int = 1
    """How many cells may share a GPU of this machine."""

    @property
    def folder(self) -> Path:
        """Snakemake's working folder; every path in the workflow is relative to it."""
        return self.params.outputs / self.params.profile

    @property
    def log(self) -> Path:
        """The log of Snakemake and the cells."""
        return self.folder / "run.log"

    def tail(self, lines: int = 20) -> str:
        """The end of the log, for a failure that no cell explains."""
        text = self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @property
    def on_cluster(self) -> bool:
        """Whether the Snakemake profile sends jobs to other machines."""
        return self._settings.get("executor", "local") != "local"

    @property
    def at_once(self) -> int:
        """How many cells can run at the same time."""
        jobs = self._settings.get("jobs")
        if self.on_cluster and isinstance(jobs, int):
            return max(1, jobs)
        return cells_at_once(self.params.compute, self.cores, self.gpus * self.per_gpu)

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """The options in the Snakemake profile."""
        if self.profile is None:
            return {}
        file = next(iter(sorted(self.profile.glob("config*.y*ml"))), None)
        if file is None:
            raise InputError(f"{self.profile}: no config.yaml there; give a Snakemake profile.")
        settings = read_yaml(file) or {}
        if not isinstance(settings, dict):
            raise InputError(
                f"{file}: not a Snakemake profile (no mapping of options). Correct it."
            )
        return settings

    def command(self) -> list[str]:
        """Snakemake's command line. The only strings from the user in it are paths."""
        command = [sys.executable, "-m", "snakemake"]
        command += ["--snakefile", str(self.root / "Snakefile"), "--directory", str(self.folder)]
        # The run has its own lock, which a killed run does not leave behind. The cells to run are
        # those without a notebook, so file times and code changes do not matter.
        command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "input"]
        # On a cluster this limits the threads of a job, not of this machine.
        cores = max(self.cores, self.params.compute.threads) if self.on_cluster else self.cores
        command += ["--keep-going", "--nocolor", "--cores", str(cores)]
        if self.profile is not None:
            command += ["--workflow-profile", str(self.profile.resolve())]
        else:
            command += ["--workflow-profile", "none"]
        # A cluster's scheduler counts its GPUs; a limit here would apply to all jobs together.
        if not self.on_cluster:
            command += ["--resources", f"mem_mb={memory_here()}"]
            command += [f"gpu={self.gpus * self.per_gpu}"] if self.params.compute.gpus else []
        return command

    def environment(self) -> dict[str, str]:
        """The environment of every process of the run."""
        binaries = Path(sys.executable).parent
        return (
            KEPT_MEMORY
            | os.environ
            | {
                "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
                PARAMS: str(self.file.resolve()),
                PER_GPU: str(self.per_gpu),
                # Spinning idle threads starve cells that run at the same time.
                "OMP_WAIT_POLICY": "passive",
                "GOMP_SPINCOUNT": "0",
                "OMP_NUM_THREADS": str(self.params.compute.threads),
                "TOKENIZERS_PARALLELISM": "false",
                "KINETO_LOG_LEVEL": "5",  # the memory profiler prints a message when it starts
            }
        )


def memory_here() -> int:
    """The memory of this machine in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def cells_at_once(compute: ComputeSettings, cores: int, gpus: int) -> int:
    """How many cells this machine's memory, and these cores and GPUs, allow at the same time."""
    most = min(cores // compute.threads, memory_here() // compute.mem_mb)
    if compute.gpus:
        most = min(most, gpus // compute.gpus)
    return max(1, most)


def _heed_interrupts() -> None:
    """In a child: end at SIGINT, which shells make background processes ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(workflow: Workflow, todo: Path, lock: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run Snakemake in a process group of its own, which ends with the block.

    A companion process holds the other end of a pipe and ends the group if this process is killed.
    On this machine it is also the warm process from which cells are forked.
    """
    environment = workflow.environment() | {TODO: str(todo)}
    with socket_folder() as folder, open(workflow.log, "ab") as log:
        address = str(folder / "warm")
        if not workflow.on_cluster:
            environment |= {ADDRESS: address}
        end, life = os.pipe()
        companion = subprocess.Popen(
            [sys.executable, "-m", warm.__name__, "serve", address, str(end)]
            + (["--light"] if workflow.on_cluster else []),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=[end],
            process_group=0,
        )
        os.close(end)
        snakemake = subprocess.Popen(
            workflow.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=[lock],
            process_group=companion.pid,
            preexec_fn=_heed_interrupts,
        )
        try:
            yield snakemake
        finally:
            if workflow.on_cluster and snakemake.poll() is None:
                snakemake.send_signal(signal.SIGINT)  # it cancels the jobs it submitted
                with contextlib.suppress(subprocess.TimeoutExpired):
                    snakemake.wait(PATIENCE)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(companion.pid, signal.SIGKILL)
            os.close(life)
            companion.wait()
            snakemake.wait()
