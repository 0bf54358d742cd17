"""The stages: the notebook of each, the factors of its cells, and the stages it depends on.

A new stage needs an entry here, a function in `declared` that says what its result depends on, and
a module with its name that does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xltlib import params as schema
from xltlib.params import Params
from xltlib.study import declared
from xltlib.study.target_tasks import measured_tasks, tested_tasks, transfer_tasks

if TYPE_CHECKING:
    from xltlib.study.cell import Cell
    from xltlib.study.inputs import Inputs

FACTORS = ("encoder", "arm", "task", "method", "seed", "attack")


@dataclass(frozen=True)
class Stage:
    """One stage: its notebook, the factors of its cells, and what they depend on.

    `declare` adds a cell's inputs, except for the cells of `reads`, which count by their
    fingerprints. `after` names stages that run first but do not affect the result. `opens` gives
    the cells whose models or texts it needs on this machine, and not just their numbers.
    `accelerated` says that it runs a model. `of_tasks` restricts what it reads to the models of
    some target tasks, `of_method` to those that one method trained. Of the cells that can run,
    those of the highest `priority` do: a model is tested before the next one is trained.
    """

    name: str
    notebook: str
    parameters: type[schema.ProfileCell]
    declare: Callable[[Any, Inputs], None]
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    opens: Callable[[Any], Iterable[Cell]] = lambda cell: ()
    accelerated: bool = False
    priority: int = 1
    of_tasks: Callable[[Params], Iterable[str]] | None = None
    of_method: str | None = None

    def takes(self, cell: Cell) -> bool:
        """Whether it reads a cell of an upstream stage, judged by task and method."""
        task, method = cell.factors.get("task"), cell.factors.get("method")
        if self.of_tasks is None or task is None:
            return True
        right = self.of_method is None or method == self.of_method
        return right and task in self.of_tasks(cell.params)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """The factors of its cells, in the order in which they appear in names."""
        return tuple(f for f in FACTORS if f in self.parameters.model_fields)

    @property
    def module(self) -> str:
        """The module that does its work."""
        return f"xltlib.study.{self.name}"


def _read(*stages: str) -> Callable[[Cell], list[Cell]]:
    """The cells of some stages that a cell reads."""
    return lambda cell: [one for name in stages for one in cell.of(name)]


def transfer_groups(cell: Cell) -> dict[tuple[str, int], list[Any]]:
    """The cells of attacks whose texts are tried on other models, on models of standard training,
    grouped by attack and seed; groups of one are left out."""
    groups: dict[tuple[str, int], list[Any]] = {}
    for one in cell.of("attacks"):
        if one.method == schema.STANDARD and cell.params.attacks[one.attack].transfer:
            groups.setdefault((one.attack, one.seed), []).append(one)
    return {key: sources for key, sources in groups.items() if len(sources) > 1}


def transfer_key(sources: Iterable[Any]) -> list[str | None]:
    """Identifies attacked texts, and the models that they are tried on, by content; None stands for
    those that are not done."""
    read = [one for source in sources for one in (source, source.reads("target"))]
    return [one.manifest.result if one.done else None for one in read]


def _attacked_models(cell: Cell) -> list[Cell]:
    """The attacked texts and the models to try them on, except for those counted before."""
    left = [
        source
        for (attack, seed), sources in transfer_groups(cell).items()
        if not cell.is_measured(f"attack_transfer.{attack}.{seed}", transfer_key(sources))
        for source in sources
    ]
    return [*left, *(one.reads("target") for one in left)]


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("design", "00_study_design", schema.ProfileCell, declared.design),
        Stage("corpora", "01_corpora", schema.ProfileCell, declared.corpora),
        Stage(
            "intermediate",
            "02_intermediate_training",
            schema.ArmCell,
            declared.intermediate,
            after=("corpora",),
            accelerated=True,
        ),
        Stage(
            "target",
            "03_target_training",
            schema.ModelCell,
            declared.target,
            reads=("intermediate",),
            after=("corpora",),
            opens=_read("intermediate"),
            accelerated=True,
        ),
        Stage(
            "evaluation",
            "04_zero_shot_evaluation",
            schema.ModelCell,
            declared.evaluation,
            reads=("target",),
            opens=_read("target"),
            accelerated=True,
            priority=2,
        ),
        Stage(
            "attacks",
            "05_attacks",
            schema.AttackCell,
            declared.attacks,
            reads=("target",),
            after=("corpora",),
            opens=_read("target"),
            accelerated=True,
            priority=2,
        ),
        Stage(
            "results",
            "06_results",
            schema.EncoderCell,
            declared.results,
            reads=("evaluation", "attacks"),
            after=("corpora",),
            opens=_attacked_models,
            accelerated=True,
            priority=2,
            of_tasks=tested_tasks,
        ),
        Stage(
            "transfer",
            "07_generalized_transfer",
            schema.EncoderCell,
            declared.transfer,
            reads=("evaluation",),
            after=("corpora",),
            accelerated=True,
            of_tasks=transfer_tasks,
        ),
        Stage(
            "representation",
            "08_representation",
            schema.ArmCell,
            declared.representation,
            reads=("intermediate", "target"),
            after=("corpora",),
            opens=_read("intermediate", "target"),
            accelerated=True,
            priority=0,  # only the claims read it, so it can fill the time beside the results
            of_tasks=measured_tasks,
            of_method=schema.STANDARD,
        ),
        Stage(
            "claims",
            "09_claims",
            schema.EncoderCell,
            declared.claims,
            reads=("results", "transfer", "representation"),
        ),
    )
}
