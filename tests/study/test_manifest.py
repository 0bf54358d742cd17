"""A finished cell can be trusted: every file by its hash, wherever the outputs lie."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.study.test_pipeline import kept
from tests.study.tiny_study import finish
from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.study import STAGES, Grid, code, evaluation, manifest, results, saved, work
from xltlib.study.cell import STRICT
from xltlib.study.todo import Todo, from_earlier_results


@pytest.fixture
def copied(finished_study, tmp_path) -> Grid:
    """The finished tiny study, moved elsewhere."""
    source = finished_study.params.outputs.parent
    shutil.copytree(source, tmp_path / "moved")
    return Grid(schema.load(tmp_path / "moved" / "tiny.yaml"))


def fresh(grid: Grid) -> Grid:
    """The same profile looked at anew."""
    return Grid(grid.params)


def first_cells(grid: Grid) -> list:
    """A cell of every stage that has files of its own."""
    return [grid.cells(stage)[-1] for stage in STAGES if stage != "design"]


def left_to_do(grid: Grid) -> list[str]:
    return [
        cell.name for cell in grid.everything() if not cell.done and cell.stage.name != "design"
    ]


def test_a_checkout_and_its_cache_may_move(copied):
    assert left_to_do(copied) == []
    for cell in first_cells(copied):
        assert str(copied.params.outputs) not in cell.path("manifest.json").read_text()


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "edited":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["cut", "edited", "removed"])
def test_every_damaged_file_of_every_stage_is_noticed(copied, how):
    tried = 0
    for cell in first_cells(copied):
        for name in cell.manifest.files:
            path = cell.path(name)
            whole = path.read_bytes()
            if not whole:
                continue
            damage(path, how)
            if how == "removed" and not manifest.travels(name):
                assert cell.done, name
                assert not cell.complete, name
                with pytest.raises(InputError, match="not on this machine"):
                    cell.artefact(name)
            else:
                assert not cell.done, name
                with pytest.raises(InputError, match=r"is damaged: .*Run `xlt run "):
                    cell.metrics()
            path.write_bytes(whole)
            assert cell.done
            tried += 1
    assert tried > 60


@pytest.mark.parametrize(
    "content", ["[]", "null", "", "{}", "3", '{"fingerprint": "', '{"seal": 1}', "\ud800"]
)
def test_a_foreign_manifest_means_not_done(copied, content):
    (cell,) = copied.cells("corpora")
    cell.path("manifest.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    assert not cell.done
    assert cell in Todo.of(copied).cells
    with pytest.raises(InputError, match="has not finished"):
        cell.metrics()


def test_an_edited_manifest_means_not_done(copied):
    (cell,) = copied.cells("results")
    file = cell.path("manifest.json")
    found = json.loads(file.read_text())
    file.write_text(json.dumps(found | {"seconds": 0.0}))
    assert not cell.done
    outside = {"../../secret": {"sha256": "", "bytes": 0}} | found["files"]
    file.write_text(json.dumps(found | {"files": outside}))
    assert not cell.done


def test_damaged_cells_are_made_again_byte_for_byte(copied, finished_study):
    damage(copied.cells("target")[0].path("model/model.safetensors"), "edited")
    damage(copied.cells("evaluation")[1].path("scores.parquet"), "cut")
    damage(copied.cells("attacks")[0].path("attacks.parquet"), "cut")
    damage(copied.cells("representation")[0].path("metrics.json"), "edited")
    (transfer,) = copied.cells("transfer")
    (cost,) = transfer.path("measured").glob("cost.*.json")
    damage(cost, "cut")
    (done,) = copied.cells("results")
    damage(done.path("tables/scores.csv"), "edited")
    # What a result of other params left is no part of the next one.
    done.path("tables/of_before.csv").write_text("n\n1\n")
    again = finish(copied.params.outputs.parent / "tiny.yaml")
    assert left_to_do(again) == []
    assert kept(again) == kept(finished_study)


def test_a_measurement_that_is_kept_gives_the_same_table(copied):
    (cell,) = copied.cells("transfer")
    before = cell.path("tables/cost.csv").read_bytes()
    damage(cell.path("tables/means.csv"), "edited")
    again = finish(copied.params.outputs.parent / "tiny.yaml")
    (cell,) = again.cells("transfer")
    assert cell.path("tables/cost.csv").read_bytes() == before


def test_results_travel_without_models_texts_and_cache(copied, finished_study, edit_profile):
    profile = copied.params.outputs.parent / "tiny.yaml"
    for cell in copied.everything():
        if cell.manifest is not None:
            cell.notebook.touch()
            for name in cell.manifest.files:
                if not manifest.travels(name):
                    cell.path(name).unlink()
    shutil.rmtree(copied.params.cache)
    grid = fresh(copied)
    assert left_to_do(grid) == []
    for cell in grid.cells("attacks") + grid.cells("evaluation"):
        assert not list(cell.folder.glob("attacks.*"))
        assert not list(cell.folder.glob("predictions.*"))

    # Later stages are made again from scores alone.
    for stage in ("results", "claims"):
        (cell,) = grid.cells(stage)
        cell.path("manifest.json").unlink()
    (cell,) = grid.cells("results")
    assert [one.stage.name for one in Todo.of(grid).cells] == ["design", "results", "claims"]
    results.run(cell)
    tables = saved.tables_of(finished_study.cells("results")[0])
    assert all(saved.tables_of(cell)[name].equals(tables[name]) for name in tables)

    # An attack more needs the models that it attacks, and what those start from.
    raw = schema.load(profile).attacks["typo"].model_dump(mode="json", exclude_none=True)
    more = raw | {"arms": ["english"], "examples_per_language": 1}
    target = edit_profile(profile, profile.with_name("more.yaml"), {"attacks.more": more})
    needed = Todo.of(Grid(schema.load(target)))
    todo = [cell.name for cell in needed.cells]
    assert {name for name in todo if name[:2] in ("02", "03", "04", "05")} == {
        "02_intermediate_training/tiny.english.seed1",
        "03_target_training/tiny.english.tydiqa.standard.seed1",
        "05_attacks/tiny.english.tydiqa.standard.seed1.more",
    }
    assert {cell.stage.name for cell in needed.again} == {"intermediate", "target"}
    file = needed.begin(target.parent)
    assert all(cell.done for cell in needed.again)  # until their own work begins
    again = Todo.read(file, Grid(schema.load(target)))
    assert [cell.name for cell in again.cells] == todo
    assert {cell.name for cell in again.again} == {cell.name for cell in needed.again}


def test_scores_that_travel_hold_no_text(finished_study):
    import pandas as pd

    for stage in ("evaluation", "attacks"):
        for cell in finished_study.cells(stage):
            frame = pd.read_parquet(cell.path("scores.parquet"))
            words = [name for name in frame if frame[name].dtype == object]
            assert set(words) <= {"corpus", "language", "id", "outcome", "edit_starts", "inserted"}


def test_cells_of_other_code_are_reported_and_strict_makes_them_again(copied, monkeypatch):
    (cell,) = copied.cells("results")
    assert not cell.outdated
    assert cell.manifest.code.version
    monkeypatch.setattr(code, "source_of", lambda module: f"other {module}")
    assert cell.outdated
    assert cell.done
    monkeypatch.setenv(STRICT, "1")
    assert not cell.done
    assert "was made by a different version of the code" in cell.problem


def make_again(cell, **metrics) -> None:
    """Finish a cell once more, with other metrics."""
    before = cell.metrics()
    cell.path("manifest.json").unlink()
    work.finish(cell, before | metrics, started=time.time())


def test_a_model_made_again_with_another_result_is_reported_and_strict_makes_its_readers_again(
    copied, monkeypatch
):
    model = copied.cells("target")[0]
    readers = [cell for cell in copied.everything() if model in cell.read]
    assert {cell.stage.name for cell in readers} >= {"evaluation", "attacks"}
    make_again(model)
    assert not [cell for cell in copied.everything() if cell.superseded]
    assert from_earlier_results(copied.everything()) is None

    make_again(model, loss=0.5)
    assert [cell for cell in copied.everything() if cell.superseded] == readers
    assert readers[0].done
    warning = from_earlier_results(copied.everything())
    assert warning.startswith(f"{len(readers)} finished cells were made from results")
    assert f"({readers[0].name} from {model.name})" in warning
    monkeypatch.setenv(STRICT, "1")
    assert readers[0].problem == f"was made from an earlier result of {model.name}"
    assert set(readers) <= set(Todo.of(copied).cells)


def test_a_manifest_without_results_of_other_cells_says_nothing_about_them(copied):
    model, (reader, *_) = copied.cells("target")[0], copied.cells("evaluation")
    about = json.loads(reader.path("manifest.json").read_text())
    manifest.write(reader.folder, {k: v for k, v in about.items() if k not in ("results", "seal")})
    make_again(model, loss=0.5)
    assert reader.done
    assert not reader.superseded


def test_counts_of_transfer_are_of_the_attacked_texts_that_are_here(copied):
    (cell,) = copied.cells("results")
    attack = copied.cells("attacks")[0]
    assert cell.stage.opens(cell) == []  # they are kept
    make_again(attack)
    assert cell.stage.opens(cell) == []
    make_again(attack, queries=0)
    assert attack in cell.stage.opens(cell)


def test_a_strict_run_follows_what_it_makes_again(copied, monkeypatch):
    model = copied.cells("target")[0]
    model.path("manifest.json").unlink()
    for cell in copied.everything():
        cell.folder.mkdir(parents=True, exist_ok=True)
        cell.notebook.touch()  # nothing is only to be read back
    assert [cell.stage.name for cell in Todo.of(copied).cells] == ["design", "target"]
    monkeypatch.setenv(STRICT, "1")
    after = Todo.of(copied)
    assert after.again == frozenset()
    assert {cell.stage.name for cell in after.cells} == {
        "design", "target", "evaluation", "attacks", "results", "representation", "claims",
    }  # fmt: skip


def test_everything_is_on_the_disk_before_the_manifest_says_so(copied, monkeypatch):
    (cell,) = copied.cells("claims")
    order = []
    monkeypatch.setattr(manifest, "sync", lambda folder: order.append(("sync", folder)))
    monkeypatch.setattr(manifest, "write_sealed", lambda path, _: order.append(("write", path)))
    manifest.write(cell.folder, {})
    assert order == [("sync", cell.folder), ("write", cell.path("manifest.json"))]


def test_a_deleted_cache_is_made_again_by_any_stage(copied):
    from xltlib.study.models import encoder_folder

    cell = copied.cells("target")[0]
    folder = encoder_folder(cell)
    weights = (folder / "model.safetensors").read_bytes()
    shutil.rmtree(copied.params.cache)
    assert encoder_folder(fresh(copied).cells("attacks")[0]) == folder
    assert (folder / "model.safetensors").read_bytes() == weights


def test_work_of_other_params_is_never_found_and_is_swept(copied, edit_profile):
    profile = copied.params.outputs.parent / "tiny.yaml"
    old = copied.cells("target")[0]
    checkpoint = old.work("checkpoints/checkpoint-3/trainer_state.json")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("{}")
    edits = {"targets.tydiqa.optimisation.learning_rate": 1e-4}
    new = Grid(schema.load(edit_profile(profile, profile, edits))).cells("target")[0]
    assert new.folder == old.folder
    assert new.work("checkpoints") != old.work("checkpoints")
    with work.held(new) as todo:
        assert todo
        assert not checkpoint.exists()
        # Nothing of the old result is left to be taken for the new one's.
        assert list(manifest.made(new.folder)) == []


def test_a_data_file_that_changes_while_a_cell_runs_is_noticed(copied, monkeypatch):
    from xltlib.study.contents import Contents

    cell = copied.cells("evaluation")[0]
    assert cell.fingerprint
    monkeypatch.setattr(Contents, "split", lambda self, split: "another")
    with pytest.raises(InputError, match="changed while it ran"):
        work.finish(cell, {}, started=0)


def test_two_splits_of_one_corpus_are_two_test_sets(copied, edit_profile):
    profile = copied.params.outputs.parent / "tiny.yaml"
    sets = [
        {"corpus": "tydiqa", "split": split, "languages": ["en"], "max_examples": 4}
        for split in ("test", "dev")
    ]
    edits = {"targets.tydiqa.test_sets": sets, "attacks.typo.test_sets": sets}
    grid = Grid(schema.load(edit_profile(profile, profile, edits)))
    read = evaluation._sets(grid.cells("evaluation")[0])
    assert [(name, len(rows)) for name, _, _, rows in read] == [
        ("tydiqa/test", 4),
        ("tydiqa/dev", 4),
    ]
    chosen = evaluation.data.to_attack(grid.params, grid.params.attacks["typo"])
    assert {key: len(rows) for key, rows in chosen.items()} == {
        ("tydiqa/test", "en"): 3,
        ("tydiqa/dev", "en"): 3,
    }
    ids = [set(rows["id"]) for rows in chosen.values()]
    assert not ids[0] & ids[1]


def test_hashes_do_not_trust_times_of_files_just_written(tmp_path):
    from xltlib.artifacts import sha256

    file = tmp_path / "file"
    file.write_bytes(b"one")
    before, first = file.stat(), sha256(file)
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256(file) != first


def test_scores_for_git_take_little_space_and_keep_what_they_say(tmp_path):
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(
        {
            "id": [f"english-{number}-0" for number in rng.integers(10**17, 10**18, 2000)],
            "passage": [f"{number:016x}" for number in rng.integers(0, 2**62, 2000)],
            "probability": rng.uniform(size=2000),
            "gold_probability": rng.uniform(size=2000),
            "start": rng.integers(0, 900, 2000),
            "f1": rng.choice([0.0, 2 / 3, 1.0], 2000),
        }
    )
    scores.loc[3, "gold_probability"] = np.nan
    saved.write_scores(tmp_path / "scores.parquet", scores)
    read = pd.read_parquet(tmp_path / "scores.parquet")
    likely = ["probability", "gold_probability"]
    pd.testing.assert_frame_equal(read.drop(columns=likely), scores.drop(columns=likely))
    np.testing.assert_allclose(read[likely], scores[likely], rtol=1e-6)
    scores.to_parquet(tmp_path / "plain.parquet")
    sizes = [tmp_path.joinpath(f"{name}.parquet").stat().st_size for name in ("scores", "plain")]
    assert sizes[0] < 0.6 * sizes[1]
