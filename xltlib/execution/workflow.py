"""Start Snakemake on a profile's grid, and end all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xltlib.artifacts import InputError
from xltlib.execution import warm
from xltlib.params import Params
from xltlib.yaml_files import read_yaml

PARAMS = "XLT_PARAMS"
"""Environment variable: the params file, as the Snakefile and a cluster's jobs read it."""
PATIENCE = 60  # seconds that a cluster's jobs have to be cancelled in


@dataclass(frozen=True)
class Workflow:
    """One run of the grid: what to run and with what."""

    root: Path
    file: Path
    params: Params
    cores: int
    gpus: int
    profile: Path | None = None

    @property
    def folder(self) -> Path:
        """Where Snakemake works; every path in the workflow is relative to it."""
        return self.params.outputs / self.params.profile

    @property
    def log(self) -> Path:
        """What Snakemake and the cells say."""
        return self.folder / "run.log"

    def tail(self, lines: int = 20) -> str:
        """The end of the log, for a run that no cell explains."""
        text = self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @property
    def on_cluster(self) -> bool:
        """Whether the Snakemake profile hands jobs to an executor other than this machine."""
        if self.profile is None:
            return False
        file = next(iter(sorted(self.profile.glob("config*.y*ml"))), None)
        if file is None:
            raise InputError(f"{self.profile}: no config.yaml there; give a Snakemake profile.")
        settings = read_yaml(file) or {}
        if not isinstance(settings, dict):
            raise InputError(
                f"{file}: not a Snakemake profile (no mapping of options). Correct it."
            )
        return settings.get("executor", "local") != "local"

    def command(self) -> list[str]:
        """Snakemake's command line; no string of the user's is parsed in it but paths."""
        command = [sys.executable, "-m", "snakemake"]
        command += ["--snakefile", str(self.root / "Snakefile"), "--directory", str(self.folder)]
        # The run has a lock of its own, which a killed run does not leave behind; and what must run
        # is what has no notebook, so no file's time or code is asked.
        command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "input"]
        command += ["--keep-going", "--nocolor", "--cores", str(self.cores)]
        if self.profile is not None:
            command += ["--workflow-profile", str(self.profile.resolve())]
        else:
            command += ["--workflow-profile", "none"]
        # On a cluster its scheduler counts the GPUs; a limit here would be one for every job.
        if not self.on_cluster:
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
            command += ["--resources", f"mem_mb={memory}"]
            command += [f"gpu={self.gpus}"] if self.params.compute.gpus else []
        return command

    def environment(self) -> dict[str, str]:
        """What every process of the run finds in its environment."""
        binaries = Path(sys.executable).parent
        return os.environ | {
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
            PARAMS: str(self.file.resolve()),
            # Idle threads that spin starve the cells beside them.
            "OMP_WAIT_POLICY": "passive",
            "GOMP_SPINCOUNT": "0",
            "OMP_NUM_THREADS": str(self.params.compute.threads),
            "TOKENIZERS_PARALLELISM": "false",
            "KINETO_LOG_LEVEL": "5",  # the profiler that measures memory says when it starts
        }


@contextmanager
def started(workflow: Workflow, lock: int) -> Iterator[subprocess.Popen[bytes]]:
    """Snakemake at work, in a process group of the run's own; the group ends with the block.

    A companion process holds the other end of a pipe: should this process be killed, it ends the
    group. On this machine it is also the warm process that cells are forked from.
    """
    environment = workflow.environment()
    with (
        tempfile.TemporaryDirectory(prefix="xlt-", dir="/tmp") as folder,
        open(workflow.log, "ab") as log,
    ):
        address = str(Path(folder, "warm"))
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
        if not workflow.on_cluster:
            environment |= {warm.ADDRESS: address}
        snakemake = subprocess.Popen(
            workflow.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=[lock],
            process_group=companion.pid,
        )
        try:
            yield snakemake
        finally:
            if workflow.on_cluster and snakemake.poll() is None:
                snakemake.send_signal(signal.SIGINT)  # it cancels the jobs it has submitted
                with contextlib.suppress(subprocess.TimeoutExpired):
                    snakemake.wait(PATIENCE)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(companion.pid, signal.SIGKILL)
            os.close(life)
            companion.wait()
            snakemake.wait()
