"""RS-DA: the rate of replacement is the rule's, and answers keep their places."""

import json
import random

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import QA
from xltlib.languages import words
from xltlib.params import MiniSettings
from xltlib.training.robust.neighbours import embedding_neighbours, read_neighbours
from xltlib.training.robust.rs_da import draw, smooth, smoothed

NEAR = {"red": ["scarlet", "crimson", "ruby"], "sky": ["heaven"]}


def test_a_word_changes_with_probability_k_over_k_plus_1():
    rng = random.Random(0)
    drawn = [draw("red", NEAR, rng) for _ in range(20_000)]
    for word in ("red", *NEAR["red"]):
        assert drawn.count(word) / len(drawn) == pytest.approx(1 / 4, abs=0.015)
    assert draw("blue", NEAR, rng) == "blue"
    assert draw("Red", NEAR, rng) == "Red"


def test_the_rate_on_the_real_list_is_the_rules(shared_data):
    neighbours = read_neighbours(shared_data / "synonyms" / "counterfitted_neighbors.json")
    assert len(neighbours) == 49_975 - 24_384
    chosen = random.Random(1).sample(sorted(neighbours), 20_000)
    expected = sum(
        # The list names some words as their own neighbours, or one neighbour twice.
        sum(near != word for near in neighbours[word]) / (len(neighbours[word]) + 1)
        for word in chosen
    )
    rng = random.Random(2)
    changed = sum(draw(word, neighbours, rng) != word for word in chosen)
    assert changed / len(chosen) == pytest.approx(expected / len(chosen), abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_a_frozen_span_is_unchanged_and_found_where_it_is_said_to_be(seed, data):
    text = "the red sky, red sky; a reddish red-sky నగరం red"
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    changed, (place,) = smooth(text, NEAR, random.Random(seed), [(start, end)])
    assert changed[place : place + end - start] == text[start:end]
    assert len(words(changed)) == len(words(text))


def test_a_text_without_neighbours_is_identical():
    text = "నగరం, ১৯৫১ — naïve  \n"
    assert smooth(text, NEAR, random.Random(0)) == (text, [])


def test_answers_of_a_whole_corpus_stand_where_they_are_said_to():
    rows = mini.qa("en", "train", MiniSettings(train=50))
    near = {"the": ["that", "this very"], "in": ["inside"], "of": ["belonging to"]}
    copy = smoothed(rows, {"en": near}, seed=1, copy=0)
    assert copy["context"] != rows["context"]
    for row in copy:
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert row["context"][start : start + len(text)] == text
    assert copy["id"] == rows["id"]


def test_an_answer_without_a_place_keeps_its_mark():
    rows = Dataset.from_list(
        [
            {
                "id": "1",
                "language": "en",
                "title": "",
                "context": "a red sky",
                "question": "red?",
                "answers": {"text": ["blue", "sky"], "answer_start": [-1, 6]},
                "wrong_offsets": 1,
            }
        ],
        features=QA,
    )
    (row,) = smoothed(rows, {"en": {"red": ["scarlet"] * 50}}, seed=0, copy=0)
    assert row["context"] == "a scarlet sky"
    assert row["answers"]["answer_start"] == [-1, 10]


def test_copies_differ_and_each_is_the_same_again():
    size = MiniSettings(train=20)
    near = {"en": {"the": ["that", "this"], "is": ["was"]}}
    for build in (mini.nli, mini.paraphrase, mini.choice, mini.tagging):
        rows = build("en", "train", size)
        first, second = (smoothed(rows, near, seed=1, copy=c).to_list() for c in (0, 1))
        assert first != second
        assert first == smoothed(rows, near, seed=1, copy=0).to_list()
        # A row is the same in a smaller set.
        assert smoothed(rows.select([3]), near, seed=1, copy=0).to_list() == [first[3]]
    assert [len(row["tags"]) for row in first] == [len(row["tokens"]) for row in first]


@pytest.mark.parametrize("content", [["a"], {"a": "b"}, {"a": [1]}])
def test_what_is_not_a_neighbour_list_is_named(tmp_path, content):
    path = tmp_path / "near.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"near\.json: .*(neighbour list|list of words)"):
        read_neighbours(path)


def test_a_language_without_neighbours_keeps_its_words():
    rows = mini.nli("fi", "train", MiniSettings(train=5))
    assert smoothed(rows, {"en": {"on": ["off"]}}, seed=1, copy=0).to_list() == rows.to_list()


class ByLetter:
    """A tokenizer with one token per letter; "f" is unknown."""

    unk_token_id = 5

    def __call__(self, words, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [[ord(letter) - ord("a") for letter in word] for word in words]}


def test_embedding_neighbours_are_the_nearest_words_of_the_same_texts():
    import torch

    # a and b nearly point one way, c and d another; e alone.
    vectors = torch.tensor([[1, 0.1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0.1], [0, 0, 1.0]])
    found = embedding_neighbours(["a b, c d. e"], ByLetter(), vectors, nearest=3, min_cosine=0.9)
    assert found == {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}
    # Unknown words have the same vector, which says nothing about them.
    alike = torch.cat([vectors, vectors[:1]])
    unknown = embedding_neighbours(["a f"], ByLetter(), alike, nearest=3, min_cosine=0.9)
    assert unknown == {}
    # Words of several pieces take no part, and a number has no neighbour however near it is.
    assert embedding_neighbours(["ab b a"], ByLetter(), vectors, nearest=3, min_cosine=0.9) == {
        "a": ["b"],
        "b": ["a"],
    }
    assert embedding_neighbours(["1 2"], ByLetter(), vectors, nearest=3, min_cosine=0.1) == {}


def test_numbers_have_no_neighbours_and_letter_case_is_none(me5_small):
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(me5_small)
    weights = AutoModel.from_pretrained(me5_small).get_input_embeddings().weight
    texts = ["was it in 1951 or 1950", "they were quickly and immediately good Good great"]
    found = embedding_neighbours(texts, tokenizer, weights, nearest=3, min_cosine=0.4)
    assert found["was"] == ["were"]
    assert found["quickly"] == ["immediately"]
    assert found["good"] == ["great"]
    assert not {"1951", "1950"} & {*found, *(word for near in found.values() for word in near)}
