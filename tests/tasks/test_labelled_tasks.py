"""Pairs, choices and tags: labels stand where they belong, and metrics are the field's own."""

import copy

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModel

from xltlib.artifacts import InputError
from xltlib.corpora.udpos import UPOS
from xltlib.params import EncoderSettings
from xltlib.tasks import TASKS, Setup, task_kind
from xltlib.tasks.choice import MultipleChoice
from xltlib.tasks.classification import Classification
from xltlib.tasks.kind import pad_batch, padded_length, windows
from xltlib.tasks.tagging import IGNORED, Tagging
from xltlib.training.multitask import MultiTaskModel, load_pretrained

TAGS = Tagging(("O", "B-CITY", "I-CITY"))
SENTENCES = Dataset.from_dict(
    {
        "tokens": [["in", "New", "York", "."], ["హైదరాబాద్", "न"]],
        "tags": [["O", "B-CITY", "I-CITY", "O"], ["B-CITY", "O"]],
    }
)


def test_a_words_first_token_carries_its_tag(tiny_tokenizer):
    for row, tags in zip(TAGS.rows(tiny_tokenizer, SENTENCES), SENTENCES["tags"], strict=True):
        assert len(row["labels"]) == len(row["input_ids"])
        carried = [TAGS.labels[label] for label in row["labels"] if label != IGNORED]
        assert carried == tags
        assert row["labels"][0] == row["labels"][-1] == IGNORED


@pytest.mark.parametrize("max_length", [5, 8, 16])
def test_long_sentences_are_read_in_windows_and_every_word_is_scored(tiny_tokenizer, max_length):
    kind = Tagging(TAGS.labels, max_length)
    rows = kind.rows(tiny_tokenizer, SENTENCES)
    for row, tags in zip(rows, SENTENCES["tags"], strict=True):
        for window in windows(row):
            assert len(window["input_ids"]) == len(window["labels"]) <= max_length
            assert window["labels"][0] == window["labels"][-1] == IGNORED
        perfect = np.eye(3)[[max(label, 0) for label in row["labels"]]]
        predicted, gold = kind.readable([perfect], [row["labels"]])
        assert predicted == gold == [" ".join(tags)]
    assert max_length == 16 or any("windows" in row for row in rows)


def test_a_model_gives_a_long_sentence_the_logits_of_all_its_words(tiny_encoder, tiny_tokenizer):
    kind = Tagging(TAGS.labels, 8)
    encoder = load_pretrained(AutoModel, tiny_encoder, EncoderSettings())
    model = MultiTaskModel(encoder, {"tags": kind}).eval()
    rows = kind.rows(tiny_tokenizer, SENTENCES)
    together = model.logits("tags", tiny_tokenizer, rows)
    assert model.score("tags", tiny_tokenizer, SENTENCES)["accuracy"] >= 0
    for row, logits in zip(rows, together, strict=True):
        assert len(row["labels"]) <= len(logits)
        parts = [model.logits("tags", tiny_tokenizer, [w])[0] for w in windows(row)]
        parts = [p[: len(w["labels"])] for p, w in zip(parts, windows(row), strict=True)]
        np.testing.assert_allclose(logits[: len(row["labels"])], np.concatenate(parts), atol=1e-5)


def test_a_word_without_pieces_is_read_as_the_unknown_token(tiny_tokenizer):
    data = Dataset.from_dict({"tokens": [["", "a"], [""]], "tags": [["B-CITY", "O"], ["O"]]})
    rows = TAGS.rows(tiny_tokenizer, data)
    kept = [[label for label in row["labels"] if label != IGNORED] for row in rows]
    assert kept == [[1, 0], [0]]
    predicted, gold = TAGS.readable(
        [np.eye(3)[[0] * len(r["labels"])] for r in rows], [r["labels"] for r in rows]
    )
    assert [TAGS.correct(p, g) for p, g in zip(predicted, gold, strict=True)] == [0.5, 1.0]


def test_a_sentence_without_words_is_named(tiny_tokenizer):
    data = Dataset.from_dict({"id": ["s1", "s2"], "tokens": [["a"], []], "tags": [["O"], []]})
    with pytest.raises(InputError, match="sentence s2 has no words"):
        TAGS.rows(tiny_tokenizer, data)


@pytest.mark.parametrize("side", ["left", "right"])
def test_batches_are_padded_as_by_the_tokenizer_but_on_the_right(side, tiny_tokenizer):
    tokenizer = copy.deepcopy(tiny_tokenizer)
    tokenizer.padding_side, tokenizer._pad_token_type_id = side, 3
    coded = tokenizer(["a", "b c d e f g h i"], ["j", "k"], return_token_type_ids=True)
    rows = [{name: values[i] for name, values in coded.items()} for i in range(2)]
    wanted = tokenizer.pad(
        rows, padding="max_length", max_length=24, padding_side="right", return_tensors="pt"
    )
    found = pad_batch(tokenizer, [row | {"labels": 1} for row in rows])
    assert set(found) == {"input_ids", "attention_mask", "token_type_ids"} == set(wanted)
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor)
    longest = max(len(row["input_ids"]) for row in rows)
    assert pad_batch(tokenizer, rows, limit=longest)["input_ids"].shape == (2, longest)


def test_padding_carries_no_label(tiny_tokenizer):
    rows = TAGS.rows(tiny_tokenizer, SENTENCES)
    batch = TAGS.collate(tiny_tokenizer, rows)
    width = padded_length(max(len(row["input_ids"]) for row in rows))
    assert batch["input_ids"].shape == batch["labels"].shape == (2, width)
    padded = batch["input_ids"] == tiny_tokenizer.pad_token_id
    assert padded.any()
    assert (batch["labels"][padded] == IGNORED).all()


def logits(labels):
    return np.eye(3)[labels]


def metrics(kind, found, gold):
    return kind.metrics(*kind.readable(found, gold))


def test_tagging_metrics_are_entity_f1_and_token_accuracy():
    gold = [[IGNORED, 0, 1, 2, IGNORED], [1, 0]]
    right = [logits([0, 0, 1, 2, 0]), logits([1, 0])]
    assert metrics(TAGS, right, gold) == {"f1": 100.0, "accuracy": 100.0}
    # One of two entities is cut short: precision and recall are 1 of 2, tokens 4 of 5.
    short = [logits([0, 0, 1, 0, 0]), logits([1, 0])]
    assert metrics(TAGS, short, gold) == {"f1": 50.0, "accuracy": pytest.approx(80)}
    assert [TAGS.correct(*pair) for pair in zip(*TAGS.readable(short, gold), strict=True)] == [
        pytest.approx(2 / 3),
        1.0,
    ]


@pytest.mark.parametrize(
    ("predicted", "gold", "points"),
    [
        ("SCONJ", "CCONJ", 0.0),  # alike but for the first letter
        ("SYM SYM", "SYM SYM", 100.0),  # S is a position in seqeval's own schemes
        ("SYM NOUN", "SYM SYM", 50.0),
        ("NOUN ADJ VERB NOUN", "NOUN NOUN VERB NOUN", 75.0),
        ("PROPN AUX", "PRON AUX", 50.0),
        ("X _", "INTJ _", 50.0),
    ],
)
def test_parts_of_speech_are_scored_word_by_word(predicted, gold, points):
    scores = Tagging((*UPOS, "_")).metrics([predicted], [gold])
    assert scores == {"f1": pytest.approx(points), "accuracy": pytest.approx(points)}


@given(st.lists(st.tuples(st.sampled_from(UPOS), st.sampled_from(UPOS)), min_size=1))
def test_f1_of_parts_of_speech_is_accuracy_whatever_the_tags(pairs):
    scores = Tagging(UPOS).metrics(*([" ".join(side)] for side in zip(*pairs, strict=True)))
    assert scores["f1"] == pytest.approx(scores["accuracy"])


NLI = Classification(("entailment", "neutral", "contradiction"), 32)


def test_nli_rows_are_premise_then_hypothesis_with_the_label(tiny_tokenizer):
    data = Dataset.from_dict({"sentence1": ["ab"], "sentence2": ["c"], "label": [2]})
    (row,) = NLI.rows(tiny_tokenizer, data)
    shown = tiny_tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert shown == ["<s>", "▁", "a", "b", "</s>", "</s>", "▁", "c", "</s>"]
    assert row["labels"] == 2


def test_the_longer_text_is_cut_first(tiny_tokenizer):
    data = Dataset.from_dict({"sentence1": ["a" * 50], "sentence2": ["bcd"], "label": [0]})
    (row,) = Classification(NLI.labels, 20).rows(tiny_tokenizer, data)
    shown = tiny_tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert len(shown) == 20
    assert shown[-4:] == ["b", "c", "d", "</s>"]


def test_accuracy_is_in_points_and_predictions_are_named():
    found = [logits(0), logits(1), logits(1), logits(2)]
    assert NLI.readable(found, [0, 1, 2, 2])[0] == [NLI.labels[i] for i in (0, 1, 1, 2)]
    assert metrics(NLI, found, [0, 1, 2, 2]) == {"accuracy": 75.0}


CHOICES = Dataset.from_list(
    [
        {"premise": "it rains", "question": "why?", "choices": ["wet", "sun"], "label": 1},
        {"premise": "a", "question": "b", "choices": ["c", "dd"], "label": 0},
    ]
)


def test_each_choice_is_read_with_its_premise_and_question(tiny_tokenizer):
    rows = MultipleChoice(64).rows(tiny_tokenizer, CHOICES)
    texts = [
        "".join(tiny_tokenizer.convert_ids_to_tokens(ids)).replace("▁", " ")
        for ids in rows[0]["input_ids"]
    ]
    assert texts == [f"<s> it rains</s></s> why? {choice}</s>" for choice in ("wet", "sun")]
    assert [row["labels"] for row in rows] == [1, 0]


def test_choices_of_an_example_compete_and_none_with_those_of_another(tiny_tokenizer):
    kind = MultipleChoice(64)
    batch = kind.collate(tiny_tokenizer, kind.rows(tiny_tokenizer, CHOICES))
    assert batch["input_ids"].shape[0] == 4
    states = torch.zeros(4, batch["input_ids"].shape[1], 8)
    states[1] = states[2] = 1.0  # the second choice of the first, the first of the second
    head = kind.head(8, 0.0)
    with torch.no_grad():
        head.dense.weight.copy_(torch.eye(8))
        head.out.weight.fill_(1.0)
    result = head(states, batch["attention_mask"], batch["labels"])
    assert result["logits"].argmax(-1).tolist() == [1, 0]
    assert metrics(kind, list(result["logits"].detach().numpy()), [1, 0]) == {"accuracy": 100.0}


def test_rows_with_different_numbers_of_choices_share_a_batch(tiny_tokenizer):
    kind = MultipleChoice(64)
    three = [{"premise": "a", "question": "b", "choices": ["c", "d", "e"], "label": 2}]
    two, more = (kind.rows(tiny_tokenizer, rows) for rows in (CHOICES, Dataset.from_list(three)))
    batch = kind.collate(tiny_tokenizer, two + more)
    assert batch["input_ids"].shape[0] == 9
    torch.manual_seed(0)
    states = torch.randn(9, batch["input_ids"].shape[1], 8)
    head = kind.head(8, 0.0).eval()
    mixed = head(states, batch["attention_mask"], batch["labels"])["logits"]
    assert mixed.softmax(-1)[:2, 2].tolist() == [0.0, 0.0]
    alone = kind.collate(tiny_tokenizer, two)
    kept = states[[0, 1, 3, 4]][:, : alone["input_ids"].shape[1]]
    expected = head(kept, alone["attention_mask"], alone["labels"])["logits"]
    torch.testing.assert_close(mixed[:2, :2], expected)
    loss = head(states, batch["attention_mask"], batch["labels"])["loss"]
    assert torch.isfinite(loss)


def test_every_trainable_kind_of_xtreme_r_is_found_by_its_file():
    assert set(TASKS) == {"classification", "choice", "tagging", "qa"}
    with pytest.raises(InputError, match=r"task kind 'bitext' cannot be trained; these can: .*qa"):
        task_kind("bitext", Setup())


def test_short_batches_are_padded_in_smaller_steps_and_shapes_stay_few():
    assert [padded_length(n) for n in (1, 33, 64, 65, 128, 129, 384)] == [
        8,
        40,
        64,
        80,
        128,
        160,
        384,
    ]
    assert padded_length(60, limit=62) == 62
    assert len({padded_length(n) for n in range(1, 385)}) == 20
