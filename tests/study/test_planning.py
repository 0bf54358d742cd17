"""`xlt power` reads the models that have answered, and refuses plans that cannot be."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xltlib.artifacts import InputError
from xltlib.cli import app
from xltlib.study import Grid, planning

QUICK = Path(__file__).parents[2] / "params" / "quick.yaml"


def test_a_finished_study_is_a_pilot(finished_study):
    (table,) = planning.statement(finished_study, seeds=5).values()
    assert table["measure"].iloc[0] == "clean F1 on tydiqa"
    assert (table["detectable"] > 0).all()
    assert table["models"].iloc[0] == 3
    assert table["questions"].iloc[0] == 8
    (planned,) = planning.statement(finished_study, seeds=5, questions=800).values()
    assert (planned["detectable"] < table["detectable"]).all()


def test_without_a_finished_model_there_is_no_pilot(edited):
    with pytest.raises(InputError, match="no model has answered enough"):
        planning.statement(Grid(edited("profile", "nothing-here")), seeds=5)


def test_a_profile_with_one_seed_needs_a_planned_number(finished_study):
    with pytest.raises(InputError, match=r"tiny: .*Give the planned number with --seeds"):
        planning.statement(finished_study)


def test_a_plan_of_two_seeds_is_refused():
    found = CliRunner().invoke(app, ["power", str(QUICK), "--seeds", "2"])
    assert found.exit_code == 2
    assert "--seeds 2: give a number from 3" in found.output
