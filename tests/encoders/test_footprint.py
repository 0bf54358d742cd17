"""The estimate of memory for reading: near what a forward pass allocates."""

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertForQuestionAnswering

from xltlib.artifacts import InputError
from xltlib.encoders.footprint import MIB, reading_mib, require_memory, weights_mib
from xltlib.params import ComputeSettings
from xltlib.training.cost import peak_bytes

CONFIG = BertConfig(
    vocab_size=2000, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
    intermediate_size=256,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "attention"),
    [
        (BertForQuestionAnswering, "sdpa"),
        (BertForQuestionAnswering, "eager"),
        (BertForMaskedLM, "sdpa"),
    ],
)
def test_the_estimate_is_near_what_reading_allocates(kind, attention):
    model = kind(CONFIG).eval()
    model.set_attn_implementation(attention)
    ids = torch.ones(8, 128, dtype=torch.long)

    @torch.inference_mode()
    def read():
        model(input_ids=ids, attention_mask=ids)

    weights = sum(w.nbytes for w in model.parameters()) / MIB
    estimate = reading_mib(model, (8, 128))
    assert 0.8 < (estimate - weights) / (peak_bytes(read, model) / MIB) < 1.3
    assert reading_mib(model, (8, 128), bf16=True) == pytest.approx(estimate + weights / 2)


def test_weights_are_counted_in_float32_from_their_headers(tmp_path):
    model = BertForQuestionAnswering(CONFIG)
    numbers = sum(w.numel() for w in model.parameters())
    model.half().save_pretrained(tmp_path, max_shard_size="200KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert weights_mib(tmp_path) == pytest.approx(4 * numbers / MIB)


def test_what_would_not_fit_is_refused_with_what_to_set():
    require_memory(ComputeSettings(mem_mb=3000), 1500, "batch_size")
    # A process holds more than its tensors take.
    with pytest.raises(
        InputError, match=r"mem_mb: 3000, .* about 3,600 MiB\. Raise it, or lower batch_size\."
    ):
        require_memory(ComputeSettings(mem_mb=3000), 2000, "batch_size")


def test_a_gpu_counts_what_this_process_has_reserved_as_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (1000 * MIB, 8000 * MIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 500 * MIB)
    compute = ComputeSettings(device="cuda", gpus=1)
    require_memory(compute, 1500, "batch_size")
    with pytest.raises(InputError, match=r"1,500 MiB free, .* about 1,600\. Lower batch_size\."):
        require_memory(compute, 1600, "batch_size")
