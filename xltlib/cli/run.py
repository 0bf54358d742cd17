"""`xlt run`: run the grid with Snakemake and show its progress."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from xltlib import params as schema
from xltlib.artifacts import OUTPUTS, InputError, require_writable
from xltlib.cli.terminal import (
    Only,
    ParamsFile,
    PerGpu,
    Strict,
    checked,
    console,
    errors,
    require_today,
)
from xltlib.text_files import number_of


def project_root(params: Path) -> Path:
    """The nearest folder with a Snakefile, above the params file or else the working folder.

    Raises:
        InputError: none is found.
    """
    for start in (params.resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "Snakefile").is_file() and (folder / "notebooks").is_dir():
                return folder
    raise InputError(
        f"{params}: no Snakefile found above it or above the working folder. Run xlt inside a "
        "clone of the project."
    )


def run(
    params: ParamsFile,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores to use")] = os.cpu_count() or 1,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs to share among the cells")] = 0,
    per_gpu: PerGpu = 1,
    workflow_profile: Annotated[
        Path | None, typer.Option(help="A Snakemake profile, e.g. params/slurm for a cluster")
    ] = None,
    only: Only = None,
    strict: Strict = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another run of the profile to end")
    ] = False,
) -> None:
    """Run the cells of a profile that are not done; the same command resumes a killed run."""
    from xltlib.execution import workflow
    from xltlib.execution.lock import only_run
    from xltlib.study import Grid, revisions
    from xltlib.study.todo import Todo

    require_today(strict)
    loaded = checked(params, to_run=True)
    root = project_root(params)
    job = workflow.Workflow(
        root, params, loaded, cores, gpus, workflow_profile, tuple(only or ()), per_gpu
    )
    on_cluster = job.on_cluster  # a profile that cannot be read is refused before anything is done
    if loaded.compute.gpus > gpus and not on_cluster:
        raise InputError(
            f"{params}: compute.gpus: each cell needs {loaded.compute.gpus}, but --gpus is {gpus}. "
            f"Give --gpus {loaded.compute.gpus} or more, or set compute.device: cpu."
        )
    for option, given in (("--gpus", gpus > 0), ("--per-gpu", per_gpu > 1)):
        if given and (on_cluster or not loaded.compute.gpus):
            raise InputError(
                f"{params}: {option} is for cells that use the GPUs of this machine, but "
                + (
                    "a scheduler gives each job its own. Leave it out."
                    if on_cluster
                    else f"compute.device is {loaded.compute.device}. Leave it out, or set "
                    "compute: {device: cuda, gpus: 1}."
                )
            )
    if loaded.compute.threads > cores and not on_cluster:
        raise InputError(
            f"{params}: compute.threads: each cell uses {loaded.compute.threads} cores, but "
            f"--cores is {cores}. Give --cores {loaded.compute.threads} or more, or lower it."
        )
    if loaded.compute.mem_mb > workflow.memory_here() and not on_cluster:
        raise InputError(
            f"{params}: compute.mem_mb: each cell takes up to {loaded.compute.mem_mb} MiB, but "
            f"this machine has {workflow.memory_here()} MiB. Lower it, or run elsewhere."
        )
    require_writable(job.folder, OUTPUTS)
    require_writable(loaded.cache, "`cache` in the params file")
    signal.signal(signal.SIGTERM, _interrupt)
    with only_run(job.folder, wait=wait) as lock:
        revisions.record(loaded)  # for models named since stage 01 ran
        grid = Grid(loaded)
        todo = Todo.of(grid, root / "notebooks", job.only)
        if not todo.cells:
            which = "every cell that matches" if job.only else "every cell"
            console.print(f"{job.folder}: {which} is done.", soft_wrap=True)
            return
        code = _follow(job, grid, todo.cells, todo.begin(job.folder), lock)
    if code:
        raise typer.Exit(code)


def _follow(job: Any, grid: Any, todo: list[Any], file: Path, lock: int) -> int:
    """Start Snakemake on these cells, show its progress, and report the outcome."""
    from xltlib.execution.display import Watch
    from xltlib.execution.estimate import duration
    from xltlib.execution.workflow import started
    from xltlib.study import STAGES
    from xltlib.study.todo import from_earlier_results

    ran = Counter(cell.stage.name for cell in todo)
    of_stage = Counter(cell.stage.name for cell in grid.chosen(job.only))
    before = {name: of_stage[name] - ran[name] for name in STAGES}
    watch = Watch(job, todo, console, before)
    cells = number_of(len(todo), "cell")
    console.print(f"{cells} to run; log: {job.log}", soft_wrap=True, highlight=False)
    try:
        with started(job, file, lock) as snakemake:
            watch.follow(lambda: snakemake.poll() is None)
            code = snakemake.returncode
    except KeyboardInterrupt:
        console.print("Stopped. Finished cells are kept, and the same command continues.")
        return 130
    took = duration(watch.seconds)
    if code == 0:
        console.print(f"{cells} done in {took}.", highlight=False)
        _tell_of_edits(job)
        if warning := from_earlier_results(grid.everything()):
            console.print(warning, soft_wrap=True)
        return 0
    left = len(todo) - len(watch.done) - len(watch.failed)
    console.print(
        f"Of {cells}, {len(watch.done)} done, {len(watch.failed)} failed and {left} "
        f"not run, in {took}; log: {job.log}",
        soft_wrap=True,
        highlight=False,
    )
    if not watch.failed:
        errors.print(job.tail(), soft_wrap=True, highlight=False)
    _tell_of_edits(job)
    return 1


def _tell_of_edits(job: Any) -> None:
    """Say if the params file changed during the run: each cell reads it when it starts."""
    try:
        edited = schema.load(job.file) != job.params
    except InputError:
        edited = True
    if edited:
        console.print(
            f"{job.file} was edited during the run, so cells made before and after the edit may "
            "not match. Run the same command again to rerun those that the edit affects.",
            soft_wrap=True,
            highlight=False,
        )


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
