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
    english = plan.draw_items("nli", PARALLEL, ["en"], 40, seed=5, temperature=5)
    many = plan.draw_items("nli", PARALLEL, ["sw", "ur"], 40, seed=5, temperature=5)
    assert [draw.item for draw in english] == [draw.item for draw in many]
    assert Counter(draw.language for draw in many) == {"sw": 20, "ur": 20}


def test_a_corpus_that_is_not_parallel_gives_each_language_its_share():
    ids = {code: [f"{code}-{i}" for i in range(50)] for code in ("de", "hi", "zh")}
    draws = plan.draw_items("tagging", ids, ["de", "hi", "zh"], 40, seed=1, temperature=5)
    assert Counter(draw.language for draw in draws) == {"de": 14, "hi": 13, "zh": 13}
    assert len({draw.item for draw in draws}) == 40


def test_a_budget_beyond_the_corpus_is_refused():
    with pytest.raises(InputError, match=r"examples\.nli: 101 wanted.*Lower it to 100"):
        plan.draw_items("nli", PARALLEL, ["en"], 101, seed=1, temperature=5)


def test_language_shares_are_sizes_to_the_power_of_one_over_the_temperature():
    sizes = {"big": 8100, "small": 100}
    assert plan.language_shares(sizes, 1.0) == {"big": 81 / 82, "small": 1 / 82}
    assert plan.language_shares(sizes, 2.0) == {
        "big": pytest.approx(0.9),
        "small": pytest.approx(0.1),
    }
    flat = plan.language_shares(sizes, 1000)
    assert flat["big"] == pytest.approx(0.5, abs=0.002)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10**6), min_size=1),
    st.floats(1, 100),
    st.integers(0, 300),
)
def test_languages_take_turns_by_their_shares_to_within_one(sizes, temperature, n):
    shares = plan.language_shares(sizes, temperature)
    order = plan.in_turn(shares, n)
    assert len(order) == n
    for language, share in shares.items():
        assert abs(order.count(language) - share * n) < max(2, len(shares) / 2)


def test_equal_shares_go_round():
    assert plan.in_turn(dict.fromkeys("abc", 1 / 3), 7) == list("abcabca")


def test_a_large_language_gives_more_draws_where_the_temperature_is_low():
    ids = {"de": [f"de-{i}" for i in range(900)], "hi": [f"hi-{i}" for i in range(100)]}
    drawn = {
        temperature: Counter(
            draw.language
            for draw in plan.draw_items(
                "ner", ids, ["de", "hi"], 100, seed=1, temperature=temperature
            )
        )
        for temperature in (1, 2, 1000)
    }
    assert drawn[1] == {"de": 90, "hi": 10}
    assert drawn[2] == {"de": 75, "hi": 25}
    assert drawn[1000]["de"] in (50, 51)


def test_mixed_plan_uses_every_draw_once_and_tasks_are_shuffled_together():
    draws = {
        "nli": plan.draw_items("nli", PARALLEL, ["en"], 90, 1, 5),
        "tagging": plan.draw_items("tagging", PARALLEL, ["en"], 35, 1, 5),
    }
    examples = {task: len(items) for task, items in draws.items()}
    batches = plan.task_plan(examples, 8, seed=1)
    for task, items in draws.items():
        used = sorted(i for name, batch in batches if name == task for i in batch)
        assert used == list(range(len(items)))
    order = [task for task, _ in batches]
    assert order != sorted(order)
    table = plan.mixture_table(draws, 8)
    assert table["examples"].sum() == 125
    assert dict(zip(table["task"], table["task_steps"], strict=True)) == {"nli": 12, "tagging": 5}


def test_sequential_plan_takes_the_same_batches_task_by_task_in_the_given_order():
    examples = {"tagging": 35, "nli": 90}
    sequential = plan.task_plan(examples, 8, 1, "sequential")
    assert [task for task, _ in sequential] == ["tagging"] * 5 + ["nli"] * 12
    key = repr
    assert sorted(sequential, key=key) == sorted(plan.task_plan(examples, 8, 1, "mixed"), key=key)
