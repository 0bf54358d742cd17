"""The arms of every shipped profile are fair: one budget, the same items where it can be."""

from pathlib import Path

import pytest

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.study import Grid, intermediate

ROOT = Path(__file__).parents[2]


def profile(name: str) -> schema.Params:
    params = schema.load(ROOT / "params" / f"{name}.yaml")
    for corpus, source in params.corpora.items():
        if source.source == "hub":
            pytest.skip(f"{name}: {corpus} comes from the hub")
        if source.folder is not None and not Path(source.folder).is_dir():
            pytest.skip(f"{name}: the real data samples are not here ({source.folder})")
    return params


@pytest.mark.parametrize("name", ["quick", "tydiqa"])
def test_all_arms_have_the_same_examples_and_steps(name):
    params = profile(name)
    settings = params.intermediate
    firsts = {settings.arms[arm].budget: arm for arm in reversed(settings.arms) if arm != "none"}
    for first in firsts.values():
        cell = next(c for c in Grid(params).cells("intermediate") if c.arm == first)
        table = intermediate.budget_table(cell)
        totals = table.groupby(["arm", "task"]).agg(
            examples=("examples", "sum"), steps=("task_steps", "first")
        )
        examples, trained = settings.budget(first).examples, set(settings.peers(first)) - {"none"}
        assert len(totals) == len(examples) * len(trained)
        for task, wanted in examples.items():
            of_task = totals.xs(task, level="task")
            assert set(of_task["examples"]) == {wanted}
            assert of_task["steps"].nunique() == 1
        assert all(intermediate.budgets_equal(cell).values())


@pytest.mark.parametrize("name", ["quick", "tydiqa"])
def test_parallel_corpora_give_every_arm_the_same_items(name):
    params = profile(name)
    draws = {
        arm: intermediate.arm_draws(params, arm, 1)
        for arm, settings in params.intermediate.arms.items()
        if arm != "none" and settings.budget is None
    }
    for task in params.intermediate.examples:
        items = {tuple(draw.item for draw in of_arm[task]) for of_arm in draws.values()}
        assert len(items) == 1, task


@pytest.mark.parametrize("name", ["quick", "tydiqa", "paper"])
def test_no_language_of_the_attacked_test_sets_is_in_the_multilingual_arm(name):
    params = schema.load(ROOT / "params" / f"{name}.yaml")
    attacked = {
        code
        for attack in params.attacks.values()
        for test_set in attack.test_sets
        for code in test_set.languages
    }
    tasks = params.intermediate.arms["multilingual"].tasks.values()
    assert not {code for task in tasks for code in task.languages} & attacked


def test_a_budget_that_no_arm_can_meet_names_the_key_and_the_most_there_is(edited):
    params = edited("intermediate.examples.nli", 25)
    with pytest.raises(InputError, match=r"intermediate\.examples\.nli: 25, but only 24"):
        intermediate.arm_draws(params, "english", 1)


@pytest.fixture
def with_budgets(tiny_profile, edit_profile):
    """The tiny study with two arms of another budget: one task, three passes."""

    def task(*languages: str) -> dict:
        data = {"corpus": "tydiqa", "split": "train", "languages": list(languages)}
        return {"tasks": {"qa": data}, "budget": "qa"}

    budget = {"examples": {"qa": 8}, "epochs": 3}
    budget["optimisation"] = {"learning_rate": 1e-3, "batch_size": 4}
    edits = {
        "intermediate.budgets": {"qa": budget},
        "intermediate.arms.english-qa": task("en"),
        "intermediate.arms.german-qa": task("de"),
    }
    return edit_profile(tiny_profile, tiny_profile, edits)


def test_arms_of_a_budget_share_items_and_steps_and_leave_other_arms_alone(
    tiny_profile, edit_profile, with_budgets
):
    params = schema.load(with_budgets)
    draws = {
        arm: intermediate.arm_draws(params, arm, 1)["qa"] for arm in ("english-qa", "german-qa")
    }
    items = {arm: [draw.item for draw in drawn] for arm, drawn in draws.items()}
    assert items["english-qa"] == items["german-qa"]
    (cell,) = (c for c in Grid(params).cells("intermediate") if c.arm == "german-qa")
    table = intermediate.budget_table(cell)
    assert set(table["arm"]) == {"english-qa", "german-qa"}
    assert set(table["task_steps"]) == {6}
    assert intermediate.budgets_equal(cell) == {"qa": True}
    # The other budget is no part of what the first arms are made from.
    before = {c.key: c.fingerprint for c in Grid(params).cells("intermediate")}
    edits = {"intermediate.budgets.qa.epochs": 4}
    after = Grid(schema.load(edit_profile(with_budgets, with_budgets, edits))).cells("intermediate")
    changed = {c.key for c in after if before[c.key] != c.fingerprint}
    assert changed == {"tiny.english-qa.seed1", "tiny.german-qa.seed1"}


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"intermediate.arms.english-qa.budget": "big"}, r"no budget 'big'; available: qa"),
        (
            {"intermediate.arms.english-qa.budget": None},
            "arms.english-qa: its tasks are qa, but those of its budget are nli, tagging",
        ),
        ({"analysis": {"contrasts": [["german-qa", "english"]]}}, "differ in budget and data"),
    ],
)
def test_what_is_no_fair_comparison_is_refused(with_budgets, edit_profile, edits, message):
    with pytest.raises(InputError, match=message):
        schema.load(edit_profile(with_budgets, with_budgets, edits))
