"""The estimate of memory for training: counts what there is."""

from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertForQuestionAnswering

from xltlib.encoders.attention import ONE_BY_ONE
from xltlib.encoders.footprint import MIB
from xltlib.training.memory import batch_shape, training_mib
from xltlib.training.numerics import Numerics, applied
from xltlib.training.run import model_loss

FLOAT32 = Numerics(
    "cpu", "float32", "float32", "eager", "torch", "torch", compiled=False, threads=1
)
NUMERICS = {
    "eager": FLOAT32,
    "sdpa": replace(FLOAT32, attention="sdpa"),
    "oneDNN": replace(FLOAT32, linear="oneDNN"),
    "cheap dropout": replace(FLOAT32, dropout="cheap"),
    "bf16 weights": replace(FLOAT32, dropout="cheap", precision="bf16", weights="bf16"),
    "autocast": replace(FLOAT32, dropout="cheap", precision="bf16", attention=ONE_BY_ONE),
}
CONFIG = BertConfig(
    vocab_size=2000, hidden_size=128, num_hidden_layers=4, num_attention_heads=4,
    intermediate_size=512, attention_probs_dropout_prob=0.0,
)  # fmt: skip


def test_the_shape_of_a_batch_counts_choices_windows_and_whole_blocks():
    plain = {"input_ids": [1] * 40, "labels": 0}
    assert batch_shape([plain, {"input_ids": [1] * 70, "labels": 0}]) == (2, 80)
    assert batch_shape([{"input_ids": [[1] * 9, [1] * 33], "labels": 1}]) == (2, 40)
    assert batch_shape([plain, {"input_ids": [1] * 60, "windows": [50, 10]}]) == (3, 56)


@pytest.mark.parametrize("numerics", NUMERICS.values(), ids=NUMERICS)
@pytest.mark.parametrize(("rows", "tokens"), [(16, 64), (8, 256)])
def test_the_estimate_is_near_what_a_step_allocates(rows, tokens, numerics):
    model = BertForQuestionAnswering(CONFIG)
    model.train()
    kept = []

    def pack(tensor):
        kept.append((tensor.untyped_storage().data_ptr(), tensor.untyped_storage().nbytes()))
        return tensor

    batch = {"input_ids": torch.ones(rows, tokens, dtype=torch.long)}
    batch |= {
        name: torch.zeros(rows, dtype=torch.long) for name in ("start_positions", "end_positions")
    }
    with applied(numerics, model):
        own = {w.untyped_storage().data_ptr() for w in model.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            numerics.computing(model_loss)(model, batch)
    activations = sum(size for place, size in {*kept} if place not in own) / MIB
    each = 20 if numerics.weights == "bf16" else 16  # bytes per weight
    state = each * sum(w.numel() for w in model.parameters()) / MIB
    estimate = training_mib(model, numerics, [(rows, tokens), (2, 32)])
    assert activations > 20
    assert 0.85 < estimate / (state + activations) < 1.25


def test_frozen_weights_need_no_gradient_and_no_moments():
    model = BertForQuestionAnswering(CONFIG)
    whole = training_mib(model, FLOAT32, [])
    words = model.get_input_embeddings().weight.requires_grad_(False)
    assert whole - training_mib(model, FLOAT32, []) == pytest.approx(12 * words.numel() / MIB)
