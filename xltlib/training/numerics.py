"""How a run computes on its device: precision, attention, dropout, optimiser.

`choose` decides all of this, and its decisions are recorded with the run. The recipe (data, steps,
learning rate) is the same on every device; rounding and the random numbers of dropout are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn

from xltlib.encoders.attention import ONE_BY_ONE, attending
from xltlib.encoders.device import resolve
from xltlib.encoders.linear import LinearKernel, kernel, linear_by
from xltlib.params import Precision
from xltlib.tasks.kind import PADDING
from xltlib.training.dropout import cheap_dropout

BatchLoss = Callable[[nn.Module, dict[str, Any]], torch.Tensor]
"""The loss of a model on a collated batch: a scalar, the mean over its examples."""


@dataclass(frozen=True)
class Numerics:
    """The numerics of a training run.

    `precision` is that of matrix products, `weights` that of the model's weights. If weights are in
    bf16, so is everything else in the model, and the optimiser keeps float32 master weights
    (Micikevicius et al. 2018), which become the trained model. If weights are in float32, bf16 is
    autocast.
    """

    device: str
    precision: Literal["float32", "bf16"]
    weights: Literal["float32", "bf16"]
    attention: str
    linear: LinearKernel
    dropout: Literal["torch", "cheap"]
    compiled: bool
    threads: int
    padding: str = PADDING

    def record(self) -> dict[str, Any]:
        """For a cell's `manifest.json`."""
        master = {"master_weights": "float32"} if self.weights == "bf16" else {}
        return asdict(self) | {"optimiser": "fused AdamW", "torch": torch.__version__} | master

    def computing(self, loss: BatchLoss) -> BatchLoss:
        """A loss whose forward pass has these numerics."""
        autocast = self.precision == "bf16" and self.weights == "float32"

        def computed(model: nn.Module, batch: dict[str, Any]) -> torch.Tensor:
            with torch.autocast(self.device, torch.bfloat16, enabled=autocast):
                return loss(model, batch)

        return computed


def choose(precision: Precision, device: str, *, compiled: bool = False) -> Numerics:
    """The numerics for a training run on a device (`cpu` or `cuda`)."""
    on_cpu = device == "cpu"
    used = resolve(precision, device)
    return Numerics(
        device=device,
        precision=used,
        # On CPUs, autocast is as fast as weights in bf16 and its gradients are much more exact. On
        # a GPU, casting the weights of a small encoder costs more time than multiplying by them.
        weights="float32" if on_cpu else used,
        attention=ONE_BY_ONE if on_cpu and used == "bf16" else "sdpa",
        linear="torch" if compiled else kernel(device),
        dropout="cheap" if on_cpu else "torch",
        compiled=compiled,
        threads=torch.get_num_threads(),
    )


@contextmanager
def applied(numerics: Numerics, model: nn.Module) -> Iterator[Masters | None]:
    """Inside the block, a model computes with these numerics; afterwards it is in float32 again.

    Yields the float32 master weights if the weights are in bf16, else None. After the block such
    trainable weights are rounded to bf16, unless `Masters.restore` was called inside the block.
    """
    masters = None
    with ExitStack() as stack:
        stack.enter_context(attending(model, numerics.attention))
        stack.enter_context(linear_by(numerics.linear))
        if numerics.dropout == "cheap":
            stack.enter_context(cheap_dropout(model))
        if numerics.weights == "bf16":
            masters = Masters(model)
            stack.callback(masters.end)
        yield masters


class Masters:
    """The float32 weights of a model, which computes in bf16 from now on."""

    def __init__(self, model: nn.Module) -> None:
        self.of: dict[nn.Parameter, torch.Tensor] = {}
        for weight in model.parameters():  # buffers stay: some, such as frequencies, need float32
            self.of[weight] = weight.data
            weight.data = weight.data.to(torch.bfloat16)

    @torch.no_grad()
    def restore(self) -> None:
        """Give the model its master weights, in float32."""
        for weight, master in self.of.items():
            weight.data = master.detach()

    @torch.no_grad()
    def end(self) -> None:
        """Leave bf16: frozen weights regain their old values, the others keep their present
        ones."""
        for weight, master in self.of.items():
            weight.data = weight.data.float() if weight.requires_grad else master


class MasterAdamW(torch.optim.AdamW):
    """AdamW over float32 master weights; the model's bf16 weights are the masters, rounded."""

    def __init__(self, groups: Iterable[dict[str, Any]], masters: Masters, **options: Any) -> None:
        groups = [group | {"params": list(group["params"])} for group in groups]
        self._weights = [weight for group in groups for weight in group["params"]]
        self._masters = [nn.Parameter(masters.of[weight]) for weight in self._weights]
        for weight, master in zip(self._weights, self._masters, strict=True):
            masters.of[weight] = master
        of = dict(zip(self._weights, self._masters, strict=True))
        super().__init__(
            [group | {"params": [of[weight] for weight in group["params"]]} for group in groups],
            **options,
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step on the masters with the weights' gradients."""
        for weight, master in zip(self._weights, self._masters, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
        loss = super().step(closure)
        torch._foreach_copy_(self._weights, [*self._masters])
        for master in self._masters:
            master.grad = None
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the weights' gradients."""
        del set_to_none
        for weight in self._weights:
            weight.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The moments and the masters, which cannot be recovered from the weights."""
        return super().state_dict() | {"masters": [m.detach() for m in self._masters]}

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        state = dict(state_dict)
        for master, saved in zip(self._masters, state.pop("masters"), strict=True):
            master.copy_(saved)
        super().load_state_dict(state)


def optimiser(
    masters: Masters | None, learning_rate: float
) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """The optimiser's class and options, for a `Trainer`."""
    options = {"lr": learning_rate, "betas": (0.9, 0.999), "eps": 1e-8, "fused": True}
    if masters is None:
        return torch.optim.AdamW, options
    return MasterAdamW, options | {"masters": masters}
