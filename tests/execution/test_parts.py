"""The parts of a run: locks, progress, estimates, left-overs, bundles, full disks."""

import errno
import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path, PurePosixPath

import nbformat
import psutil
import pytest
import yaml
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.execution.small_study import ROOT, write_profile
from xltlib import artifacts
from xltlib import params as schema
from xltlib.artifacts import InputError, no_room
from xltlib.cli import app
from xltlib.encoders.cache import made_once
from xltlib.execution import cell as execution
from xltlib.execution import status, warm, workflow
from xltlib.execution.bundle import pack
from xltlib.execution.estimate import OVERHEAD_SECONDS, Rest, Seconds, duration, peak_mb
from xltlib.execution.leftovers import leftovers
from xltlib.execution.lock import only_run
from xltlib.execution.socket_folder import ADDRESS, socket_folder
from xltlib.execution.warm import HEAVY
from xltlib.study import STAGES, Grid, code, manifest, preflight, work, workload

RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.fixture
def grid(tmp_path, tiny_encoder):
    return Grid(schema.load(write_profile(tmp_path, tiny_encoder)))


HOLDER = """
import sys, time
from pathlib import Path
from xltlib.execution.lock import only_run
from xltlib.execution.socket_folder import socket_folder
with only_run(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_who_runs_and_a_killed_one_leaves_no_lock(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert holder.stdout.readline() == b"ready\n"
    with (
        pytest.raises(InputError, match=rf"process {holder.pid} on .* since 20"),
        only_run(tmp_path),
    ):
        pass
    holder.kill()
    holder.communicate()
    with only_run(tmp_path):
        pass


SOCKETS = """
import time
from xltlib.execution.socket_folder import socket_folder
with socket_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_folders_of_sockets_that_killed_processes_left_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv(ADDRESS, str(tmp_path / "warm"))  # else they are in /tmp
    holders = [
        subprocess.Popen([sys.executable, "-c", SOCKETS], stdout=subprocess.PIPE, cwd=ROOT)
        for _ in range(2)
    ]
    killed, alive = (Path(one.stdout.readline().decode().strip()) for one in holders)
    (tmp_path / "xlt-mine").mkdir()
    holders[0].kill()
    holders[0].wait()
    assert killed.is_dir()
    with socket_folder() as folder:
        assert {path.name for path in tmp_path.iterdir()} == {folder.name, alive.name, "xlt-mine"}
    assert not folder.exists()
    holders[1].kill()
    for one in holders:
        one.communicate()


@pytest.mark.parametrize(
    ("text", "doing", "done", "of"),
    [
        (
            "answering:  40%|####      | 4/10 [00:02<00:03,  1.98batch/s]",
            "answering 1.98batch/s",
            4,
            10,
        ),
        ("typo:   0%|          | 0/3 [00:00<?, ?example/s]", "typo", 0, 3),
        ("\r 50%|█████     | 4/8 [00:01<00:01,  3.1it/s]", "3.1it/s", 4, 8),
    ],
)
def test_progress_bars_go_to_the_status_and_text_to_the_log(
    grid, monkeypatch, text, doing, done, of
):
    monkeypatch.setattr(status, "SECONDS_BETWEEN_WRITES", 0)
    (cell,) = grid.cells("target")
    current = status.Status(cell)
    with status.Log(cell, current) as log:
        log.write("a line\n")
        log.write(text)
        log.flush()
    found = status.read(cell)
    assert (found["doing"], found["done"], found["of"]) == (doing, done, of)
    assert status.log_of(cell).read_text() == "a line\n"
    current.failed("it broke")
    assert status.read(cell)["cause"] == "it broke"
    assert peak_mb(cell.params.outputs, "small") is None
    current.finished(700)
    assert status.read(cell) is None
    assert peak_mb(cell.params.outputs, "small") == 700


@given(st.text())
def test_no_text_of_a_notebook_breaks_the_search_for_bars(text):
    for bar in status.BAR.finditer(text):
        assert bar["done"].isdigit()


def test_a_failure_is_three_short_lines():
    lines = execution.failure(
        "03_x", "a.b", "Error: one\ntwo\n" + "x" * 9000, Path("f"), "my p.yaml"
    )
    assert len(lines) == 3
    assert max(map(len, lines)) < 500
    assert lines[1].startswith("  Error: one two xxx")
    assert lines[2] == "  See f; to continue: xlt run 'my p.yaml'"


def test_the_kernel_of_a_killed_cell_ends_too(grid, tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setenv(ADDRESS, f"{short}/warm")
        notebook = nbformat.read(ROOT / "notebooks" / "00_study_design.ipynb", 4)
        notebook.cells[-1].source = "while True: pass"
        nbformat.write(notebook, tmp_path / "00_study_design.ipynb")
        job = [tmp_path / "00_study_design.ipynb", tmp_path / "small.yaml", "design", "all"]
        process = psutil.Popen([sys.executable, "-m", execution.__name__, *job], cwd=ROOT)
        while not list(Path(short).glob("xlt-*/kernel-ipc-*")):
            assert process.poll() is None
            time.sleep(0.05)
        kernels = process.children()
        process.kill()
        process.wait()
        assert len(kernels) == 1
        assert psutil.wait_procs(kernels, timeout=10)[1] == []


@pytest.mark.parametrize(
    "name",
    [
        "outputs",
        "outputs/small",
        "outputs/small/logs",
        "outputs/small/00_study_design",
        "outputs/small/00_study_design/all",
        "cache",
        "cache/contents",
    ],
)
def test_a_file_in_the_place_of_a_folder_is_named_before_anything_starts(
    tmp_path, tiny_encoder, name
):
    params, file = write_profile(tmp_path, tiny_encoder), tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    for command in ("check", "run", "clean"):
        done = RUNNER.invoke(app, [command, str(params)])
        assert done.exit_code == 2, done.output
        assert f"{file} is a file where a folder is needed; move or remove it" in done.output
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["run.log", ".run.lock"])
def test_a_folder_in_the_place_of_a_file_is_named_before_anything_starts(grid, tmp_path, name):
    folder = grid.params.outputs / "small" / name
    folder.mkdir(parents=True)
    done = RUNNER.invoke(app, ["run", str(tmp_path / "small.yaml")])
    assert done.exit_code == 2
    assert f"{folder} is a folder where a file is needed; move or remove it" in done.output


def test_a_profile_without_tables_says_so(grid, tmp_path):
    params = str(tmp_path / "small.yaml")
    done = RUNNER.invoke(app, ["paper", params])
    assert done.exit_code == 2
    assert "profile small: none of its stages makes a table or a figure. Add " in done.output
    assert "Profile small has no tables. Add " in RUNNER.invoke(app, ["results", params]).output


def test_a_cell_that_failed_before_it_had_a_notebook_names_its_log(grid, tmp_path):
    (target,) = grid.cells("target")
    target.folder.mkdir(parents=True)
    target.path("failed.ipynb").write_text("an earlier failure")
    source = tmp_path / "03_target_training.ipynb"
    source.write_text("no notebook")
    params, watch = tmp_path / "small.yaml", watching(grid, target)
    job = [sys.executable, "-m", execution.__name__, source, params, "target", target.key]
    done = subprocess.run(job, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1, done.stderr
    log = status.log_of(target)
    assert "NotJSONError" in log.read_text()
    assert f"  See {log}; to continue: xlt run {params}" in done.stdout
    watch.look()
    assert f"See {log}" in watch.console.export_text()


def finished(folder: Path, notebook: str, seconds: float, **factors: str) -> None:
    """A manifest with what an estimate reads."""
    name = ".".join(factors.values()) or "all"
    path = folder / notebook / name / "manifest.json"
    artifacts.write_json(path, {"seconds": seconds, "factors": factors})


def test_time_left_is_learnt_from_cells_that_are_alike(grid):
    outputs = grid.params.outputs
    (target,) = grid.cells("target")
    alike = {"encoder": "tiny", "task": "xnli", "method": "standard", "arm": "x"}
    finished(outputs / "other", "03_target_training", 50, **alike)
    by_speed, learnt = Seconds.learnt(outputs, "small").of(target)
    assert (by_speed > OVERHEAD_SECONDS, learnt) == (True, False)
    finished(outputs / "small", "03_target_training", 9, **(alike | {"method": "adv"}))
    assert Seconds.learnt(outputs, "small").of(target) == (9, True)
    finished(outputs / "small", "03_target_training", 20, **alike)
    finished(outputs / "small", "03_target_training", 900, **(alike | {"encoder": "large"}))
    learnt = Seconds.learnt(outputs, "small")
    assert learnt.of(target) == (20, True)
    rest = Rest.of([target] * 4 + grid.cells("evaluation"), learnt, at_once=2)
    assert (rest.unknown, rest.guessed) == (0, 1)
    assert rest.seconds == pytest.approx(40 + OVERHEAD_SECONDS / 2, abs=1)
    assert str(rest).endswith(
        "left; 1 of the cells estimated from this machine's speed (within a factor of 3)"
    )
    # Manifests that are no manifests are passed over.
    for content in ("[]", "null", "{", '{"seconds": "x", "factors": {}}'):
        (outputs / "small" / "03_target_training" / "x.xnli.adv").mkdir(exist_ok=True)
        (outputs / "small" / "03_target_training" / "x.xnli.adv" / "manifest.json").write_text(
            content
        )
        assert Seconds.learnt(outputs, "small").of(target) == (20, True)


def test_the_work_of_a_cell_follows_from_its_params(grid, tiny_encoder):
    config = json.loads((tiny_encoder / "config.json").read_text())
    width, inner = config["hidden_size"], config["intermediate_size"]
    weights = config["num_hidden_layers"] * (4 * width**2 + 2 * width * inner)
    tokens = 64 * workload.FILLED
    (target,), (evaluation,) = grid.cells("target"), grid.cells("evaluation")
    # 12 training examples, forward and backward; 4 test examples in 2 languages, forward only.
    assert workload.operations(target) == 2 * weights * 12 * 3 * tokens
    assert workload.operations(evaluation) == 2 * weights * 8 * tokens
    assert workload.operations(grid.cells("corpora")[0]) == 0


def test_frozen_layers_save_their_share_of_the_backward_pass(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder)
    profile = yaml.safe_load(file.read_text(encoding="utf-8"))
    profile["methods"] = {"adv": {"kind": "adv", "radius": 0.1, "step_size": 0.1}}
    profile["targets"]["xnli"]["crossings"] = [{"arms": ["plain"], "methods": ["standard", "adv"]}]

    def operations(frozen_layers: int | None) -> list[float]:
        profile["targets"]["xnli"]["optimisation"]["frozen_layers"] = frozen_layers
        file.write_text(yaml.safe_dump(profile), encoding="utf-8")
        done = {c.method: workload.operations(c) for c in Grid(schema.load(file)).cells("target")}
        return [done["standard"], done["adv"]]

    layers = json.loads((tiny_encoder / "config.json").read_text())["num_hidden_layers"]
    forward = operations(None)[0] / 3
    assert operations(None) == pytest.approx([3 * forward, 6 * forward])
    assert operations(layers) == pytest.approx([forward, 4 * forward])
    saved = 2 / layers
    assert operations(1) == pytest.approx([(3 - saved) * forward, (6 - saved) * forward])


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"corpora": {"xnli": {"source": "hub"}}},
        {"encoders": {"tiny": {"name": "nobody/has-this"}}},
    ],
)
def test_there_is_no_estimate_of_what_is_not_on_this_machine(tmp_path, tiny_encoder, elsewhere):
    grid = Grid(schema.load(write_profile(tmp_path, tiny_encoder, **elsewhere)))
    (target,) = grid.cells("target")
    assert Seconds.learnt(grid.params.outputs, "small").of(target) == (None, False)
    assert str(Rest.of([target], Seconds({}, {}), 1)) == "no estimate for 1 cell"
    # What can be estimated is then a part of the time.
    assert str(Rest(600.0, unknown=1, guessed=0)) == "at least 10 min left; no estimate for 1 cell"
    assert str(Rest(600.0, unknown=0, guessed=0)) == "about 10 min left"


def test_durations_are_said_as_people_say_them():
    assert [duration(s) for s in (0.4, 89, 600, 3 * 3600)] == [
        "0 s",
        "89 s",
        "10 min",
        "3 h 00 min",
    ]


def test_clean_shows_what_is_left_over_and_removes_it_only_when_told(grid, tmp_path):
    file = tmp_path / "small.yaml"
    (target,) = grid.cells("target")
    gone = target.folder.parent / "tiny.old-arm.xnli.standard.seed1"
    kept = target.work("checkpoints/checkpoint-1/state")
    other = target.folder / "work" / "0123456789abcdef" / "state"
    for path in (gone / "metrics.json", gone / ".lock", kept, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    found = {one.path for one in leftovers(grid)}
    assert found == {gone, other.parent}
    result = RUNNER.invoke(app, ["clean", str(file)])
    assert result.exit_code == 0
    assert "nothing was removed" in result.output
    assert gone.exists()
    result = RUNNER.invoke(app, ["clean", str(file), "--yes"])
    assert "MB freed" in result.output
    assert not gone.exists()
    assert not other.exists()
    assert kept.exists()
    folder = grid.params.outputs / grid.params.profile
    for options in ((), ("--yes",)):
        assert clean(tmp_path, *options).split() == f"{folder}: nothing to remove.".split()


def clean(folder: Path, *options: str) -> str:
    """What `xlt clean` says of the small study in a folder."""
    done = RUNNER.invoke(app, ["clean", str(folder / "small.yaml"), *options])
    assert done.exit_code == 0, done.output
    return done.output


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_clean_removes_no_file_that_the_study_did_not_make(grid, tmp_path):
    outputs = grid.params.outputs / "small"
    targets, (target,) = outputs / "03_target_training", grid.cells("target")
    gone = targets / "tiny.old-arm.xnli.standard.seed1"
    # Copies under other names are the user's, with or without a manifest.
    about = {"stage": "03_target_training", "factors": {"encoder": "tiny"}, "settings": None}
    about |= {"fingerprint": "", "inputs": {}, "reads": {}, "versions": {}, "seconds": 1}
    code = {"version": "", "source": ""}
    listed = {"metrics.json": {"sha256": "", "bytes": 0}}
    for folder in (target.folder, targets / "tiny.best.xnli.standard.seed1"):
        record = about | {"code": code, "files": listed}
        artifacts.write_sealed(folder / "manifest.json", record)
        (folder / "metrics.json").write_text("{}")
    mine = {
        f"03_target_training/{name}"
        for name in (
            "notes.txt",
            "a copy of tiny/metrics.json",
            "tiny.my-notes.xnli.standard.seed1/tables/mine.csv",
            "tiny.best.xnli.standard.seed1/manifest.json",
            "tiny.best.xnli.standard.seed1/metrics.json",
            f"{target.key}/notes.txt",
            f"{target.key}/tables/mine.csv",
            f"{gone.name}/notes.md",
            f"{gone.name}/my.ipynb",
            f"{gone.name}/{manifest.WORK}/ideas.txt",
        )
    } | {"00_study_design/drafts/.lock", "00_notes/all/metrics.json", "logs/notes.txt", "notes.txt"}
    study = {
        f"{target.key}/notebook.ipynb",
        f"{gone.name}/.executing.lock",
        f"{gone.name}/metrics.json",
        f"{gone.name}/model/model.safetensors",
        f"{gone.name}/.metrics.json.ab3_defg",
        f"{gone.name}/{manifest.WORK}/0123456789abcdef/state",
    }
    study = {f"03_target_training/{name}" for name in study}
    study |= {"logs/03_x.y.log", "run.log", ".revisions.json.ab3_defg"}
    for name in mine | study:
        (outputs / name).parent.mkdir(parents=True, exist_ok=True)
        (outputs / name).touch()
    said = clean(tmp_path, "--yes")
    assert files(outputs) - {".run.lock"} == mine
    assert f"{gone}: kept, with files that the study did not make" in said
    assert not (gone / "model").exists()


def test_clean_removes_from_the_cache_what_this_project_keeps_there(grid, tmp_path):
    cache = grid.params.cache  # there need be no outputs any more
    for name in ("tiny-trimmed-1", "tiny"):
        made_once(cache / name, lambda path: (path / "config.json").write_text("{}"))
    own = {
        "contents/rows-0123456789abcdef",
        "contents/.rows-0123456789abcdef.ab3_defg",
        "lexicons/0123456789abcdef.sealed.json",
        ".tiny.ab3_defg/model.safetensors",
    }
    mine = {
        "somebody's thesis/1.txt",
        "notes.txt",
        "contents/notes.txt",
        "lexicons/german.txt",
        "tiny/my notes.txt",
        "unsealed/config.json",
        "unsealed/.digests.json",
        ".unsealed.ab3_defg/config.json",
    }
    for name in own | mine:
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).touch()
    with FileLock(cache / ".tiny.lock"):  # a conversion is under way
        assert ".tiny.ab3_defg" not in clean(tmp_path, "--cache")
    said = clean(tmp_path, "--cache", "--yes")
    assert files(cache) == mine
    assert f"{cache / 'tiny'}: kept, with files that the study did not make" in said
    assert not (cache / "tiny-trimmed-1").exists()


def test_clean_makes_nothing(grid, tmp_path):
    (grid.params.cache / "contents").mkdir(parents=True)
    clean(tmp_path, "--cache")
    clean(tmp_path, "--cache", "--yes")
    assert not grid.params.outputs.exists()
    (target,) = grid.cells("target")
    target.folder.mkdir(parents=True)
    clean(tmp_path)
    assert files(grid.params.outputs) == set()


def test_a_cell_that_is_made_again_keeps_the_notes_in_its_folder(grid):
    (target,) = grid.cells("target")
    for name in ("metrics.json", "model/config.json", ".metrics.json.ab3_defg", "notes.txt"):
        target.path(name).parent.mkdir(parents=True, exist_ok=True)
        target.path(name).touch()
    target.path("work").mkdir()
    target.path("work/notes.txt").touch()
    with work.held(target) as todo:
        assert todo
    assert files(target.folder) - {".lock"} == {"notes.txt", "work/notes.txt"}


def test_every_file_that_a_stage_makes_is_known_to_be_the_studys():
    made = {
        PurePosixPath(name)
        for record in (ROOT / "outputs").glob("*/*/*/manifest.json")
        for name in manifest.read(record.parent).files
    }
    assert len(made) > 60
    assert [str(name) for name in made if not manifest.is_result(str(name))] == []


@pytest.mark.parametrize("cache", ["outputs", "."])
def test_a_cache_that_holds_the_outputs_is_refused(tmp_path, tiny_encoder, cache):
    file = write_profile(tmp_path, tiny_encoder, outputs="outputs", cache=cache)
    with pytest.raises(InputError, match=r"cache: .* also holds the outputs"):
        preflight.check_sources(schema.load(file))


@pytest.mark.parametrize("name", ["x.zip", "x.tar.bz2", "small.yaml", ".tar"])
def test_a_bundle_is_an_archive_and_replaces_no_other_file(tmp_path, tiny_encoder, name):
    file = write_profile(tmp_path, tiny_encoder)
    before = file.read_bytes()
    with pytest.raises(InputError, match=r"give NAME\.tar, NAME\.tar\.gz or NAME\.tgz"):
        pack(file, ROOT, tmp_path / name)
    assert file.read_bytes() == before


def test_a_finished_cell_that_is_read_back_costs_little(grid):
    (target,) = grid.cells("target")
    learnt = Seconds({("03_target_training", "tiny", "xnli", "standard", None): [5000.0]}, {})
    assert learnt.of(target)[0] == 5000
    here = {"done": True, "complete": True, "stage": target.stage, "factors": target.factors}
    done = type("Done", (), here)()
    assert learnt.of(done) == (OVERHEAD_SECONDS, True)


def test_a_bundle_holds_what_a_run_needs_under_relative_paths_and_no_more(tmp_path, tiny_encoder):
    data = tmp_path / "my data"
    data.mkdir()
    (data / "words.json").write_text('{"red": ["scarlet"]}')
    encoder = shutil.copytree(tiny_encoder, tmp_path / "elsewhere" / "encoder")
    methods = {"rs-da": {"kind": "rs-da", "neighbours": {"en": "my data/words.json"}}}
    unused = {"source": "local", "folder": "my data"}
    corpora = {"xnli": {"source": "local", "folder": "xnli data"}, "xquad": unused}
    changes = {"methods": methods, "claims": "its claims.yaml", "corpora": corpora}
    file = write_profile(tmp_path, encoder, **changes)
    shutil.copy(ROOT / "params" / "claims.yaml", tmp_path / "its claims.yaml")
    # A file of the data may be a link, as in the hub's own cache.
    english = tmp_path / "xnli data" / "en" / "test-00000-of-00001.parquet"
    english.rename(data / "blob")
    english.symlink_to(data / "blob")
    for made in ("outputs", "cache"):
        (tmp_path / made).mkdir()
        (tmp_path / made / "large").touch()
    archive = tmp_path / "study.tar.gz"
    (tmp_path / "Snakefile").symlink_to(ROOT / "Snakefile")
    for name in ("notebooks", "xltlib"):
        (tmp_path / name).symlink_to(ROOT / name)
    result = RUNNER.invoke(app, ["bundle", str(file), str(archive)])
    assert result.exit_code == 0, result.output
    there = tmp_path / "there"
    with tarfile.open(archive) as tar:
        tar.extractall(there, filter="data")
    for gone in (data, encoder, tmp_path / "xnli data"):
        shutil.rmtree(gone)
    raw = yaml.safe_load((there / "study" / "params" / "small.yaml").read_text())
    assert raw["encoders"]["tiny"]["name"] == "../data/encoder"
    assert raw["methods"]["rs-da"]["neighbours"]["en"] == "../data/words.json"
    assert raw["corpora"] == {"xnli": {"source": "local", "folder": "../data/xnli data"}}
    assert not list(there.rglob("large"))
    packed = (there / "study" / "data" / "xnli data").rglob("*.parquet")
    assert {f"{path.parent.name}/{path.name.partition('-')[0]}" for path in packed} == {
        "en/train",
        "en/test",
        "ru/test",
    }
    result = RUNNER.invoke(app, ["check", str(there / "study" / "params" / "small.yaml")])
    assert result.exit_code == 0, result.output
    assert "6 cells will run" in result.output  # with that of the claims
    assert (there / "study" / "notebooks" / "03_target_training.ipynb").is_file()
    assert not list(there.rglob("__pycache__"))


def bundled(file: Path, archive: Path) -> Path:
    """A profile's bundle, unpacked beside it."""
    pack(file, file.parent, archive)
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert len(names) == len(set(names))
        tar.extractall(file.parent / "there", filter="data")
    return file.parent / "there" / archive.stem


def test_a_bundle_gives_every_file_a_name_of_its_own(tmp_path, tiny_encoder):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "words.json").write_text(json.dumps({"red": [name]}))
    lists = {code: f"{name}/words.json" for code, name in (("en", "a"), ("de", "b"))}
    methods = {"rs-da": {"kind": "rs-da", "neighbours": lists}}
    shutil.copy(ROOT / "params" / "claims.yaml", tmp_path / "its claims.yaml")
    file = write_profile(tmp_path, tiny_encoder, methods=methods, claims="its claims.yaml")
    # The name that the claims have in a bundle.
    file = file.rename(tmp_path / "claims.yaml")
    there = schema.load(bundled(file, tmp_path / "study.tar") / "params" / "claims.yaml")
    assert there.claims == schema.load(file).claims
    found = there.methods["rs-da"].neighbours
    assert {code: json.loads(path.read_text())["red"] for code, path in found.items()} == {
        "en": ["a"],
        "de": ["b"],
    }
    assert {path.suffix for path in found.values()} == {".json"}


def test_a_bundle_is_not_written_into_a_folder_that_it_packs(tmp_path, tiny_encoder):
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (tmp_path / "link").symlink_to(encoder)
    file = write_profile(tmp_path, encoder)
    for folder in (encoder, tmp_path / "link", encoder / "new"):
        with pytest.raises(InputError, match=r"study\.tar: lies in .*encoder, which it packs"):
            pack(file, tmp_path, folder / "study.tar")
    assert files(encoder) == files(tiny_encoder)
    # Of a corpus only the files that are read are packed, and not what lies beside them.
    there = bundled(file, tmp_path / "xnli data" / "study.tar")
    assert not list(there.rglob("*.tar"))


def test_a_bundle_takes_every_model_that_a_profile_names():
    from xltlib.execution.bundle import _models

    raw = {
        "typo": {"recipe": {"kind": "typo", "ranking": "gradient", "surrogate": "org/other"}},
        "mlm": {"recipe": {"kind": "mlm", "model": "org/masked"}},
        "mixed": {
            "test_sets": [
                {
                    "corpus": "tydiqa",
                    "languages": ["ru"],
                    "perturbation": {"kind": "codemix", "lexicons": {"ru": ["words.txt"]}},
                }
            ],
            "recipe": {"kind": "typo"},
        },
    }
    common = {
        "target": "tydiqa",
        "test_sets": [{"corpus": "tydiqa", "languages": ["ru"]}],
        "examples_per_language": 1,
    }
    settings = {
        name: schema.AttackSettings.model_validate(common | attack) for name, attack in raw.items()
    }
    assert [(model, key) for model, _, key in _models(settings, raw)] == [
        ("org/other", "surrogate"),
        ("org/masked", "model"),
        ("me5-small", "encoder"),
    ]


def test_a_bundle_refuses_a_corpus_of_the_hub(tmp_path, tiny_encoder, monkeypatch):
    from xltlib.execution.bundle import pack

    file = write_profile(tmp_path, tiny_encoder, corpora={"xnli": {"source": "hub"}})
    with pytest.raises(InputError, match=r"corpora\.xnli\.source: hub.*hf download"):
        pack(file, ROOT, tmp_path / "study.tar")
    assert not (tmp_path / "study.tar").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("how", ["itself", "wrapped", "in words"])
def test_no_room_is_known_by_its_number_whoever_says_it(number, how):
    error: Exception = OSError(number, os.strerror(number))
    if how == "wrapped":
        cause, error = error, ValueError("cannot save")
        error.__cause__ = cause
    elif how == "in words":
        error = RuntimeError(f"IoError: {os.strerror(number)} (os error {number})")
    assert no_room(error) in artifacts.NO_ROOM.values()
    assert no_room(ValueError("no")) is None
    assert no_room(PermissionError(errno.EACCES, "denied")) is None


def test_what_killed_conversions_left_is_swept_by_the_next(tmp_path):
    for name in (".me5.ab3_defg", ".me5.12345678"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"x")
    others = {".me5.trimmed.ab3_defg", ".me5.lock", ".me5x.ab3_defg"}
    for name in others:
        (tmp_path / name).mkdir() if not name.endswith("lock") else (tmp_path / name).touch()
    made = made_once(tmp_path / "me5", lambda path: (path / "config.json").touch())
    assert {path.name for path in made.parent.iterdir()} == others | {"me5"}


def watching(grid, *cells, **more):
    from rich.console import Console

    from xltlib.execution.display import Watch

    job = workflow.Workflow(ROOT, Path("small.yaml"), grid.params, cores=1, gpus=0)
    return Watch(job, list(cells), Console(record=True, width=200), **more)


def test_an_estimate_of_a_running_cell_shrinks(grid):
    finished(
        grid.params.outputs / "small", "03_target_training", 100, task="xnli", method="standard"
    )
    (target,) = grid.cells("target")
    watch = watching(grid, target, began=time.time() - 60)
    status.Status(target).doing("training", done=4, of=10)
    record = json.loads(status.log_of(target, "json").read_text())
    artifacts.write_json(status.log_of(target, "json"), record | {"since": time.time() - 30})
    watch.look()
    assert watch.left.seconds == pytest.approx(70, abs=2)
    watch.console.print(watch.table())
    text = watch.console.export_text()
    for part in ("03_target_training", "tiny.plain.xnli.standard.seed1", "about 70 s left"):
        assert part in text


def test_a_finished_cell_is_shown_with_its_own_time(grid):
    (target,) = grid.cells("target")
    watch = watching(grid, target)
    artifacts.write_json(status.log_of(target, "json"), {"state": "done", "seconds": 3780.0})
    target.notebook.parent.mkdir(parents=True)
    target.notebook.touch()
    watch.look()
    assert "(63 min)" in watch.console.export_text()


def test_a_cell_that_is_started_once_more_has_not_failed(grid):
    (target,) = grid.cells("target")
    watch = watching(grid, target)
    status.Status(target).failed("it was killed")
    watch.look()
    watch.look()
    assert watch.failed == {target: "it was killed"}
    assert watch.console.export_text().count("it was killed") == 1
    status.Status(target).doing("training")
    watch.look()
    assert (watch.failed, list(watch.running)) == ({}, [target])
    status.Status(target).failed("it was killed again")
    watch.look()
    assert watch.failed == {target: "it was killed again"}
    target.notebook.parent.mkdir(parents=True)
    target.notebook.touch()
    watch.look()
    assert (watch.failed, watch.done) == ({}, [target])


def test_what_an_earlier_run_left_is_not_shown_and_clocks_of_nodes_may_differ(grid):
    (target,), (other,) = grid.cells("target"), grid.cells("evaluation")
    status.Status(target).failed("yesterday's error")
    watch = watching(grid, target, other)
    status.Status(other).failed("today's error")
    record = json.loads(status.log_of(other, "json").read_text())
    slow = record | {"since": time.time() - 600}  # a node whose clock is behind
    artifacts.write_json(status.log_of(other, "json"), slow)
    watch.look()
    assert watch.failed == {other: "today's error"}


def test_cells_at_once_follow_cores_memory_and_gpus(monkeypatch):
    monkeypatch.setattr(workflow, "memory_here", lambda: 10_000)
    on_cpu = schema.ComputeSettings(threads=2, mem_mb=1000)
    assert workflow.cells_at_once(on_cpu, cores=9, gpus=0) == 4
    assert workflow.cells_at_once(on_cpu, cores=64, gpus=0) == 10
    assert workflow.cells_at_once(on_cpu, cores=1, gpus=0) == 1
    on_gpu = schema.ComputeSettings(device="cuda", gpus=1, mem_mb=1000)
    assert workflow.cells_at_once(on_gpu, cores=64, gpus=3) == 3


def test_on_a_cluster_as_many_cells_run_as_its_profile_allows(grid):
    file = Path("small.yaml")
    job = workflow.Workflow(ROOT, file, grid.params, 2, 0, profile=ROOT / "params" / "slurm")
    assert job.at_once == 20


def test_what_cannot_be_removed_is_said(grid, tmp_path, monkeypatch):
    gone = grid.params.outputs / "small" / "03_target_training" / "tiny.gone.xnli.standard.seed1"
    gone.mkdir(parents=True)
    (gone / ".lock").touch()

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "rmdir", refuse)
    result = RUNNER.invoke(app, ["clean", str(tmp_path / "small.yaml"), "--yes"])
    assert result.exit_code == 2
    assert f"{gone}: cannot be removed (Permission denied)" in result.output


def test_an_edit_of_the_params_during_a_run_is_told_at_its_end(grid, tmp_path, capsys):
    from xltlib.cli.run import _tell_of_edits

    file = tmp_path / "small.yaml"
    job = workflow.Workflow(ROOT, file, grid.params, cores=1, gpus=0)
    _tell_of_edits(job)
    assert capsys.readouterr().out == ""
    whole = file.read_text()
    for edited in (whole.replace("1000", "2000"), "seeds: ["):
        file.write_text(edited)
        _tell_of_edits(job)
        assert "was edited during the run" in " ".join(capsys.readouterr().out.split())


def test_cells_keep_memory_unless_the_user_says_otherwise(grid, tmp_path, monkeypatch):
    job = workflow.Workflow(ROOT, tmp_path / "small.yaml", grid.params, cores=1, gpus=0)
    monkeypatch.delenv("MALLOC_MMAP_MAX_", raising=False)
    assert job.environment()["MALLOC_MMAP_MAX_"] == "0"
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "9")
    assert job.environment()["MALLOC_MMAP_MAX_"] == "9"


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(InputError, match=r"this file system does not support locks"),
        only_run(tmp_path),
    ):
        pass


def test_cells_record_the_code_that_the_warm_process_imported(monkeypatch):
    expected = {stage.module: code.source_of(stage.module) for stage in STAGES.values()}
    code.source_of.cache_clear()
    warm._remember_code()
    monkeypatch.setattr(code, "_imports", None)  # no source is read again
    assert {module: code.source_of(module) for module in expected} == expected


def test_the_warm_process_imports_what_every_stage_needs():
    assert {stage.module for stage in STAGES.values()} <= set(HEAVY)
    assert all(importlib.util.find_spec(name) for name in HEAVY)


def test_no_import_asks_for_a_gpu_because_cells_are_forks():
    """CUDA cannot be used in a fork of a process that has initialised it."""
    code = f"""
import importlib, torch

def asked(*_):
    raise AssertionError("CUDA was asked before the cells are forked")

torch.cuda.is_available = torch.cuda._lazy_init = torch.cuda.current_device = asked
for name in {HEAVY!r}:
    importlib.import_module(name)
assert torch.cuda.is_available is asked
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
