"""All stages end to end, and kills in the middle of each: the same metrics, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from xltlib import params as schema
from xltlib.study import STAGES, Grid, attacks, corpora, representation, results, saved, transfer

# Runs in a process of its own, so that it can be killed as a power cut kills: no clean-up runs.
DRIVER = """
import sys
from xltlib import params
from xltlib.study import (
    Grid, attacks, corpora, evaluation, intermediate, representation, results, target, transfer
)
grid = Grid(params.load(sys.argv[1]))
for cell in grid.cells("corpora"):
    corpora.prepare(cell)
for stage, module in (
    ("intermediate", intermediate), ("target", target),
    ("evaluation", evaluation), ("attacks", attacks), ("representation", representation),
):
    for cell in grid.cells(stage):
        module.run(cell, progress=False)
for stage, module in (("transfer", transfer), ("results", results)):
    for cell in grid.cells(stage):
        module.run(cell)
"""

# What exists beside the profile while a stage is in the middle of its work, stage by stage.
MIDDLE = {
    "corpora": "cache/*trimmed*",
    "intermediate": "outputs/tiny/02_intermediate_training/*/checkpoints/checkpoint-3",
    "target": "outputs/tiny/03_target_training/*/checkpoints/checkpoint-6",
    "evaluation": "outputs/tiny/04_zero_shot_evaluation/*/parts/*.parquet",
    "attacks": "outputs/tiny/05_attacks/*/logs/*.jsonl",
    "results": "outputs/tiny/06_results/*/tables/scores.csv",
}


def start(profile: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(profile)],
        env=os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(profile: Path) -> Grid:
    process = start(profile)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return Grid(schema.load(profile))


def kept(grid: Grid) -> dict[str, bytes]:
    """Metrics and tables of all cells, byte for byte."""
    folder = grid.params.outputs / grid.params.profile
    files = [*folder.rglob("metrics.json"), *folder.rglob("tables/*.csv")]
    # What a step costs is measured anew in every run.
    files = [file for file in files if file.name != "cost.csv"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(files)}


@pytest.fixture(scope="module")
def whole(tiny_profile_of_module):
    """An uninterrupted run."""
    return finish(tiny_profile_of_module)


def test_every_stage_finishes_and_its_results_can_be_read(whole):
    grid = whole
    stages = [stage for stage in STAGES if stage != "design"]
    assert all(cell.done for stage in stages for cell in grid.cells(stage))

    (cell,) = grid.cells("corpora")
    metrics = cell.metrics()
    assert {row["n"] for row in metrics["splits"]} == {8, 24}
    assert metrics["audits"]
    assert {row["exact"] for row in metrics["audits"]} == {0}
    assert corpora.sample(cell).data.count("<tr>") == 1 + 3 + 2  # a row a task and language

    for cell in grid.cells("attacks"):
        assert set(attacks.violations(cell).values()) == {0}
        frame = pd.read_parquet(cell.path("attacks.parquet"))
        assert len(frame) == len(cell.path("attacks.jsonl").read_text().splitlines()) == 9
        assert frame["queries"].max() <= 12
    frame.loc[0, "question"] += "!"
    frame.loc[1, "attacked_context"] += "!"
    frame.to_parquet(cell.path("attacks.parquet"))
    found = attacks.violations(cell)
    assert found["question changed"] == found["text changed outside the edits"] == 1

    (cell,) = grid.cells("transfer")
    found = saved.tables_of(cell)
    assert list(found["pairs"]["method"].unique()) == ["standard", "adv", "rs-rp"]
    assert len(found["pairs"]) == 3 * 4
    assert set(found["cost"]["method"]) == {"standard", "adv", "rs-rp"}
    assert (found["cost"]["seconds a step"] > 0).all()
    said = {"pawsx": "not answered by this profile", "xnli": "not answered by this profile"}
    assert transfer.verdicts(cell.metrics()) == said
    for name in ("heat_map", "gains"):
        assert cell.path(f"figures/{name}_xnli.png").stat().st_size > 5000
    for cell in grid.cells("representation"):
        table = representation.retrieval_table(cell.metrics())
        assert list(table["language"]) == ["ar", "ru"]
        assert table["points"].between(0, 100).all()

    (cell,) = grid.cells("results")
    assert results.verdict_kind(cell.metrics()) == "not answered by this profile"
    for name in ("scores_by_language", "clean_and_attacked", "drop", "success_rate", "contrast"):
        assert cell.path(f"figures/{name}.png").stat().st_size > 5000
    tables = saved.tables_of(cell)
    assert set(tables) == {
        *("scores", "under_attack", "success_rate", "on_common_questions"),
        *("attack_transfer", "contrasts"),
    }
    assert all("n" in table.columns for table in tables.values())


def test_a_run_killed_in_every_stage_ends_with_the_same_metrics(tiny_profile, whole):
    for stage, sign in MIDDLE.items():
        process = start(tiny_profile)
        deadline = time.monotonic() + 200
        while not list(tiny_profile.parent.glob(sign)):
            assert process.poll() is None, f"the run ended before {stage} was seen at work"
            assert time.monotonic() < deadline, f"{stage} was never seen at work"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
        (last,) = Grid(schema.load(tiny_profile)).cells("results")
        assert not last.done, stage
    assert kept(finish(tiny_profile)) == kept(whole)
