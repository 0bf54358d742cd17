"""ADV and RS-RP: inside the ball, on real tokens only, and standard training at radius zero."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForQuestionAnswering, MT5Config, set_seed

from xltlib.params import SpanQASettings
from xltlib.tasks.span_qa import pad_spans, training_rows
from xltlib.tasks.windows import featurize
from xltlib.text_files import InputError
from xltlib.training.robust import (
    EmbeddingShape,
    RobustTraining,
    embedding_shape,
    into_ball,
    mean_loss,
    perturbed,
    robust_loss,
    uniform_in_ball,
)
from xltlib.training.robust.adv import Adversarial
from xltlib.training.robust.rs_rp import RandomPerturbation

QUESTIONS = ["where is it", "how many"]
CONTEXTS = ["the museum is in Москва now", "there are 12 of them in all"]
ANSWERS = [
    {"text": ["Москва"], "answer_start": [17]},
    {"text": ["12"], "answer_start": [10]},
]


@pytest.fixture(scope="module")
def model(tiny_encoder):
    set_seed(0)
    return AutoModelForQuestionAnswering.from_pretrained(tiny_encoder)


@pytest.fixture(scope="module")
def batch(tiny_tokenizer):
    window = SpanQASettings(max_length=96, doc_stride=16, max_query_length=32)
    rows = training_rows(featurize(tiny_tokenizer, QUESTIONS, CONTEXTS, window), ANSWERS)
    return pad_spans(tiny_tokenizer, rows)


@pytest.fixture(scope="module")
def shape(model, batch, tiny_tokenizer):
    return embedding_shape(model, batch, tiny_tokenizer.all_special_ids)


def loss_of(model, batch):
    def loss(perturbation):
        with perturbed(model, perturbation, relative=True):
            return model(**batch).loss

    return loss


def value(method, loss, shape, seed):
    """The loss that training takes under a method."""
    return mean_loss(loss, method.perturbations(loss, shape, seed), [])


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 10), st.integers(0, 10_000))
def test_draws_never_leave_the_ball_and_reach_its_edge(radius, seed):
    shape = EmbeddingShape(torch.tensor([[True, True, False]] * 40), 16)
    draw = uniform_in_ball(shape, radius, torch.Generator().manual_seed(seed))
    norms = draw.norm(dim=-1)
    assert (norms <= radius * (1 + 1e-5)).all()
    assert (norms[:, 2] == 0).all()
    assert norms.max() > 0.8 * radius  # in 16 dimensions most of a ball is near its edge


def test_draws_are_uniform_in_volume():
    shape = EmbeddingShape(torch.ones(1, 20_000, dtype=torch.bool), 3)
    norms = uniform_in_ball(shape, 1.0, torch.Generator().manual_seed(0)).norm(dim=-1)
    # Half of the volume of a ball in three dimensions is within 0.5^(1/3) of its centre.
    assert (norms < 0.5 ** (1 / 3)).float().mean() == pytest.approx(0.5, abs=0.02)


def test_projection_leaves_the_inside_alone_and_shortens_the_outside():
    points = torch.tensor([[0.3, 0.4], [3.0, 4.0], [0.0, 0.0]])
    torch.testing.assert_close(
        into_ball(points, 1.0), torch.tensor([[0.3, 0.4], [0.6, 0.8], [0.0, 0.0]])
    )


def test_padding_and_special_tokens_are_not_real(shape, batch, tiny_tokenizer):
    special = torch.isin(batch["input_ids"], torch.tensor(tiny_tokenizer.all_special_ids))
    assert (shape.real == ~special).all()
    assert not shape.real[batch["attention_mask"] == 0].any()


@pytest.mark.parametrize("steps", [1, 3])
def test_the_ascent_stays_in_the_ball_and_off_padding_and_special_tokens(
    model, batch, shape, steps
):
    method = Adversarial(radius=0.2, step_size=0.5, steps=steps)
    (delta,) = method.perturbations(loss_of(model, batch), shape, seed=1)
    norms = delta.norm(dim=-1)
    assert (norms <= 0.2 * (1 + 1e-5)).all()
    assert (norms[~shape.real] == 0).all()
    assert norms[shape.real].min() > 0


@pytest.mark.parametrize(
    "method",
    [Adversarial(radius=0.0, step_size=0.1, steps=2), RandomPerturbation(radius=0.0, draws=1)],
)
def test_a_radius_of_zero_is_standard_training(model, batch, shape, method):
    model.train()  # with dropout: the same masks must be drawn
    set_seed(5)
    standard = model(**batch).loss
    set_seed(5)
    robust = value(method, loss_of(model, batch), shape, seed=3)
    torch.testing.assert_close(robust, standard, rtol=0, atol=1e-6)


def test_the_ascent_raises_the_loss_more_than_noise_of_the_same_length(model, batch, shape):
    model.eval()
    loss = loss_of(model, batch)
    adversarial = Adversarial(radius=0.5, step_size=0.5, steps=2)
    for seed in range(5):
        (delta,) = adversarial.perturbations(loss, shape, seed)
        noise = uniform_in_ball(shape, 1.0, torch.Generator().manual_seed(100 + seed))
        noise = noise / noise.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        noise = noise * delta.norm(dim=-1, keepdim=True)
        with torch.no_grad():
            assert loss(delta) > loss(noise)
            assert loss(delta) > loss(None)


@pytest.mark.parametrize("where", ["embeddings", "states"])
@pytest.mark.parametrize("draws", [1, 2, 4])
def test_smoothing_has_the_value_and_the_gradient_of_an_ordinary_mean(
    model, batch, tiny_tokenizer, where, draws
):
    model.eval()
    method = RandomPerturbation(radius=0.5, draws=draws)
    robust = RobustTraining(method, tiny_tokenizer.all_special_ids, where)
    shape = embedding_shape(model, batch, tiny_tokenizer.all_special_ids, where)
    weights = list(model.parameters())

    def loss(perturbation):
        with perturbed(model, perturbation, where=where, relative=True):
            return model(**batch).loss

    losses = torch.stack([loss(delta) for delta in method.perturbations(loss, shape, seed=2)])
    assert len(set(losses.tolist())) == draws
    expected = torch.autograd.grad(losses.mean() / 3, weights, allow_unused=True)
    model.zero_grad()
    mean = robust_loss(robust, model, batch, 2, lambda inputs: model(**inputs).loss)
    torch.testing.assert_close(mean, losses.mean())
    (mean / 3).backward()  # as gradient accumulation divides it
    for weight, gradient in zip(weights, expected, strict=True):
        if gradient is None:
            assert weight.grad is None
        else:
            torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-7)
    model.zero_grad()


def test_the_graph_of_one_draw_at_a_time_is_kept(model, batch, shape):
    alive = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, loss):
            return loss.clone()

        @staticmethod
        def backward(ctx, gradient):
            alive.pop()
            return gradient

    def loss(perturbation):
        alive.append(True)
        assert len(alive) == 1, "the graph of an earlier draw is still there"
        return Watched.apply(loss_of(model, batch)(perturbation))

    method = RandomPerturbation(radius=0.5, draws=4)
    weights = list(model.parameters())
    mean_loss(loss, method.perturbations(loss, shape, 1), weights).backward()
    assert not alive
    model.zero_grad()


@pytest.mark.parametrize("where", ["embeddings", "states"])
def test_a_radius_is_relative_to_the_norm_of_each_token(model, batch, tiny_tokenizer, where):
    model.eval()
    shape = embedding_shape(model, batch, tiny_tokenizer.all_special_ids, where)
    delta = uniform_in_ball(shape, 0.25, torch.Generator().manual_seed(0))
    encoder = model.base_model
    place = encoder.get_input_embeddings() if where == "embeddings" else encoder
    seen = []

    def watch(module, inputs, output):
        seen.append((output if where == "embeddings" else output.last_hidden_state).detach())

    with torch.no_grad():
        before = place.register_forward_hook(watch)
        with perturbed(model, delta, where=where, relative=True):
            after = place.register_forward_hook(watch)
            model(**batch)
    before.remove()
    after.remove()
    plain, moved = seen
    norms = plain.norm(dim=-1)
    length = (moved - plain).norm(dim=-1)
    torch.testing.assert_close(length, delta.norm(dim=-1) * norms, rtol=1e-3, atol=1e-5)
    assert (length <= 0.25 * norms * (1 + 1e-3) + 1e-6).all()
    assert length[shape.real].min() > 0
    assert (length[~shape.real] == 0).all()


def test_the_same_seed_draws_the_same_noise(model, batch, shape):
    model.eval()
    method, loss = RandomPerturbation(radius=0.5, draws=1), loss_of(model, batch)
    assert value(method, loss, shape, seed=2) == value(method, loss, shape, seed=2)
    assert value(method, loss, shape, seed=2) != value(method, loss, shape, seed=3)


def test_the_hook_is_gone_after_the_block(model, batch, shape):
    model.eval()
    before = model(**batch).loss
    with perturbed(model, torch.linspace(-1, 1, 32)):
        assert model(**batch).loss != before
    assert model(**batch).loss == before


@pytest.mark.parametrize("where", ["embeddings", "states"])
def test_a_model_that_a_perturbation_does_not_reach_is_refused(where, batch, tiny_tokenizer):
    """mT5 looks words up in a copy of the module that it names as its embeddings."""
    config = MT5Config(
        vocab_size=len(tiny_tokenizer),
        **{"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
    )
    mt5 = AutoModelForQuestionAnswering.from_config(config)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    size = (*batch["input_ids"].shape, 16)
    with (
        pytest.raises(InputError, match=f"its {where} cannot be perturbed"),
        perturbed(mt5, torch.ones(size), where=where),
    ):
        mt5(**inputs)
