"""Target training with each robust method: the same data and steps, another model."""

import json

import pytest
import torch
from safetensors.torch import load_file

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.study import Grid, corpora, intermediate, target

NEIGHBOURS = {"the": ["that", "this"], "is": ["was"], "of": ["belonging to"]}
ROBUST = {
    "adv": {"radius": 0.1, "step_size": 0.1},
    "rs_rp": {"radius": 0.1, "draws": 2},
    "rs_da": {"neighbours": "near.json", "copies": 3},
}


@pytest.fixture
def profile(tiny_profile, edit_profile, tmp_path):
    """A function that writes the tiny profile with all methods and one arm."""

    def write(**robust: object) -> Grid:
        (tmp_path / "near.json").write_text(json.dumps(NEIGHBOURS))
        edits = {
            "intermediate.arms": {"none": {}},
            "target.methods": ["standard", "adv", "rs-rp", "rs-da"],
            "robust": ROBUST | robust,
        }
        return Grid(schema.load(edit_profile(tiny_profile, tiny_profile, edits)))

    return write


def trained(grid):
    """Metrics and weights by method."""
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    return {
        cell.method: (
            target.run(cell, progress=False),
            load_file(cell.path("model/model.safetensors")),
        )
        for cell in grid.cells("target")
    }


def test_methods_take_the_same_steps_and_give_other_models(profile):
    results = trained(profile())
    # Two epochs in batches of four windows.
    steps = 2 * -(-results["standard"][0]["windows"] // 4)
    assert {metrics["steps"] for metrics, _ in results.values()} == {steps}
    head = "qa_outputs.weight"
    weights = {method: state[head] for method, (_, state) in results.items()}
    for method in ("adv", "rs-rp", "rs-da"):
        assert not torch.equal(weights[method], weights["standard"]), method


def test_the_authors_unmatched_form_takes_as_many_times_the_steps_as_copies(profile):
    grid = profile(rs_da=ROBUST["rs_da"] | {"matched": False})
    corpora.prepare(grid.cells("corpora")[0])
    intermediate.run(grid.cells("intermediate")[0], progress=False)
    (cell,) = (c for c in grid.cells("target") if c.method == "rs-da")
    metrics = target.run(cell, progress=False)
    assert metrics["steps"] == 3 * 2 * -(-metrics["windows"] // 4)


def test_settings_of_a_method_make_only_its_own_cells_stale(profile):
    first, second = profile(), profile(adv=ROBUST["adv"] | {"steps": 3})
    changed = {
        a.method
        for a, b in zip(first.cells("target"), second.cells("target"), strict=True)
        if a.fingerprint != b.fingerprint
    }
    assert changed == {"adv"}


def test_a_method_without_its_settings_is_refused(profile):
    with pytest.raises(InputError, match=r"target\.methods: rs-rp needs the section robust\.rs_rp"):
        profile(rs_rp=None)


def test_the_recipe_is_shown(profile):
    (cell,) = (c for c in profile().cells("target") if c.method == "rs-rp")
    table = target.settings_table(cell).set_index("setting")["value"]
    assert (table["method"], table["radius"], table["draws"]) == ("rs-rp", "0.1", "2")
