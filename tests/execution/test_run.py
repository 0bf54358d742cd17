"""`xlt run` from end to end: odd paths and names, two at once, failures, resuming."""

import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
import yaml

from tests.execution.small_study import CELLS, ROOT, finish, results, start, write_profile

ODD = 'it\'s a {a} #1 "q" $(touch X) `id` 日本 %s & ; * ~ [x] é'


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_encoder):
    """A finished small study and what its run said; it lies, clone and all, under an odd path."""
    clone = tmp_path_factory.mktemp("odd") / ODD / "clone {b}"
    shutil.copytree(ROOT / "notebooks", clone / "notebooks")
    shutil.copy(ROOT / "Snakefile", clone)
    encoder = shutil.copytree(tiny_encoder, clone / "my {encoder} #2")
    file = write_profile(clone / "params", encoder, outputs=f"../o$(touch Y) {ODD}")
    said = finish(start("run", file, "--cores", "2"))
    return file, file.parent.parent / f"o$(touch Y) {ODD}", said


def test_any_path_and_any_name_works_and_no_shell_reads_them(finished):
    file, outputs, said = finished
    assert f"{CELLS} cells done in" in said
    notebooks = sorted(outputs.glob("small/*/*/notebook.ipynb"))
    assert len(notebooks) == CELLS
    assert notebooks[2].parent.name == "tiny.plain.seed1"
    assert [path for path in file.parents[3].rglob("*") if path.name in ("X", "Y")] == []
    assert not (ROOT / "X").exists()


def test_the_terminal_shows_progress_and_nothing_else(finished):
    _, outputs, said = finished
    for noise in ("Select jobs", "it/s", "TCP", "Warning", "%|"):
        assert noise not in said
    assert (
        f"{CELLS} of {CELLS} done: 04_zero_shot_evaluation tiny.plain.xnli.standard.seed1" in said
    )
    assert len(said.splitlines()) == CELLS + 2
    log = (outputs / "small" / "run.log").read_text()
    assert "without encryption" not in log
    left = {path.name for path in outputs.glob("small/*/*/.executing.*.ipynb")}
    assert left == set()


def test_models_can_be_read_by_whom_the_umask_allows(finished):
    _, outputs, _ = finished
    weights = [*outputs.glob("small/03_*/*/model/*.safetensors")]
    modes = {path.stat().st_mode for path in (*weights, *outputs.glob("small/03_*/*/metrics.json"))}
    assert weights
    assert len(modes) == 1


def test_a_finished_study_runs_nothing_again(finished):
    file, outputs, _ = finished
    before = results(outputs)
    said = finish(start("run", file))
    assert "every cell is done" in said
    assert results(outputs) == before


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(finished, tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder)
    process = start("run", file, "--cores", "2")
    cells = tmp_path / "outputs" / "small"
    while not list(cells.glob("logs/03_*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Its companion ends all that it started, and the lock with them.
    (status,) = cells.glob("logs/03_*.json")
    pid = json.loads(status.read_text())["pid"]
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = start("run", file, "--cores", "2")
    while json.loads((cells / ".run.lock").read_text() or "{}").get("pid") != second.pid:
        assert second.poll() is None
        time.sleep(0.05)
    third = start("run", file)
    said, _ = third.communicate(timeout=300)
    assert third.returncode == 2
    assert f"process {second.pid} on" in said
    assert "Wait for it to end (--wait does so)" in said
    waiting = start("run", file, "--wait")
    assert "cells done in" in finish(second)
    assert "waiting for it to end" in (said := finish(waiting))
    assert "every cell is done" in said
    assert results(tmp_path / "outputs") == results(finished[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_no_temporary_folder(tmp_path, tiny_encoder, number):
    file = write_profile(tmp_path, tiny_encoder)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        process = start("run", file, XLT_WARM=f"{folder}/warm")  # where the run makes its own
        while not list(Path(folder).glob("xlt-*/xlt-*/kernel.json")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert os.listdir(folder) == []


def test_a_failed_cell_ends_with_three_lines(finished, tmp_path, tiny_encoder):
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "notebooks", clone / "notebooks")
    shutil.copy(ROOT / "Snakefile", clone)
    source = clone / "notebooks" / "00_study_design.ipynb"
    notebook = nbformat.read(source, 4)
    notebook.cells[-1].source = 'raise ValueError("the moon is\\nin the way")'
    nbformat.write(notebook, source)
    file = write_profile(clone / "params", tiny_encoder)
    process = start("run", file, "--cores", "2")
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 1
    lines = said.splitlines()
    (first,) = (i for i, line in enumerate(lines) if "00_study_design all failed:" in line)
    assert lines[first + 1] == "  ValueError: the moon is in the way"
    failed = clone / "params" / "outputs" / "small" / "00_study_design" / "all" / "failed.ipynb"
    assert lines[first + 2] == f"  See {failed}; to continue: xlt run {file}"
    assert "the moon" in failed.read_text()
    assert f"Of {CELLS} cells, {CELLS - 1} done, 1 failed and 0 not run" in said


@pytest.mark.slow
def test_a_bundle_runs_elsewhere_to_the_same_bytes(finished, tmp_path):
    file, outputs, _ = finished
    archive = tmp_path / "study.tar"
    for name in ("xltlib", "pyproject.toml"):
        (file.parents[1] / name).symlink_to(ROOT / name)
    finish(start("bundle", file, archive))
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    there = tmp_path / "study"
    hidden = file.parents[1].rename(file.parents[1].with_name("hidden"))
    try:
        said = finish(start("run", there / "params" / "small.yaml", project=there))
    finally:
        hidden.rename(file.parents[1])
    assert f"{CELLS} cells done in" in said
    assert results(there / "outputs") == results(outputs)


def test_a_clone_of_what_git_keeps_has_every_result(finished, tmp_path):
    file, outputs, _ = finished
    project = tmp_path / "project"
    shutil.copytree(outputs, project / "outputs")
    shutil.copytree(ROOT / "notebooks", project / "notebooks")
    for name in ("Snakefile", ".gitignore"):
        shutil.copy(ROOT / name, project)
    (project / "params").mkdir()
    raw = yaml.safe_load(file.read_text()) | {"outputs": "../outputs"}
    (project / "params" / "small.yaml").write_text(yaml.safe_dump(raw))
    named = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    for command in (("init", "--quiet"), ("add", "."), (*named, "commit", "-qm", "Results")):
        subprocess.run(["git", *command], cwd=project, check=True)
    subprocess.run(["git", "clone", "--quiet", project, tmp_path / "clone"], check=True)
    kept = {path.name for path in (tmp_path / "clone" / "outputs").rglob("*") if path.is_file()}
    assert kept == {"manifest.json", "metrics.json", "scores.parquet"}
    # There are no data, no models and no notebooks; everything is done nevertheless.
    profile = tmp_path / "clone" / "params" / "small.yaml"
    assert "0 cells will run" in finish(start("check", profile))
    assert "every cell is done" in finish(start("run", profile))

    # A cell that needs a model makes it again. Its finished cell stays until that begins.
    shutil.copytree(file.parent / "xnli data", profile.parent / "xnli data")
    there = profile.parents[1] / "outputs"
    lost = sorted(there.glob("small/04_*/*/manifest.json"))[0]
    (model,) = there.glob(f"small/03_*/{lost.parent.name}")
    lost.unlink()
    assert "2 cells will run" in finish(start("check", profile))
    assert (model / "manifest.json").exists()
    assert "2 cells done in" in finish(start("run", profile))
    assert (model / "model" / "model.safetensors").exists()
    assert "0 cells will run" in finish(start("check", profile))
    assert results(there) == results(outputs)
