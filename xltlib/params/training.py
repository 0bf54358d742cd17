"""Intermediate training, robust methods, and target tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, field_validator, model_validator

from xltlib.params.base import Settings, TestSet
from xltlib.params.sources import TaskData
from xltlib.params.values import (
    IS_LATER,
    Count,
    Distinct,
    Dropout,
    Epochs,
    Fraction,
    LocalPath,
    Name,
    Precision,
    Repetitions,
    Seed,
    files_by_language,
)

STANDARD = "standard"


class StoppingSettings(Settings):
    """Score the dev set at intervals and keep the best checkpoint."""

    every_steps: Count
    """Optimiser steps between scores."""
    patience: Count | None = None
    """Stop after this many scores without improvement; by default all steps are taken."""


class Optimisation(Settings):
    """The settings of a training run, apart from its data."""

    learning_rate: Annotated[float, Field(gt=0, le=1)]
    """The peak learning rate."""
    batch_size: Count
    """Examples per batch."""
    batch_tokens: Count | None = None
    """The largest number of tokens per batch, including padding; target tasks only."""
    gradient_accumulation: Count = 1
    """Batches per optimiser step."""
    warmup_ratio: Fraction = 0.1
    """Share of the steps over which the learning rate rises."""
    weight_decay: Fraction = 0.0
    """AdamW's weight decay."""
    max_gradient_norm: PositiveFloat = 1.0
    """Gradients are clipped to this L2 norm."""
    dropout: Annotated[Dropout | None, IS_LATER] = None
    """Dropout in all layers, attention included; by default the model's own."""
    frozen_layers: Annotated[Count | None, IS_LATER] = None
    """The embeddings and this many of the encoder's first layers are not trained; by default all
    are."""
    precision: Precision = "float32"
    """Precision of matrix products; the optimiser's weights are in float32."""
    compile: bool = False
    """Run the model through torch.compile."""
    save_every_steps: Count | None = None
    """Steps between checkpoints, from which a run resumes."""
    stopping: StoppingSettings | None = None
    """Early stopping; without it the budget is fixed."""


class IntermediateArm(Settings):
    """One treatment: the data of each task. Arms with the same budget differ only in their data."""

    tasks: dict[Name, TaskData] = {}
    """Training data by task; the tasks are those of the budget."""
    method: Name = STANDARD
    """Standard training or a key of `methods`."""
    budget: Name | None = None
    """A key of `intermediate.budgets`; by default the budget of `intermediate` itself."""


class Budget(Settings):
    """Everything that the arms of a comparison have in common."""

    examples: dict[Name, Count]
    """Examples per task."""
    epochs: Repetitions = 1
    """Passes over the examples."""
    schedule: Literal["mixed", "sequential"] = "mixed"
    """`mixed` shuffles the batches of all tasks; `sequential` takes the tasks in the order of
    `examples`.
    """
    temperature: Annotated[float, Field(ge=1, le=1000)] = 5.0
    """A language's share is proportional to its size to the power of 1 / temperature: 1 keeps the
    proportions, higher values flatten them.
    """
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    """Tokens per text."""
    optimisation: Optimisation
    """Optimiser and batches."""

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

    Arms are compared if they have the same budget, or the same data.
    """

    arms: Annotated[dict[Name, IntermediateArm], Field(min_length=1)]
    """Treatments by name; `none` has no tasks."""
    budgets: dict[Name, Budget] = {}
    """Further budgets, for arms that serve another question (other tasks, more passes)."""

    def budget(self, arm: str) -> Budget:
        """The budget of an arm."""
        name = self.arms[arm].budget
        return self if name is None else self.budgets[name]

    def peers(self, arm: str) -> dict[str, IntermediateArm]:
        """The arms that share an arm's budget, including itself."""
        name = self.arms[arm].budget
        return {other: one for other, one in self.arms.items() if one.budget == name}

    @model_validator(mode="after")
    def _fair(self) -> IntermediateSettings:
        for name, arm in self.arms.items():
            if arm.budget is not None and arm.budget not in self.budgets:
                known = ", ".join(self.budgets) or "none"
                raise ValueError(
                    f"arms.{name}.budget: there is no budget {arm.budget!r}; available: {known}"
                )
            examples = self.budget(name).examples
            if arm.tasks and set(arm.tasks) != set(examples):
                raise ValueError(
                    f"arms.{name}: its tasks are {', '.join(sorted(arm.tasks))}, but those of "
                    f"its budget are {', '.join(sorted(examples))}; give it the same tasks"
                )
            blind = [task for task, data in arm.tasks.items() if data.dev_split is None]
            if blind and self.budget(name).optimisation.stopping is not None:
                raise ValueError(
                    f"arms.{name}.tasks.{blind[0]}: optimisation.stopping goes by dev scores; give "
                    "dev_split"
                )
        self._one_corpus_per_language()
        if self.arms.get("none", IntermediateArm()).tasks:
            raise ValueError("arm none must have no tasks; remove them, or rename the arm")
        return self

    def _one_corpus_per_language(self) -> None:
        """Refuse arms of one budget that draw a task's items in a language from different data."""
        drawn: dict[tuple[str | None, str, str], tuple[str, str, str]] = {}
        for name, arm in self.arms.items():
            for task, data in arm.tasks.items():
                for language in data.languages:
                    own = (data.corpus, data.split, name)
                    known = drawn.setdefault((arm.budget, task, language), own)
                    if known[:2] != own[:2]:
                        raise ValueError(
                            f"arms.{name}.tasks.{task}: {' '.join(own[:2])} in {language}, where "
                            f"arm {known[2]} has {' '.join(known[:2])}; give arms of one budget "
                            "the same items"
                        )


class Perturbing(Settings):
    """Perturbation of a model's embeddings or hidden states."""

    radius: Annotated[float, Field(gt=0, le=10)]
    """The largest L2 norm of a token's perturbation, relative to the norm of its vector: with 0.1 a
    token moves by at most a tenth of its own length, in any encoder.
    """
    where: Literal["embeddings", "states"] = "embeddings"
    """Whether word embeddings or the last hidden states are perturbed."""


class AdversarialSettings(Perturbing):
    """ADV: gradient ascent on the loss inside the ball."""

    kind: Literal["adv"]
    """Selects which of the other keys apply."""
    step_size: Annotated[float, Field(gt=0, le=10)]
    """Length of an ascent step, relative like `radius`."""
    steps: Repetitions = 1
    """Ascent steps."""


class RandomPerturbationSettings(Perturbing):
    """RS-RP: noise drawn uniformly from the ball; the loss is averaged over the draws."""

    kind: Literal["rs-rp"]
    """Selects which of the other keys apply."""
    draws: Repetitions = 1
    """Draws per step."""


class DataAugmentationSettings(Settings):
    """RS-DA: each word is kept or replaced by one of its neighbours, at random."""

    kind: Literal["rs-da"]
    """Selects which of the other keys apply."""
    neighbours: dict[str, LocalPath] = {}
    """JSON lists of neighbours by language; for other languages they come from the encoder's word
    embeddings.
    """
    nearest: Count = 4
    """Neighbours per word from the embeddings."""
    min_cosine: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """The least cosine similarity of such a neighbour."""
    copies: Repetitions = 10
    """Copies of the training set."""
    matched: bool = True
    """Take as many steps as standard training, with one copy per epoch in turn. `false` is the
    authors' form: all copies in every epoch, so `copies` times as many steps.
    """
    epochs: Epochs | None = None
    """Epochs if `matched` is false; by default those of the task."""

    _languages = field_validator("neighbours")(files_by_language)

    @model_validator(mode="after")
    def _own_epochs(self) -> DataAugmentationSettings:
        if self.matched and self.epochs is not None:
            raise ValueError(
                "epochs needs matched: false; with matched: true, RS-DA takes the task's steps"
            )
        return self


Method = Annotated[
    AdversarialSettings | RandomPerturbationSettings | DataAugmentationSettings,
    Field(discriminator="kind"),
]


class Crossing(Settings):
    """Each of these arms with each of these methods."""

    arms: Annotated[list[Name], Field(min_length=1), Distinct] | None = None
    """Names of arms; by default all."""
    methods: Annotated[list[Name], Field(min_length=1), Distinct] = [STANDARD]
    """`standard` or keys of `methods`."""
    seeds: Annotated[list[Seed], Field(min_length=1), Distinct] | None = None
    """Training seeds; by default those of the target task."""


class TargetSettings(Settings):
    """A target task: fine-tuning in one language, and its test sets."""

    data: TaskData
    """Training data, in one language."""
    seeds: Annotated[list[Seed], Field(min_length=1), Distinct] | None = None
    """Training seeds; by default those of the profile."""
    max_examples: Count | None = None
    """Train only on the first examples, up to this number."""
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    """Tokens per text; span QA has windows instead (`span_qa`)."""
    epochs: Epochs
    """Passes over the data."""
    crossings: Annotated[list[Crossing], Field(min_length=1), Distinct] = [Crossing()]
    """Which arms are trained with which methods."""
    optimisation: Optimisation
    """Optimiser and batches."""
    test_sets: Annotated[list[TestSet], Field(min_length=1)]
    """The test sets that its models answer."""

    @field_validator("data")
    @classmethod
    def _one_language(cls, data: TaskData) -> TaskData:
        if len(data.languages) != 1:
            raise ValueError("a target task is trained in one language; list just one")
        return data

    @model_validator(mode="after")
    def _stops_by_dev(self) -> TargetSettings:
        if self.optimisation.stopping is not None and self.data.dev_split is None:
            raise ValueError("optimisation.stopping goes by dev scores; give data.dev_split")
        return self
