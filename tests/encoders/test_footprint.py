"""The estimate of memory for reading: near what a forward pass allocates."""

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    DebertaV2Config,
    DebertaV2Model,
    LongformerConfig,
    LongformerForQuestionAnswering,
    ModernBertConfig,
    ModernBertModel,
    MT5Config,
    MT5EncoderModel,
    XLNetConfig,
    XLNetModel,
)

from xltlib.artifacts import InputError
from xltlib.encoders.footprint import (
    MIB,
    peak_bytes,
    reading_mib,
    require_memory,
    weights_mib,
)
from xltlib.encoders.reading import reading
from xltlib.params import ComputeSettings

SIZES = {"vocab_size": 2000, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
CONFIG = BertConfig(**SIZES, intermediate_size=256)
RELATIVE = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 64}
MODELS = {
    "bert, sdpa": lambda: BertForQuestionAnswering(CONFIG),
    "bert, eager": lambda: BertForQuestionAnswering(
        BertConfig(**SIZES, intermediate_size=256, attn_implementation="eager")
    ),
    "bert, masked LM": lambda: BertForMaskedLM(CONFIG),
    "deberta-v2": lambda: DebertaV2Model(
        DebertaV2Config(**SIZES, **RELATIVE, intermediate_size=256)
    ),
    "longformer": lambda: LongformerForQuestionAnswering(
        LongformerConfig(**SIZES, intermediate_size=256, attention_window=64)
    ),
    "mt5": lambda: MT5EncoderModel(
        MT5Config(vocab_size=2000, d_model=64, d_kv=16, d_ff=256, num_layers=2, num_heads=4)
    ),
    "modernbert": lambda: ModernBertModel(
        ModernBertConfig(
            **SIZES, intermediate_size=256, pad_token_id=0, cls_token_id=1, sep_token_id=2
        )
    ),
    "xlnet": lambda: XLNetModel(
        XLNetConfig(vocab_size=2000, d_model=64, n_layer=2, n_head=4, d_inner=256)
    ),
}


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_estimate_is_near_what_reading_allocates_in_every_architecture(name, bf16):
    model = MODELS[name]().eval()
    ids = torch.randint(3, 2000, (8, 128))
    ids[:, [9, 10, 127]] = 2  # Longformer looks for three separators

    @torch.inference_mode()
    def read():
        with reading(model, "bf16" if bf16 else "float32"):
            model(input_ids=ids, attention_mask=torch.ones_like(ids))

    read()
    weights = sum(w.nbytes for w in model.parameters()) / MIB
    estimate = reading_mib(model, (8, 128), bf16=bf16) - weights
    assert estimate == pytest.approx(peak_bytes(read, ids.device) / MIB, rel=0.25)


def test_gradients_keep_the_tensors_of_all_layers():
    model = MODELS["bert, sdpa"]().eval()
    reads, both = (reading_mib(model, (8, 128), gradients=grad) for grad in (False, True))
    weights = sum(w.nbytes for w in model.parameters()) / MIB
    assert both - weights > 1.5 * (reads - weights)
    assert all(weight.grad is None for weight in model.parameters())
    assert not model.get_input_embeddings()._forward_hooks


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
