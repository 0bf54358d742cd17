"""`xlt run`: hand the grid to Snakemake."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from xltlib.artifacts import InputError, require_writable
from xltlib.cli.terminal import ParamsFile, checked


def project_root(params: Path) -> Path:
    """The folder with the Snakefile: the nearest one above the params file or the working folder.

    Raises:
        InputError: none is found.
    """
    for start in (params.resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "Snakefile").is_file() and (folder / "notebooks").is_dir():
                return folder
    raise InputError(
        f"{params}: no Snakefile in a folder above it or above the working folder. Run xlt inside "
        "a clone of the project."
    )


def run(
    params: ParamsFile,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores to use")] = os.cpu_count() or 1,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs to share among the cells")] = 0,
    workflow_profile: Annotated[
        Path | None, typer.Option(help="A Snakemake profile, e.g. for a Slurm cluster")
    ] = None,
) -> None:
    """Run what is missing of a profile; the same command resumes a run that was killed."""
    loaded = checked(params, to_run=True)
    if loaded.compute.gpus > gpus and workflow_profile is None:
        raise InputError(
            f"{params}: compute.gpus: each cell wants {loaded.compute.gpus} GPU and --gpus is "
            f"{gpus}. Give --gpus {loaded.compute.gpus} or more, or set compute.device: cpu."
        )
    root = project_root(params)
    require_writable(loaded.outputs / loaded.profile, "outputs")
    require_writable(loaded.cache, "cache")
    command = ["snakemake", "--snakefile", str(root / "Snakefile"), "--directory", str(root)]
    # Cells lock themselves, so a lock left by a killed run need not stop the next one; what a
    # killed cell left is replaced, and notebooks tell what changed, not file times of the code.
    command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime", "params", "input"]
    command += ["--keep-going", "--cores", str(cores), "--quiet", "rules"]
    command += ["--config", f"params={params.resolve()}"]
    if loaded.compute.gpus:
        command += ["--resources", f"gpu={gpus}"]
    if workflow_profile is not None:
        command += ["--workflow-profile", str(workflow_profile)]
    binaries = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        # Idle threads that spin starve the cells beside them.
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "OMP_NUM_THREADS": str(loaded.compute.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "KINETO_LOG_LEVEL": "5",  # the profiler that measures memory says when it starts and stops
    }
    sys.stdout.flush()
    os.execvpe(binaries / "snakemake", command, environment)
