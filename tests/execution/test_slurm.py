"""The grid through Slurm: the same results as on this machine, cancelled jobs, a killed scheduler.

The tests of the marker `slurm` need a running Slurm and a few minutes:
python -m pytest -m slurm tests/execution/test_slurm.py
"""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from typer.testing import CliRunner

from tests.execution.small_study import ROOT, finish, results, start, write_profile
from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.cli import app
from xltlib.execution.workflow import Workflow, started

SHIPPED = ROOT / "params" / "slurm"
CUDA = {"device": "cuda", "gpus": 1, "mem_mb": 1000}


def workflow(file: Path, **options: object) -> Workflow:
    return Workflow(ROOT, file, schema.load(file), cores=2, **({"gpus": 0} | options))


def limits(command: list[str]) -> list[str]:
    """What a command line says of resources."""
    return [part for part in command if part.partition("=")[0] in ("gpu", "mem_mb")]


def test_gpus_are_limited_on_this_machine_and_never_on_a_cluster(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder, compute=CUDA)
    assert "gpu=2" in limits(workflow(file, gpus=2).command())
    assert "gpu=6" in limits(workflow(file, gpus=2, per_gpu=3).command())
    assert limits(workflow(file, profile=SHIPPED).command()) == []
    plain = write_profile(tmp_path / "cpu", tiny_encoder)
    assert [one.partition("=")[0] for one in limits(workflow(plain).command())] == ["mem_mb"]


def test_a_job_on_a_cluster_has_its_own_cores_and_a_cell_here_those_of_this_machine(
    tmp_path, tiny_encoder
):
    file = write_profile(tmp_path, tiny_encoder, compute={"mem_mb": 1000, "threads": 8})
    command = workflow(file, profile=SHIPPED).command()
    assert command[command.index("--cores") + 1] == "8"
    done = CliRunner().invoke(app, ["run", str(file), "--cores", "2"])
    assert done.exit_code == 2
    assert "each cell uses 8 cores, but --cores is 2" in done.output


def test_more_memory_than_there_is_is_refused_here_and_left_to_the_cluster(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder, compute={"mem_mb": 10**7})
    done = CliRunner().invoke(app, ["run", str(file)])
    assert done.exit_code == 2
    assert "each cell takes up to 10000000 MiB, but this machine has" in done.output
    assert workflow(file, profile=SHIPPED).on_cluster


def test_the_profile_for_one_machine_limits_what_its_cells_share(tmp_path, tiny_encoder):
    job = workflow(write_profile(tmp_path, tiny_encoder), profile=ROOT / "params" / "local")
    assert not job.on_cluster
    assert [one.partition("=")[0] for one in limits(job.command())] == ["mem_mb"]


def test_a_profile_folder_without_a_profile_is_refused(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder)
    with pytest.raises(InputError, match=r"no config\.yaml there; give a Snakemake profile"):
        _ = workflow(file, profile=tmp_path).on_cluster


def test_a_cell_that_runs_a_model_asks_slurm_for_a_gpu_and_others_do_not(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder, compute=CUDA)
    job = workflow(file, profile=SHIPPED)
    planned = subprocess.run(
        [*job.command(), "--dry-run"],
        env=job.environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rules = re.findall(r"rule (\w+):.*?resources: ([^\n]*)", planned, re.S)
    asked = {name: dict(one.split("=") for one in what.split(", ")) for name, what in rules}
    assert {name for name, what in asked.items() if what.get("gpu") == "1"} == {
        "intermediate",
        "target",
        "evaluation",
    }
    assert asked["target"]["runtime"] == "720"
    assert {what["mem_mb"] for name, what in asked.items() if name != "all"} == {"1000"}
    from snakemake_executor_plugin_slurm.utils import set_gres_string

    wants = SimpleNamespace(resources={"gpu": int(asked["target"]["gpu"])})
    assert set_gres_string(wants) == " --gpus=1"


def test_a_run_in_the_background_can_still_have_its_jobs_cancelled(
    tmp_path, tiny_encoder, monkeypatch
):
    """Shells make background processes ignore SIGINT, at which Snakemake cancels its jobs."""
    job = workflow(write_profile(tmp_path, tiny_encoder), profile=SHIPPED)
    job.folder.mkdir(parents=True)
    wait = "print('ready', flush=True); import time; time.sleep(60)"
    monkeypatch.setattr(Workflow, "command", lambda self: [sys.executable, "-c", wait])
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with (tmp_path / "lock").open("w") as lock:
            with started(job, tmp_path / "todo", lock.fileno()) as snakemake:
                while "ready" not in job.tail():
                    time.sleep(0.05)
            assert snakemake.returncode == -signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, before)


def queued() -> list[str]:
    """Numbers of the jobs that Slurm runs."""
    command = ["squeue", "--noheader", "--states", "RUNNING", "--format", "%i"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> object:
    """Wait until something is there, while a process runs."""
    deadline = time.monotonic() + 300
    while not (found := what()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


@pytest.mark.slurm
@pytest.mark.skipif(shutil.which("sinfo") is None, reason="there is no Slurm here")
def test_slurm_gives_the_results_of_this_machine_whatever_is_cancelled_or_killed(
    tmp_path, tiny_encoder
):
    here = write_profile(tmp_path / "here", tiny_encoder)
    finish(start("run", here, "--cores", "2"))
    there = write_profile(tmp_path / "there", tiny_encoder)
    settings = yaml.safe_load((SHIPPED / "config.yaml").read_text())
    quick = {"slurm-init-seconds-before-status-checks": 5, "jobs": 2}
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "config.yaml").write_text(yaml.safe_dump(settings | quick))
    command = ("run", there, "--workflow-profile", tmp_path / "slurm")
    logs = tmp_path / "there" / "outputs" / "small" / "logs"

    first = start(*command)
    wait_for(lambda: list(logs.glob("03_*.json")), first)
    cancelled = queued()
    subprocess.run(["scancel", *cancelled], check=True)
    wait_for(lambda: list(logs.glob("04_*.json")), first)  # so target was submitted again
    first.send_signal(signal.SIGKILL)
    first.communicate()
    finish(start(*command))
    assert cancelled
    assert results(tmp_path / "there" / "outputs") == results(tmp_path / "here" / "outputs")
