"""Numerics: one place decides, bf16 learns what float32 learns, models come back."""

import copy
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    BertConfig,
    DebertaV2Config,
    XLMConfig,
    XLMRobertaConfig,
    set_seed,
)

from xltlib.encoders import device
from xltlib.encoders.attention import ONE_BY_ONE
from xltlib.params import STANDARD, SpanQASettings
from xltlib.tasks.span_qa import pad_spans, span_loss, training_rows
from xltlib.tasks.windows import featurize
from xltlib.training import cost, numerics
from xltlib.training.dropout import CheapDropout, cheap_dropout, dropout_of, keep_mask

CONTEXTS = [f"number {i} is {'abcdefgh'[i % 8] * 3} today" for i in range(8)]


@pytest.fixture
def batch(tiny_tokenizer):
    answers = [{"text": [c.split()[3]], "answer_start": [c.index(c.split()[3])]} for c in CONTEXTS]
    settings = SpanQASettings(max_length=64, doc_stride=16, max_query_length=16)
    features = featurize(tiny_tokenizer, ["which?"] * 8, CONTEXTS, settings)
    return pad_spans(tiny_tokenizer, training_rows(features, answers))


@pytest.fixture
def model(tiny_encoder):
    set_seed(3)
    return AutoModelForQuestionAnswering.from_pretrained(tiny_encoder)


def used(**changes):
    return numerics.Numerics(
        **{
            "device": "cpu",
            "precision": "float32",
            "weights": "float32",
            "attention": "sdpa",
            "linear": "torch",
            "dropout": "torch",
            "compiled": False,
            "threads": 1,
        }
        | changes
    )


def losses(model, batch, how, steps=20):
    """The loss of each step; the model trains in place."""
    set_seed(5)
    found = []
    with numerics.applied(how, model) as masters:
        make, options = numerics.optimiser(masters, 3e-3)
        optimiser = make([{"params": list(model.parameters())}], **options)
        model.train()
        for _ in range(steps):
            loss = how.computing(span_loss)(model, batch)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            found.append(loss.item())
        if masters is not None:
            masters.restore()
    return found


@pytest.mark.parametrize(("units", "expected"), [(True, "bf16"), (False, "float32")])
def test_auto_is_bf16_where_there_are_units_for_it(monkeypatch, units, expected):
    monkeypatch.setattr(device, "computes_bf16", lambda name: units)
    assert numerics.choose("auto", "cpu").precision == expected
    for asked in ("float32", "bf16"):  # what is asked for is what is done
        assert numerics.choose(asked, "cpu").precision == asked


def test_the_record_says_what_was_used():
    record = numerics.choose("bf16", "cpu").record()
    assert numerics.choose("float32", "cpu").attention == "sdpa"
    assert (record["precision"], record["weights"]) == ("bf16", "float32")
    assert (record["attention"], record["dropout"]) == ("one_by_one", "cheap")
    assert record["torch"] == torch.__version__
    on_gpu = numerics.choose("bf16", "cuda").record()
    assert (on_gpu["weights"], on_gpu["master_weights"]) == ("bf16", "float32")


def test_float32_is_computed_by_one_dnn_where_that_is_faster(monkeypatch, model, batch):
    amd = {"sse4a": True, "avx512_f": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: amd)
    fast = numerics.choose("float32", "cpu")
    assert fast.record()["linear"] == "oneDNN"
    assert numerics.choose("float32", "cpu", compiled=True).linear == "torch"
    plain = losses(copy.deepcopy(model), batch, replace(fast, linear="torch"))
    assert losses(model, batch, fast) == pytest.approx(plain, rel=1e-3)
    assert plain[-1] < 0.9 * plain[0]


@pytest.mark.parametrize("attention", ["eager", "sdpa", ONE_BY_ONE])
def test_attention_does_not_change_the_loss(model, batch, attention):
    model.eval()
    plain = span_loss(model, batch)
    with numerics.applied(used(attention=attention), model):
        torch.testing.assert_close(span_loss(model, batch), plain, rtol=1e-5, atol=1e-6)
    assert model.config._attn_implementation == "sdpa"


def without_dropout(tiny_encoder):
    set_seed(3)
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder)
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return model


AUTOCAST = {"precision": "bf16", "attention": ONE_BY_ONE}
BF16_WEIGHTS = {"precision": "bf16", "weights": "bf16"}


@pytest.mark.parametrize("bf16", [AUTOCAST, BF16_WEIGHTS], ids=["autocast", "bf16 weights"])
def test_bf16_learns_as_float32_does(batch, tiny_encoder, bf16):
    exact = losses(without_dropout(tiny_encoder), batch, used())
    rounded = losses(without_dropout(tiny_encoder), batch, used(**bf16))
    assert rounded[0] == pytest.approx(exact[0], rel=0.02)
    assert rounded != exact
    assert exact[-1] < 0.7 * exact[0]
    assert rounded[-1] == pytest.approx(exact[-1], rel=0.15)


def test_gradients_of_autocast_are_near_those_of_float32(batch, tiny_encoder):
    def gradient(how):
        model = without_dropout(tiny_encoder)
        with numerics.applied(how, model):
            how.computing(span_loss)(model, batch).backward()
            return torch.cat(
                [w.grad.float().flatten() for w in model.parameters() if w.grad is not None]
            )

    exact = gradient(used())
    error = {
        name: ((gradient(used(**bf16)) - exact).norm() / exact.norm()).item()
        for name, bf16 in (("autocast", AUTOCAST), ("weights", BF16_WEIGHTS))
    }
    assert 0 < error["autocast"] < 0.02
    assert error["autocast"] < error["weights"] / 2


def test_masters_keep_steps_that_bf16_would_round_away(model):
    weight = model.qa_outputs.weight
    before = weight.detach().clone()
    with numerics.applied(used(precision="bf16", weights="bf16"), model) as masters:
        assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
        make, options = numerics.optimiser(masters, 1e-6)
        optimiser = make([{"params": [weight], "weight_decay": 0.0}], **options)
        for _ in range(10):
            weight.grad = torch.ones_like(weight)
            optimiser.step()
        masters.restore()
    assert weight.dtype == torch.float32
    # Ten steps of 1e-6 down, each far below bf16's resolution of these weights.
    torch.testing.assert_close(before - weight, torch.full_like(before, 1e-5), rtol=0.02, atol=0)


def test_frozen_weights_come_back_exactly(model):
    words = model.get_input_embeddings().weight.requires_grad_(False)
    before = words.detach().clone()
    with numerics.applied(used(precision="bf16", weights="bf16"), model):
        assert words.dtype == torch.bfloat16
    assert torch.equal(words, before)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_an_optimiser_with_masters_goes_on_from_its_state(model):
    def made():
        masters = numerics.Masters(model)
        make, options = numerics.optimiser(masters, 1e-4)
        return masters, make([{"params": list(model.parameters())}], **options)

    def steps(optimiser, n):
        for _ in range(n):
            for weight in model.parameters():
                weight.grad = torch.full_like(weight, 0.5)
            optimiser.step()

    masters, optimiser = made()
    steps(optimiser, 3)
    saved = copy.deepcopy(optimiser.state_dict())
    weights = {n: w.detach().clone() for n, w in model.state_dict().items()}
    steps(optimiser, 2)
    expected = [m.detach().clone() for m in optimiser.state_dict()["masters"]]
    masters.end()
    model.load_state_dict(weights)
    _, again = made()
    again.load_state_dict(saved)
    steps(again, 2)
    for master, wanted in zip(again.state_dict()["masters"], expected, strict=True):
        assert torch.equal(master, wanted)
    assert again.state[next(iter(again.state))]["exp_avg"].dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_mask_drops_as_often_as_it_says_and_follows_the_seed(dtype):
    states = torch.ones((1000, 401), dtype=dtype)
    torch.manual_seed(1)
    first = keep_mask(states, 0.1)
    assert (first.shape, first.dtype) == (states.shape, dtype)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    gone = first == 0
    assert gone.float().mean().item() == pytest.approx(0.1, abs=0.002)
    # Neighbours share a draw of 64 bits and must not share their fate.
    pairs = (gone[:, :-1] & gone[:, 1:]).float().mean().item()
    assert pairs == pytest.approx(0.01, abs=0.001)
    torch.manual_seed(1)
    assert torch.equal(keep_mask(states, 0.1), first)
    assert not torch.equal(keep_mask(states, 0.1), first)
    assert keep_mask(states, 0.0).all()


def test_cheap_dropout_scales_what_it_keeps_and_its_gradient_is_its_own():
    states = torch.rand(64, 64, dtype=torch.float64, requires_grad=True) + 1
    dropped = CheapDropout(0.25)(states)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], states[kept] / 0.75)
    (gradient,) = torch.autograd.grad(dropped.sum(), states)
    torch.testing.assert_close(gradient, kept.double() / 0.75)
    assert torch.equal(CheapDropout(0.25).eval()(states), states)


def test_a_model_has_its_own_dropout_back_after_the_block(model):
    before = [module for module in model.modules() if type(module) is nn.Dropout]
    assert before
    with cheap_dropout(model):
        assert not [module for module in model.modules() if type(module) is nn.Dropout]
        assert all(
            m.p == b.p
            for m, b in zip(
                [m for m in model.modules() if isinstance(m, CheapDropout)], before, strict=True
            )
        )
    assert [module for module in model.modules() if type(module) is nn.Dropout] == before


SMALL = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.mark.parametrize(
    "config",
    [
        BertConfig(**SMALL, intermediate_size=64),
        XLMRobertaConfig(**SMALL, intermediate_size=64),
        DebertaV2Config(**SMALL, intermediate_size=64),
        XLMConfig(n_words=60, emb_dim=32, n_layers=2, n_heads=4),
    ],
    ids=lambda config: config.model_type,
)
@pytest.mark.parametrize("cheap", [False, True])
def test_dropout_can_be_left_out_of_every_layer(config, cheap):
    model, ids = AutoModel.from_config(config).train(), torch.arange(3, 33).view(2, 15)

    def twice_the_same():
        states = [model(ids)[0].detach() for _ in range(2)]
        return torch.equal(*states)

    with dropout_of(model, 0.0), cheap_dropout(model) if cheap else nullcontext():
        assert twice_the_same()
    assert not twice_the_same()
    with dropout_of(model, None):
        assert not twice_the_same()


def test_the_cost_of_bf16_weights_counts_the_masters(monkeypatch):
    """Beside float32's, a step in bf16 holds the weights and their gradients in both precisions."""
    batches = {STANDARD: [{"x": torch.ones(1, 600)}] * 2}

    def loss(model, batch):
        return model(batch["x"].to(model.weight.dtype)).float().mean()

    def peak(how):
        monkeypatch.setattr(numerics, "choose", lambda precision, device: how)
        measured = cost.measure(
            nn.Linear(600, 600), batches, {STANDARD: None}, precision="auto", rounds=1, loss=loss
        )
        return measured["peak memory (MiB)"].item()

    assert peak(used(**BF16_WEIGHTS)) == pytest.approx(20 / 16 * peak(used()), rel=0.05)
