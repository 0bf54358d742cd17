"""Plans: every example once an epoch, arms paired, budgets equal."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltlib.artifacts import InputError
from xltlib.training import plan


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=200),
    batch_size=st.integers(1, 17),
    seed=st.integers(0, 9),
)
def test_an_epoch_takes_every_example_once(lengths, batch_size, seed):
    batches = plan.length_batches(lengths, batch_size, np.random.default_rng(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size


def test_a_fraction_of_an_epoch_takes_that_share_of_its_batches():
    assert plan.n_batches(100, 2.5, 8) == round(2.5 * 13)
    assert plan.n_batches(3, 0.1, 8) == 1


def test_copies_take_an_epoch_each_in_turn_up_to_the_steps_and_repeat_with_the_seed():
    lengths = [list(range(1, 101)), list(range(2, 102))]
    batches = plan.copies_plan(lengths, 30, 8, seed=3)
    assert [copy for copy, _ in batches] == [0] * 13 + [1] * 13 + [0] * 4
    for epoch in (batches[:13], batches[13:26]):
        assert sorted(i for _, batch in epoch for i in batch) == list(range(100))
    assert batches == plan.copies_plan(lengths, 30, 8, seed=3)
    assert batches != plan.copies_plan(lengths, 30, 8, seed=4)


PARALLEL = {code: [f"item-{i:03d}" for i in range(100)] for code in ("en", "sw", "ur")}


def test_arms_draw_the_very_same_items_where_the_corpus_is_parallel():
    english = plan.draw_items("nli", PARALLEL, ["en"], 40, seed=5)
    many = plan.draw_items("nli", PARALLEL, ["sw", "ur"], 40, seed=5)
    assert [draw.item for draw in english] == [draw.item for draw in many]
    assert Counter(draw.language for draw in many) == {"sw": 20, "ur": 20}


def test_a_corpus_that_is_not_parallel_gives_each_language_its_share():
    ids = {code: [f"{code}-{i}" for i in range(50)] for code in ("de", "hi", "zh")}
    draws = plan.draw_items("tagging", ids, ["de", "hi", "zh"], 40, seed=1)
    assert Counter(draw.language for draw in draws) == {"de": 14, "hi": 13, "zh": 13}
    assert len({draw.item for draw in draws}) == 40


def test_a_budget_beyond_the_corpus_is_refused():
    with pytest.raises(InputError, match=r"examples\.nli: 101 wanted.*Lower it to 100"):
        plan.draw_items("nli", PARALLEL, ["en"], 101, seed=1)


def test_mixed_plan_uses_every_draw_once_and_tasks_are_shuffled_together():
    draws = {
        "nli": plan.draw_items("nli", PARALLEL, ["en"], 90, 1),
        "tagging": plan.draw_items("tagging", PARALLEL, ["en"], 35, 1),
    }
    batches = plan.mixed_plan(draws, 8, seed=1)
    for task, items in draws.items():
        used = sorted(i for name, batch in batches if name == task for i in batch)
        assert used == list(range(len(items)))
    order = [task for task, _ in batches]
    assert order != sorted(order)
    table = plan.mixture_table(draws, 8)
    assert table["examples"].sum() == 125
    assert dict(zip(table["task"], table["task_steps"], strict=True)) == {"nli": 12, "tagging": 5}
