"""Plans: every example once an epoch, arms paired, budgets equal."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltlib.artifacts import InputError
from xltlib.tasks.kind import padded_length
from xltlib.training import plan


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=200),
    batch_size=st.integers(1, 17),
    seed=st.integers(0, 9),
)
def test_an_epoch_takes_every_example_once(lengths, batch_size, seed):
    batches = plan.length_batches(lengths, plan.Batching(batch_size), np.random.default_rng(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=200),
    size=st.integers(1, 17),
    tokens=st.integers(1, 2000),
    seed=st.integers(0, 9),
)
def test_a_token_budget_counts_padding_and_loses_no_example(lengths, size, tokens, seed):
    batching = plan.Batching(size, tokens)
    batches = plan.length_batches(lengths, batching, np.random.default_rng(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = padded_length(max(lengths[i] for i in batch), 10_000)
        assert len(batch) <= size
        assert len(batch) == 1 or len(batch) * padded <= tokens


def test_a_token_budget_takes_more_short_examples_than_long_ones():
    lengths = [20] * 64 + [320] * 64
    batches = plan.length_batches(lengths, plan.Batching(32, 1280), np.random.default_rng(0))
    sizes = {
        lengths[batch[0]]: len(batch) for batch in batches if len({lengths[i] for i in batch}) == 1
    }
    assert sizes[320] == 4
    assert sizes[20] == 32


def test_a_fraction_of_an_epoch_takes_that_share_of_its_batches():
    assert plan.n_batches([5] * 100, 2.5, plan.Batching(8), seed=1) == round(2.5 * 13)
    assert plan.n_batches([5] * 3, 0.1, plan.Batching(8), seed=1) == 1


def test_copies_take_an_epoch_each_in_turn_up_to_the_steps_and_repeat_with_the_seed():
    def batches(seed, read=None):
        def lengths(copy):
            if read is not None:
                read.append(copy)
            return list(range(1 + copy, 101 + copy))

        return plan.copies_plan(lengths, 10, 30, plan.Batching(8), seed)

    read = []
    found = batches(3, read)
    assert [copy for copy, _ in found] == [0] * 13 + [1] * 13 + [2] * 4
    assert read == [0, 1, 2]  # seven copies more are never made
    for epoch in (found[:13], found[13:26]):
        assert sorted(i for _, batch in epoch for i in batch) == list(range(100))
    assert found == batches(3)
    assert found != batches(4)


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
    with pytest.raises(InputError, match=r"examples\.nli: 101, but only 100.*Lower it to 100"):
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
        used = sorted(i for batch in batches if batch.task == task for i in batch.draws)
        assert used == list(range(len(items)))
    order = [batch.task for batch in batches]
    assert order != sorted(order)
    table = plan.mixture_table(draws, 8)
    assert table["examples"].sum() == 125
    assert dict(zip(table["task"], table["task_steps"], strict=True)) == {"nli": 12, "tagging": 5}
    table = plan.mixture_table(draws, 8, epochs=3)
    assert table["examples"].sum() == 125
    assert dict(zip(table["task"], table["task_steps"], strict=True)) == {"nli": 36, "tagging": 15}


@pytest.mark.parametrize("schedule", ["mixed", "sequential"])
def test_every_pass_uses_every_draw_once_in_an_order_of_its_own(schedule):
    examples = {"tagging": 35, "nli": 90}
    batches = plan.task_plan(examples, 8, 1, schedule, epochs=3)
    orders = {}
    for task, n in examples.items():
        for number in range(3):
            used = [i for b in batches if (b.task, b.number) == (task, number) for i in b.draws]
            assert sorted(used) == list(range(n))
            orders[task, number] = used
    assert orders["nli", 0] != orders["nli", 1] != orders["nli", 2]
    assert len(batches) == 3 * (5 + 12)
    if schedule == "mixed":
        assert [b.number for b in batches] == sorted(b.number for b in batches)
    else:
        assert [b.task for b in batches] == ["tagging"] * 15 + ["nli"] * 36


def test_sequential_plan_takes_the_same_batches_task_by_task_in_the_given_order():
    examples = {"tagging": 35, "nli": 90}
    sequential = plan.task_plan(examples, 8, 1, "sequential")
    assert [batch.task for batch in sequential] == ["tagging"] * 5 + ["nli"] * 12
    assert set(sequential) == set(plan.task_plan(examples, 8, 1, "mixed"))
