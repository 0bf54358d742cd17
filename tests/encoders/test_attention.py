"""Attention by sequence gives what eager attention gives, in every architecture that takes it."""

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    ModernBertConfig,
    ModernBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from xltlib.encoders import attention
from xltlib.encoders.attention import LONGEST, ONE_BY_ONE, attending, one_by_one
from xltlib.encoders.reading import reading

SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 600,
}
PLAIN = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
MODELS = {
    "bert": lambda: BertModel(BertConfig(**SIZES, **PLAIN)),
    "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**SIZES, **PLAIN)),
    # Every second layer sees eight tokens to each side, so padding far from text sees nothing.
    "modernbert": lambda: ModernBertModel(
        ModernBertConfig(
            **SIZES, local_attention=8, global_attn_every_n_layers=2, pad_token_id=0,
            bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
        )
    ),
    # Computes attention itself and must be left alone.
    "deberta-v2": lambda: DebertaV2Model(DebertaV2Config(**SIZES, **PLAIN)),
}  # fmt: skip


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.ones(3, 80, dtype=torch.long)
    mask[1, 50:] = mask[2, 7:] = 0
    return {"input_ids": torch.randint(3, 50, (3, 80)), "attention_mask": mask}


def states(model, batch):
    """The states of tokens that are no padding."""
    return model(**batch).last_hidden_state.float()[batch["attention_mask"] == 1]


def test_states_and_gradients_are_those_of_eager_attention(model, batch):
    found = {}
    for name in ("eager", ONE_BY_ONE):
        model.zero_grad()
        with attending(model, name):
            output = states(model, batch)
            (output**2).mean().backward()
        gradient = next(w.grad for n, w in model.named_parameters() if "dense" in n or "Wqkv" in n)
        found[name] = output.detach(), gradient.clone()
    for eager, own in zip(found["eager"], found[ONE_BY_ONE], strict=True):
        torch.testing.assert_close(own, eager, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("half", [False, True], ids=["autocast", "bf16 weights"])
@torch.inference_mode()
def test_reading_in_bf16_uses_it_and_stays_near_float32(model, batch, half, monkeypatch):
    used, plain = [], attention.one_by_one

    def noting(module, query, *call, **options):
        used.append(query.dtype)
        return plain(module, query, *call, **options)

    monkeypatch.setattr(attention, "one_by_one", noting)
    with reading(model, "float32"):
        exact = states(model, batch)
    assert not used
    before = model.config._attn_implementation
    if half:
        model.bfloat16()
    with reading(model, "float32" if half else "bf16"):
        near = states(model, batch)
    assert (set(used) == {torch.bfloat16}) is model._supports_attention_backend
    assert torch.isfinite(near).all()
    assert (near - exact).norm() < 0.03 * exact.norm()
    assert model.config._attn_implementation == before


def test_a_model_has_its_own_attention_back_after_an_error(model):
    before = model.config._attn_implementation
    with pytest.raises(RuntimeError, match="stop"), attending(model, ONE_BY_ONE):
        raise RuntimeError("stop")
    assert model.config._attn_implementation == before


def test_a_model_that_does_not_use_sdpa_is_left_alone(model):
    model.set_attn_implementation("eager")
    with attending(model, ONE_BY_ONE):
        assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize("case", ["long", "grouped", "unmasked", "one mask for all"])
def test_other_shapes(case):
    tokens = LONGEST + 8 if case == "long" else 12
    torch.manual_seed(0)
    query = torch.rand(2, 4, tokens, 8)
    key, value = (torch.rand(2, 2 if case == "grouped" else 4, tokens, 8) for _ in range(2))
    mask = None
    if case == "one mask for all":
        mask = torch.zeros(1, 1, tokens, tokens)
        mask[..., 5:] = -1e9
    module = nn.Module()
    module.num_key_value_groups = 2 if case == "grouped" else 1
    found, weights = one_by_one(module.eval(), query, key, value, mask)
    options = {"attn_mask": mask, "enable_gqa": case == "grouped"}
    wanted = nn.functional.scaled_dot_product_attention(query, key, value, **options)
    torch.testing.assert_close(found, wanted.transpose(1, 2), rtol=1e-4, atol=1e-5)
    assert weights is None


def test_dropout_is_left_to_sdpa():
    query, key, value = (torch.rand(1, 1, 40, 8) for _ in range(3))
    torch.manual_seed(0)
    wanted = nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=0.5)
    torch.manual_seed(0)
    found, _ = one_by_one(nn.Module(), query, key, value, None, dropout=0.5)
    torch.testing.assert_close(found, wanted.transpose(1, 2))
    plain, _ = one_by_one(nn.Module(), query, key, value, None)
    assert not torch.allclose(found, plain)


def test_in_bf16_its_gradients_are_as_near_float32s_as_those_of_eager_attention(batch):
    torch.manual_seed(0)
    model = MODELS["bert"]()

    def gradient(name):
        model.zero_grad()
        with attending(model, name):
            (states(model, batch) ** 3).mean().backward()
        return torch.cat(
            [w.grad.float().flatten() for w in model.parameters() if w.grad is not None]
        )

    exact = gradient("eager")
    model.bfloat16()
    eager, own = (gradient(name) - exact for name in ("eager", ONE_BY_ONE))
    assert own.norm() < 1.1 * eager.norm() < 0.1 * exact.norm()
