"""Linear layers by oneDNN: the same numbers as PyTorch's own, used only where they are faster."""

import pytest
import torch
from torch import nn
from transformers import AutoModelForQuestionAnswering

from xltlib.encoders import linear
from xltlib.encoders.linear import ByOneDNN, kernel, linear_by
from xltlib.encoders.reading import reading

AMD, INTEL = {"sse4a": True, "avx512_f": True}, {"sse4a": False, "avx512_f": True}

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN"
)


def counted(monkeypatch):
    """The shapes of the products that oneDNN computes from now on."""
    seen, product = [], linear._product

    def count(states, *rest):
        seen.append(tuple(states.shape))
        return product(states, *rest)

    monkeypatch.setattr(linear, "_product", count)
    return seen


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        (AMD, "oneDNN"),
        (INTEL, "torch"),
        ({"sse4a": True, "avx512_f": False}, "torch"),  # Zen 3 and earlier
        ({}, "torch"),  # ARM
    ],
)
def test_one_dnn_computes_on_amd_processors_with_avx512_only(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert kernel("cpu") == expected
    assert kernel("cuda") == "torch"
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert kernel("cpu") == "torch"


@pytest.mark.parametrize("shape", [(5, 7, 48), (3, 48), (48,), (2, 3, 4, 48)])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_and_gradients_are_those_of_pytorch(monkeypatch, shape, bias):
    torch.manual_seed(0)
    layer = nn.Linear(48, 20, bias=bias)
    states = torch.randn(shape, requires_grad=True)
    tensors = [states, *layer.parameters()]

    def computed():
        output = layer(states)
        return output, *torch.autograd.grad(output.sin().sum(), tensors)

    expected = computed()
    seen = counted(monkeypatch)
    with linear_by("oneDNN"):
        found = computed()
    assert len(seen) == 3  # the output, and the gradients of states and weights
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_weights_without_gradients_get_none(monkeypatch):
    layer = nn.Linear(8, 4).requires_grad_(False)
    states = torch.randn(3, 8, requires_grad=True)
    seen = counted(monkeypatch)
    with linear_by("oneDNN"):
        layer(states).sum().backward()
    assert len(seen) == 2
    torch.testing.assert_close(states.grad, layer.weight.sum(0).expand(3, 8))


def test_a_second_derivative_is_refused_and_not_wrong():
    layer, states = nn.Linear(8, 4), torch.randn(3, 8, requires_grad=True)
    with linear_by("oneDNN"):
        (first,) = torch.autograd.grad(layer(states).pow(2).sum(), states, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_everything_but_plain_float32_is_left_to_pytorch(monkeypatch):
    layer, states = nn.Linear(8, 4), torch.randn(3, 8)
    seen = counted(monkeypatch)
    with ByOneDNN():
        assert layer.double()(states.double()).dtype == torch.float64
        assert layer.bfloat16()(states.bfloat16()).dtype == torch.bfloat16
        layer.float()
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(states).dtype == torch.bfloat16
        assert layer(states[:0]).shape == (0, 4)
        with pytest.raises(RuntimeError, match="shape"):
            layer(states[:, :7])
        assert not seen
        layer(states)
    layer(states)
    assert len(seen) == 1


def test_a_model_reads_the_same_in_float32_by_either_kernel(monkeypatch, tiny_encoder):
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).eval()
    ids = torch.randint(5, 20, (3, 12))
    logits = []
    for has in (INTEL, AMD):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: has)
        seen = counted(monkeypatch)
        with torch.inference_mode(), reading(model, "float32"):
            logits.append(model(ids).start_logits)
        assert bool(seen) == (has is AMD)
    torch.testing.assert_close(*logits)


def test_a_model_without_weights_can_read():
    with reading(nn.ReLU(), "float32"):
        assert nn.ReLU()(torch.ones(1)) == 1
