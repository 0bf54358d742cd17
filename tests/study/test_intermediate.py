"""Intermediate training: every task kind, either schedule, robust methods, early stopping."""

import json

import pytest

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.study import Grid, corpora, intermediate
from xltlib.training.robust import methods

TASKS = {
    "nli": ("xnli", "f1"),
    "paraphrase": ("pawsx", "accuracy"),
    "choice": ("xcopa", "accuracy"),
    "tags": ("udpos", "f1"),
    "questions": ("xquad", "window_f1"),
}


@pytest.fixture
def run(tiny_profile, edit_profile):
    """A function that trains one arm of the tiny profile on all task kinds."""

    def train(arm="german", **changes):
        tasks = {
            name: {"corpus": corpus, "dev_split": "dev", "languages": ["de"]}
            for name, (corpus, _) in TASKS.items()
        }
        raw = schema.load(tiny_profile).model_dump(mode="json")
        section = raw["intermediate"]
        sizes = {"train": 12, "dev": 6, "test": 4}
        edits = {
            "corpora": raw["corpora"]
            | {name: {"source": "mini", "mini": sizes} for name, _ in TASKS.values()},
            "intermediate": section
            | {
                "examples": dict.fromkeys(TASKS, 8),
                "arms": {arm: {"tasks": tasks} | changes.pop("arm_settings", {})},
            }
            | changes,
            "targets.xnli.crossings": [{"arms": [arm]}],
        }
        file = edit_profile(tiny_profile, tiny_profile, edits)
        grid = Grid(schema.load(file))
        corpora.prepare(grid.cells("corpora")[0])
        (cell,) = grid.cells("intermediate")
        return cell, intermediate.run(cell, progress=False)

    return train


def test_every_task_kind_trains_together_and_is_scored_on_dev(run):
    cell, metrics = run()
    assert metrics["steps"] == 2 * len(TASKS)
    assert metrics["examples"] == dict.fromkeys(TASKS, 8)
    for name, (_, metric) in TASKS.items():
        scores = metrics["dev"][name]["de"]
        assert all(0 <= value <= 100 for value in scores.values())
        if name != "nli":
            assert metric in scores
    table = intermediate.budget_table(cell)
    assert table["examples"].sum() == 8 * len(TASKS)


def test_passes_multiply_the_steps_and_read_the_same_items(run, monkeypatch):
    cell, once = run()
    cell, thrice = run(epochs=3)
    assert thrice["steps"] == 3 * once["steps"]
    assert thrice["examples"] == once["examples"]
    table = intermediate.budget_table(cell)
    assert table["examples"].sum() == 8 * len(TASKS)
    assert set(table["task_steps"]) == {6}
    assert all(intermediate.budgets_equal(cell).values())
    recipe = intermediate.settings_table(cell).set_index("setting")["value"]
    assert recipe["epochs"] == "3"


def test_each_pass_reads_a_copy_of_its_own(run, tiny_profile, edit_profile, tmp_path, monkeypatch):
    near = tmp_path / "de.json"
    near.write_text(json.dumps({"der": ["das"], "die": ["das"], "ist": ["war"], "in": ["bei"]}))
    method = {"kind": "rs-da", "neighbours": {"de": str(near)}, "copies": 2}
    edit_profile(tiny_profile, tiny_profile, {"methods.rs-da": method})
    made, smoothed = [], methods.smoothed

    def watched(rows, neighbours, seed, copy):
        made.append(copy)
        return smoothed(rows, neighbours, seed, copy)

    monkeypatch.setattr(methods, "smoothed", watched)
    run(arm="robust", arm_settings={"method": "rs-da"}, epochs=3)
    assert sorted(made) == sorted([0, 1] * len(TASKS))


def test_a_token_budget_would_be_unfair_between_languages(run):
    optimisation = {"learning_rate": 1e-3, "batch_size": 4, "batch_tokens": 500}
    with pytest.raises(InputError, match="arms would take different steps"):
        run(optimisation=optimisation)


def test_the_schedule_changes_the_model_and_is_in_the_recipe(run):
    _, mixed = run()
    cell, sequential = run(schedule="sequential")
    assert mixed["steps"] == sequential["steps"]
    assert mixed["losses"] != sequential["losses"]
    recipe = intermediate.settings_table(cell).set_index("setting")["value"]
    assert recipe["schedule"] == "sequential"


@pytest.mark.parametrize("method", ["adv", "rs-rp", "rs-da"])
def test_a_robust_method_serves_every_task_kind(run, method, tiny_profile, edit_profile, tmp_path):
    near = tmp_path / "de.json"
    near.write_text(json.dumps({"der": ["das"], "die": ["das"], "ist": ["war"], "in": ["bei"]}))
    edit_profile(
        tiny_profile,
        tiny_profile,
        {
            "methods": {
                "adv": {"kind": "adv", "radius": 0.1, "step_size": 0.1},
                "rs-rp": {"kind": "rs-rp", "radius": 0.1},
                "rs-da": {"kind": "rs-da", "neighbours": {"de": str(near)}},
            }
        },
    )
    _, standard = run(arm="plain")
    cell, robust = run(arm="robust", arm_settings={"method": method})
    assert robust["steps"] == standard["steps"]
    assert robust["losses"] != standard["losses"]
    assert intermediate.settings_table(cell).set_index("setting")["value"]["method"] == method


def test_rs_da_that_would_change_no_word_is_refused(run, tiny_profile, edit_profile):
    # The tiny vocabulary holds single characters, so no word is one piece of it.
    edit_profile(tiny_profile, tiny_profile, {"methods.rs-da": {"kind": "rs-da"}})
    with pytest.raises(
        InputError, match=r"no word of the training texts in de.* methods\.<name>\.neighbours"
    ):
        run(arm="robust", arm_settings={"method": "rs-da"})


def test_early_stopping_scores_english_dev_whatever_the_arm_trains_on(run):
    optimisation = {
        "learning_rate": 1e-3,
        "batch_size": 4,
        "stopping": {"every_steps": 2, "patience": 1},
    }
    _, metrics = run(optimisation=optimisation)
    assert metrics["best_step"] in {point["step"] for point in metrics["dev_scores"]}
    assert set(metrics["dev"]["nli"]) == {"de", "en"}
