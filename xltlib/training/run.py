"""One training run: a Hugging Face `Trainer` that follows a plan, checkpoints and resumes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import SequentialSampler
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments

from xltlib.artifacts import InputError
from xltlib.params import Optimisation
from xltlib.training import numerics
from xltlib.training.checkpoints import Sealing, last_checkpoint
from xltlib.training.dropout import dropout_of
from xltlib.training.numerics import BatchLoss
from xltlib.training.robust import RobustTraining, robust_loss

DEV = "eval_dev"
DevScore = Callable[[nn.Module], float]
"""A model's score on the English dev set, in points."""


def model_loss(model: nn.Module, batch: dict[str, Any]) -> torch.Tensor:
    """The loss that the model itself computes."""
    return model(**batch)["loss"]


class PlannedTrainer(Trainer):
    """A `Trainer` whose dataset is the plan: each item is a whole batch, in the plan's order.

    With a robust method, each batch has that method's loss.
    """

    def __init__(
        self,
        *args: Any,
        loss: BatchLoss,
        robust: RobustTraining | None = None,
        dev_score: DevScore | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.loss = loss
        self.robust = robust
        self.dev_score = dev_score
        self._passes = (0, 0)  # optimiser step, and how many of its batches were seen

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        plan: Any = self.train_dataset if train_dataset is None else train_dataset
        return SequentialSampler(plan)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch; the model's outputs are never requested with it."""
        del return_outputs, num_items_in_batch
        return robust_loss(
            self.robust, model, inputs, self._seed_of_batch(), lambda batch: self.loss(model, batch)
        )

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The dev score, for the callbacks that log it and stop early."""
        assert self.dev_score is not None  # only runs with early stopping evaluate
        assert self.model is not None
        metrics = {DEV: self.dev_score(self.model)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _seed_of_batch(self) -> int:
        """A seed from the position in the plan, so that a resumed run draws the same noise."""
        step = self.state.global_step
        seen = self._passes[1] + 1 if self._passes[0] == step else 0
        self._passes = (step, seen)
        return int(np.random.SeedSequence([self.args.seed, step, seen]).generate_state(1)[0])


@dataclass(frozen=True)
class TrainingLog:
    """The log of a run: optimiser steps, the training loss at even intervals, and with early
    stopping the dev scores and the step whose weights were kept. `numerics` records how it was
    computed."""

    steps: int
    losses: list[dict[str, float]]
    dev_scores: list[dict[str, float]]
    best_step: int | None
    numerics: dict[str, Any]

    def as_metrics(self) -> dict[str, Any]:
        """For a cell's `metrics.json`; `numerics` belongs in its manifest."""
        return {name: value for name, value in asdict(self).items() if name != "numerics"}


def train(
    model: nn.Module,
    batches: Sequence[Any],
    collate: Callable[[Any], dict[str, Any]],
    optimisation: Optimisation,
    *,
    seed: int,
    checkpoints: Path,
    device: str = "cpu",
    loss: BatchLoss = model_loss,
    robust: RobustTraining | None = None,
    dev_score: DevScore | None = None,
    progress: bool = True,
) -> TrainingLog:
    """Train `model` in place over `batches`, one forward pass each, with linear decay.

    With `save_every_steps`, a killed run continues from its last whole checkpoint and ends like an
    uninterrupted one; checkpoints are removed when training is complete. With `stopping`, the
    weights with the best `dev_score` are kept. `numerics.choose` decides precision, attention and
    so on; the trained model is in float32.

    Raises:
        InputError: `stopping` is set without a dev set, or a robust method is used with a compiled
            model.
    """
    if optimisation.compile and robust is not None:
        raise InputError(
            "optimisation.compile: a compiled model cannot be perturbed. Leave it out for ADV and "
            "RS-RP."
        )
    stopping = optimisation.stopping
    if stopping is not None and dev_score is None:
        raise InputError(
            "optimisation.stopping needs an English dev set. Give the training data a dev_split."
        )
    save_every = stopping.every_steps if stopping else optimisation.save_every_steps
    callbacks: list[TrainerCallback] = [Sealing()]
    if stopping is not None and stopping.patience is not None:
        callbacks.append(EarlyStoppingCallback(stopping.patience))
    steps = -(-len(batches) // optimisation.gradient_accumulation)
    used = numerics.choose(optimisation.precision, device, compiled=optimisation.compile)
    # A checkpoint fits only the numerics that made it.
    checkpoints /= f"{used.device}-{used.precision}-{used.weights}"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=optimisation.gradient_accumulation,
        learning_rate=optimisation.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(optimisation.warmup_ratio * steps),
        weight_decay=optimisation.weight_decay,
        max_grad_norm=optimisation.max_gradient_norm,
        torch_compile=optimisation.compile,
        tf32=None if device == "cpu" else False,  # else compiling would turn it on
        use_cpu=device == "cpu",
        seed=seed,
        save_strategy="steps" if save_every else "no",
        save_steps=save_every or steps,
        save_total_limit=2,
        eval_strategy="steps" if stopping else "no",
        eval_steps=save_every or steps,
        load_best_model_at_end=stopping is not None,
        metric_for_best_model=DEV if stopping else None,
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,  # else early stopping would lose its count
        logging_steps=max(1, steps // 10),
        logging_nan_inf_filter=False,  # it would wait for the device at every step
        report_to="none",
        disable_tqdm=not progress,
        log_level="error",
        remove_unused_columns=False,
        dataloader_pin_memory=device != "cpu",
    )
    with dropout_of(model, optimisation.dropout), numerics.applied(used, model) as masters:
        trainer = PlannedTrainer(
            model=model,
            args=arguments,
            train_dataset=list(batches),
            data_collator=lambda items: collate(items[0]),
            # Its rows are never read: `dev_score` has the dev set.
            eval_dataset=[] if stopping else None,
            callbacks=callbacks,
            optimizer_cls_and_kwargs=numerics.optimiser(masters, optimisation.learning_rate),
            loss=used.computing(loss),
            robust=robust,
            dev_score=dev_score,
        )
        # The dataset already consists of batches; the loss of each is the mean over its examples.
        trainer.model_accepts_loss_kwargs = False
        trainer.train(resume_from_checkpoint=last_checkpoint(checkpoints))
        if masters is not None and stopping is None:
            masters.restore()
    shutil.rmtree(checkpoints.parent, ignore_errors=True)
    model.eval()
    history = trainer.state.log_history
    return TrainingLog(
        steps=trainer.state.global_step,
        losses=[{"step": row["step"], "loss": row["loss"]} for row in history if "loss" in row],
        dev_scores=[{"step": row["step"], "score": row[DEV]} for row in history if DEV in row],
        best_step=trainer.state.best_global_step if stopping else None,
        numerics=used.record(),
    )


def use_threads(threads: int) -> None:
    """Compute with a fixed number of threads, because sums in another order round differently."""
    torch.set_num_threads(threads)
