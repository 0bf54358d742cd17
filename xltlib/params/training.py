"""Intermediate training, robust methods, and target tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from xltlib.params.base import (
    Fraction,
    Name,
    Precision,
    Seed,
    Settings,
    TestSet,
    files_by_language,
    without_repeats,
)
from xltlib.params.data import TaskData

STANDARD = "standard"


class StoppingSettings(Settings):
    """Score the English dev set every so many steps and keep the best checkpoint.

    Training ends after `patience` scores without a better one; without patience it takes all steps.
    """

    every_steps: PositiveInt
    patience: PositiveInt | None = None


class Optimisation(Settings):
    """What a training run needs beside its data; without `stopping` it takes a fixed budget.

    A batch has `batch_size` examples; with `batch_tokens` it has fewer where they are long, so many
    that all of them, padding included, are at most that many tokens (target tasks only: the steps
    of intermediate arms must not depend on their languages). `precision` is that of the weights in
    the passes; the optimiser keeps float32 ones beside bf16 (`auto`: bf16 where the hardware has
    units for it). `compile` runs the model through torch.compile.
    """

    learning_rate: PositiveFloat
    batch_size: PositiveInt
    batch_tokens: PositiveInt | None = None
    gradient_accumulation: PositiveInt = 1
    warmup_ratio: Fraction = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_gradient_norm: PositiveFloat = 1.0
    precision: Precision = "float32"
    compile: bool = False
    save_every_steps: PositiveInt | None = None
    stopping: StoppingSettings | None = None


class IntermediateArm(Settings):
    """One treatment: the data of each task. Arms of one budget differ in their data alone.

    Without `budget`, an arm has the one that stands in `intermediate` itself.
    """

    tasks: dict[Name, TaskData] = {}
    method: Name = STANDARD
    budget: Name | None = None


class Budget(Settings):
    """What the arms of a comparison share: each sees `examples` of every task, `epochs` times.

    A language's share of a task's examples is its size to the power of 1 / `temperature`: 1 is in
    proportion, larger is flatter. `sequential` takes the tasks one after the other, in the order of
    `examples`; `mixed` shuffles their batches.
    """

    examples: dict[Name, PositiveInt]
    epochs: PositiveInt = 1
    schedule: Literal["mixed", "sequential"] = "mixed"
    temperature: Annotated[float, Field(ge=1, le=1000)] = 5.0
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    optimisation: Optimisation

    @field_validator("optimisation")
    @classmethod
    def _same_steps(cls, optimisation: Optimisation) -> Optimisation:
        if optimisation.batch_tokens is not None:
            raise ValueError(
                "batch_tokens: arms would take different steps, because languages differ in their "
                "tokens per text; leave it out here"
            )
        return optimisation


class IntermediateSettings(Budget):
    """Intermediate training: the arms, and their budget.

    `budgets` are further ones, for arms that answer another question (other tasks, more passes).
    Only arms of one budget are compared as treatments.
    """

    arms: Annotated[dict[Name, IntermediateArm], Field(min_length=1)]
    budgets: dict[Name, Budget] = {}

    def budget(self, arm: str) -> Budget:
        """The budget of an arm."""
        name = self.arms[arm].budget
        return self if name is None else self.budgets[name]

    def peers(self, arm: str) -> dict[str, IntermediateArm]:
        """The arms that share an arm's budget, itself included."""
        name = self.arms[arm].budget
        return {other: one for other, one in self.arms.items() if one.budget == name}

    @model_validator(mode="after")
    def _fair(self) -> IntermediateSettings:
        for name, arm in self.arms.items():
            if arm.budget is not None and arm.budget not in self.budgets:
                known = ", ".join(self.budgets) or "none"
                raise ValueError(
                    f"arms.{name}.budget: there is no budget {arm.budget!r}; there: {known}"
                )
            examples = self.budget(name).examples
            if arm.tasks and set(arm.tasks) != set(examples):
                raise ValueError(
                    f"arm {name} has the tasks {sorted(arm.tasks)}, its budget is for "
                    f"{sorted(examples)}: every arm of a budget must have the same ones"
                )
        if self.arms.get("none", IntermediateArm()).tasks:
            raise ValueError("arm none must have no tasks")
        return self


class Perturbing(Settings):
    """Noise on word embeddings, or on the last hidden states (`where`).

    `radius` is the L2 norm of a token's perturbation relative to the norm of what is perturbed:
    0.1 moves every token by at most a tenth of its own length, in any encoder.
    """

    radius: Annotated[float, Field(gt=0, le=10)]
    where: Literal["embeddings", "states"] = "embeddings"


class AdversarialSettings(Perturbing):
    """ADV: gradient ascent on the loss inside the ball; `step_size` is relative as `radius` is."""

    kind: Literal["adv"]
    step_size: PositiveFloat
    steps: PositiveInt = 1


class RandomPerturbationSettings(Perturbing):
    """RS-RP: noise drawn uniformly from the ball; the loss is a mean over the draws."""

    kind: Literal["rs-rp"]
    draws: PositiveInt = 1


class DataAugmentationSettings(Settings):
    """RS-DA: words drawn from themselves and their neighbours.

    `neighbours` are lists by language; in a language without one, neighbours are the `nearest`
    words of the training texts in the encoder's word embeddings, of at least `min_cosine`.
    `matched` takes the steps of standard training, an epoch of each copy in turn. The unmatched
    form, the authors', goes through all copies in every epoch, so it takes `copies` times the
    steps; `epochs` are then its own (those of the task unless given).
    """

    kind: Literal["rs-da"]
    neighbours: dict[str, Path] = {}
    nearest: PositiveInt = 4
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4
    copies: PositiveInt = 10
    matched: bool = True
    epochs: PositiveFloat | None = None

    _languages = field_validator("neighbours")(files_by_language)

    @model_validator(mode="after")
    def _own_epochs(self) -> DataAugmentationSettings:
        if self.matched and self.epochs is not None:
            raise ValueError("epochs goes with matched: false; matched takes the task's steps")
        return self


Method = Annotated[
    AdversarialSettings | RandomPerturbationSettings | DataAugmentationSettings,
    Field(discriminator="kind"),
]


class Crossing(Settings):
    """Every one of these arms with every one of these methods; without `arms`, all of them."""

    arms: Annotated[list[Name], Field(min_length=1)] | None = None
    methods: Annotated[list[Name], Field(min_length=1)] = [STANDARD]


class TargetSettings(Settings):
    """A target task: fine-tuning on English, and the test sets that its models answer.

    `seeds` are those of the profile unless given here. `max_length` is in tokens; span QA
    has windows instead (section `span_qa`).
    """

    data: TaskData
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    max_examples: PositiveInt | None = None
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    epochs: PositiveFloat
    crossings: Annotated[list[Crossing], Field(min_length=1)] = [Crossing()]
    optimisation: Optimisation
    test_sets: Annotated[list[TestSet], Field(min_length=1)]

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int] | None) -> list[int] | None:
        return None if seeds is None else without_repeats(seeds)

    @field_validator("data")
    @classmethod
    def _one_language(cls, data: TaskData) -> TaskData:
        if len(data.languages) != 1:
            raise ValueError("a target task trains in one language")
        return data
