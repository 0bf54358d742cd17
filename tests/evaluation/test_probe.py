"""Probes: what trains and what tests them, the states they read, and transfer that is known."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModel

from xltlib.artifacts import InputError
from xltlib.evaluation.probe import Words, probe_transfer, split_sentences, word_states

LABELS = ("ADJ", "NOUN")


def test_a_words_state_is_its_first_subwords(tiny_encoder, tiny_tokenizer):
    model = AutoModel.from_pretrained(tiny_encoder).eval()
    rows = Dataset.from_dict(
        {
            "tokens": [["red", "sky"], ["blue", "deep", "sea"]],
            "tags": [["ADJ", "NOUN"], ["ADJ", "ADJ", "NOUN"]],
        }
    )
    found = word_states(model, tiny_tokenizer, rows, LABELS, batch_size=1)
    assert found.tags.tolist() == [0, 1, 0, 0, 1]
    coded = tiny_tokenizer(["red", "sky"], is_split_into_words=True, return_tensors="pt")
    first = [coded.word_ids().index(word) for word in (0, 1)]
    with torch.inference_mode():
        states = model(**coded).last_hidden_state[0]
    np.testing.assert_allclose(found.states[:2], states[first].numpy(), atol=1e-5)


def test_sentences_that_the_encoder_was_trained_on_never_test():
    ids = [f"s{i}" for i in range(10)]
    trains, tests = split_sentences(ids * 2, {"s0", "s1", "s5"})
    assert trains == ["s0", "s1", "s5"]
    assert not set(tests) & {"s0", "s1", "s5"}
    assert len(tests) == 7
    trains, tests = split_sentences(ids, {"elsewhere"})
    assert (trains, tests) == (ids[::2], ids[1::2])
    trains, tests = split_sentences(ids, {"s9"}, limit=4)
    assert (trains, tests) == (["s9"], ["s0", "s1"])


@pytest.mark.parametrize(("ids", "seen"), [(["a"], ()), (["a", "b"], {"a", "b"})])
def test_a_side_without_a_sentence_is_refused(ids, seen):
    with pytest.raises(InputError, match=r"representation\.probe.*0 can test it"):
        split_sentences(ids, seen)


def words(rng, turn, n=300):
    tags = rng.integers(0, 2, n)
    states = rng.normal(size=(n, 6)) * 0.3
    states[:, 0] += 2 * tags - 1
    return Words(states @ turn, tags)


def test_a_probe_transfers_where_the_space_is_shared_and_not_where_it_is_turned():
    rng = np.random.default_rng(0)
    same, turned = np.eye(6), -np.eye(6)
    turns = {"en": same, "fi": same, "xx": turned}
    training = {code: words(rng, turn) for code, turn in turns.items()}
    testing = {code: words(rng, turn, 200) for code, turn in turns.items()}
    found = {(r["trained on"], r["tested on"]): r for r in probe_transfer(training, testing)}
    assert len(found) == 9
    assert found["en", "en"]["accuracy"] > 95
    assert found["en", "fi"]["accuracy"] > 95
    assert found["en", "xx"]["accuracy"] < 5
    assert found["xx", "xx"]["accuracy"] > 95
    share = np.bincount(testing["fi"].tags).max() / 200
    assert found["en", "fi"]["majority"] == pytest.approx(100 * share)
    assert found["en", "fi"]["n"] == 200
