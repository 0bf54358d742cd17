"""Target training with each method, on span QA and on pairs: the same steps, another model."""

import json

import pytest
import torch
from safetensors.torch import load_file

from xltlib import params as schema
from xltlib.study import Grid, corpora, evaluation, intermediate, target
from xltlib.training.robust import methods

NEIGHBOURS = {"the": ["that", "this"], "is": ["was"], "of": ["belonging to"]}
METHODS = {
    "adv": {"kind": "adv", "radius": 0.1, "step_size": 0.1},
    "rs-rp": {"kind": "rs-rp", "radius": 0.1, "draws": 2},
    "rs-da": {"kind": "rs-da", "neighbours": {"en": "near.json"}, "copies": 3},
}
CROSSED = {"crossings": [{"arms": ["none"], "methods": ["standard", *METHODS]}]}
HEADS = {"tydiqa": "qa_outputs.weight", "xnli": "encoder.layer.1.output.dense.weight"}


@pytest.fixture
def profile(tiny_profile, edit_profile, tmp_path):
    """A function that writes the tiny profile with one target task and all methods."""

    def write(task: str = "tydiqa", **methods: object) -> Grid:
        (tmp_path / "near.json").write_text(json.dumps(NEIGHBOURS))
        params = schema.load(tiny_profile).targets[task].model_dump(exclude_none=True)
        edits = {
            "intermediate.arms": {"none": {}},
            "targets": {task: params | CROSSED},
            "methods": METHODS | methods,
        }
        if task != "tydiqa":
            edits["attacks"] = {}
        return Grid(schema.load(edit_profile(tiny_profile, tiny_profile, edits)))

    return write


def trained(grid):
    """Metrics and encoder weights by method."""
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    return {
        cell.method: (
            target.run(cell, progress=False),
            load_file(cell.path("model/model.safetensors")),
        )
        for cell in grid.cells("target")
    }


@pytest.mark.parametrize("task", ["tydiqa", "xnli"])
def test_methods_take_the_same_steps_and_give_other_models(profile, task):
    grid = profile(task)
    results = trained(grid)
    epochs = grid.params.targets[task].epochs
    steps = epochs * -(-results["standard"][0]["rows"] // 4)
    assert {metrics["steps"] for metrics, _ in results.values()} == {steps}
    weights = {method: state[HEADS[task]] for method, (_, state) in results.items()}
    for method in METHODS:
        assert not torch.equal(weights[method], weights["standard"]), method


def test_a_model_of_pairs_is_scored_in_every_pair_of_languages(profile):
    grid = profile("xnli")
    trained(grid)
    for cell in grid.cells("evaluation"):
        scores = evaluation.run(cell, progress=False)["xnli"]
        assert list(scores["languages"]) == ["en-en", "en-ru", "ru-en", "ru-ru"]
        assert {score["n"] for score in scores["languages"].values()} == {8}
        assert set(scores["averages"]["accuracy"]) == {"pooled", "off_diagonal"}


def test_the_authors_unmatched_form_takes_as_many_times_the_steps_as_copies(profile):
    grid = profile(**{"rs-da": METHODS["rs-da"] | {"matched": False}})
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    (cell,) = (c for c in grid.cells("target") if c.method == "rs-da")
    metrics = target.run(cell, progress=False)
    assert metrics["steps"] == 3 * 2 * -(-metrics["rows"] // 4)


def test_the_unmatched_form_has_epochs_of_its_own(profile):
    grid = profile(**{"rs-da": METHODS["rs-da"] | {"matched": False, "epochs": 1}})
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    (cell,) = (c for c in grid.cells("target") if c.method == "rs-da")
    metrics = target.run(cell, progress=False)
    assert metrics["steps"] == 3 * -(-metrics["rows"] // 4)


def test_only_the_copies_that_training_reads_are_made(profile, monkeypatch):
    grid = profile(**{"rs-da": METHODS["rs-da"] | {"copies": 10}})
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    made, smoothed = [], methods.smoothed

    def watched(rows, neighbours, seed, copy):
        made.append(copy)
        return smoothed(rows, neighbours, seed, copy)

    monkeypatch.setattr(methods, "smoothed", watched)
    (cell,) = (c for c in grid.cells("target") if c.method == "rs-da")
    target.run(cell, progress=False)
    assert made == [0, 1]  # two epochs


def test_settings_of_a_method_make_only_its_own_cells_stale(profile):
    first, second = profile(), profile(adv=METHODS["adv"] | {"steps": 3})
    changed = {
        a.method
        for a, b in zip(first.cells("target"), second.cells("target"), strict=True)
        if a.fingerprint != b.fingerprint
    }
    assert changed == {"adv"}


@pytest.mark.parametrize("task", ["tydiqa", "xnli"])
def test_stopping_keeps_the_best_english_dev_checkpoint(tiny_profile, edit_profile, task):
    params = schema.load(tiny_profile).targets[task].model_dump(exclude_none=True)
    params["data"]["dev_split"] = "dev"
    params["optimisation"]["stopping"] = {"every_steps": 2}
    params["crossings"] = [{"arms": ["none"]}]
    edits = {f"targets.{task}": params, "intermediate.arms": {"none": {}}}
    grid = Grid(schema.load(edit_profile(tiny_profile, tiny_profile, edits)))
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    (cell,) = (c for c in grid.cells("target") if c.task == task and c.arm == "none")
    metrics = target.run(cell, progress=False)
    best = max(point["score"] for point in metrics["dev_scores"])
    kept = {point["step"]: point["score"] for point in metrics["dev_scores"]}
    assert kept[metrics["best_step"]] == best
    assert metrics["dev"] == pytest.approx(best)
    assert 0 <= best <= 100


def test_the_recipe_is_shown(profile):
    (cell,) = (c for c in profile().cells("target") if c.method == "rs-rp")
    table = target.settings_table(cell).set_index("setting")["value"]
    assert (table["method"], table["radius"], table["draws"]) == ("rs-rp", "0.1", "2")
