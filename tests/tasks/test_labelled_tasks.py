"""NLI and tagging: labels stand where they belong, and metrics are the field's own."""

import numpy as np
import pytest
from datasets import Dataset

from xltlib.tasks.classification import SequenceClassification
from xltlib.tasks.tagging import IGNORED, Tagging

TAGS = Tagging(("O", "B-CITY", "I-CITY"))
SENTENCES = Dataset.from_dict(
    {
        "tokens": [["in", "New", "York", "."], ["హైదరాబాద్", "न"]],
        "tags": [["O", "B-CITY", "I-CITY", "O"], ["B-CITY", "O"]],
    }
)


def test_a_words_first_token_carries_its_tag(tiny_tokenizer):
    for row, tags in zip(TAGS.rows(tiny_tokenizer, SENTENCES, 64), SENTENCES["tags"], strict=True):
        assert len(row["labels"]) == len(row["input_ids"])
        carried = [TAGS.labels[label] for label in row["labels"] if label != IGNORED]
        assert carried == tags
        assert row["labels"][0] == row["labels"][-1] == IGNORED


def test_words_beyond_the_window_are_cut_with_their_tags(tiny_tokenizer):
    (row, _) = TAGS.rows(tiny_tokenizer, SENTENCES, 8)
    assert len(row["input_ids"]) == len(row["labels"]) == 8
    assert sum(label != IGNORED for label in row["labels"]) == 2  # "in", and the start of "New"


def test_padding_carries_no_label(tiny_tokenizer):
    batch = TAGS.collate(tiny_tokenizer, TAGS.rows(tiny_tokenizer, SENTENCES, 64))
    padded = batch["input_ids"] == tiny_tokenizer.pad_token_id
    assert padded.any()
    assert (batch["labels"][padded] == IGNORED).all()


def logits(labels):
    return np.eye(3)[labels]


def test_tagging_metrics_are_token_accuracy_and_entity_f1():
    gold = [[IGNORED, 0, 1, 2, IGNORED], [1, 0]]
    right = [logits([0, 0, 1, 2, 0]), logits([1, 0])]
    assert TAGS.metrics(right, gold) == {"accuracy": 100.0, "entity_f1": 100.0}
    # One of two entities is cut short: precision and recall are 1 of 2, tokens 4 of 5.
    short = [logits([0, 0, 1, 0, 0]), logits([1, 0])]
    assert TAGS.metrics(short, gold) == {"accuracy": pytest.approx(80), "entity_f1": 50.0}


def test_parts_of_speech_have_no_entities():
    assert set(Tagging(("NOUN", "VERB")).metrics([logits([0])], [[0]])) == {"accuracy"}


def test_nli_rows_are_premise_then_hypothesis_with_the_label(tiny_tokenizer):
    kind = SequenceClassification()
    data = Dataset.from_dict({"premise": ["ab"], "hypothesis": ["c"], "label": [2]})
    (row,) = kind.rows(tiny_tokenizer, data, 32)
    shown = tiny_tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert shown == ["<s>", "▁", "a", "b", "</s>", "</s>", "▁", "c", "</s>"]
    assert row["labels"] == 2


def test_the_longer_text_is_cut_first(tiny_tokenizer):
    data = Dataset.from_dict({"premise": ["a" * 50], "hypothesis": ["bcd"], "label": [0]})
    (row,) = SequenceClassification().rows(tiny_tokenizer, data, 20)
    shown = tiny_tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert len(shown) == 20
    assert shown[-4:] == ["b", "c", "d", "</s>"]


def test_accuracy_is_in_points():
    kind = SequenceClassification()
    assert kind.metrics([logits(0), logits(1), logits(1), logits(2)], [0, 1, 2, 2]) == {
        "accuracy": 75.0
    }
