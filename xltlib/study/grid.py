"""The grid: all cells of a profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.params import Params
from xltlib.study.cell import KINDS, Cell
from xltlib.study.contents import Contents
from xltlib.study.stages import STAGES, Stage


@dataclass(frozen=True, eq=False)
class Grid:
    """All cells of a profile."""

    params: Params

    @cached_property
    def contents(self) -> Contents:
        """The content of the profile's data, files and encoders; each is read once."""
        return Contents(self.params)

    @cached_property
    def _made(self) -> dict[str, list[Any]]:
        return {}

    def cells(self, stage: str) -> list[Any]:
        """The cells of one stage, in a fixed order."""
        if stage not in self._made:
            definition = STAGES[stage]
            kind = KINDS[definition.parameters]
            self._made[stage] = [
                kind(self, definition, **levels) for levels in self._levels(definition)
            ]
        return list(self._made[stage])

    def everything(self) -> list[Cell]:
        """All cells of all stages, upstream ones first."""
        return [cell for stage in STAGES for cell in self.cells(stage)]

    def _levels(self, stage: Stage) -> Iterator[dict[str, Any]]:
        """The factors of each cell of a stage."""
        params, factors = self.params, stage.factors
        if not self._wanted(stage):
            return
        models: list[dict[str, Any]] = [{}]
        if "task" in factors:
            models = [
                {"arm": arm, "task": task, "method": method, "seed": seed}
                for task, target in params.targets.items()
                for arm, method, seed in self._crossed(target)
            ]
        elif stage.name == "representation":
            models = self._measured()
        elif "arm" in factors:
            models = self._encoders()
        known = {"encoder": list(params.encoders), "attack": list(params.attacks)}
        beside = {name: levels for name, levels in known.items() if name in factors}
        for model, *levels in product(models, *beside.values()):
            cell = model | dict(zip(beside, levels, strict=True))
            if "attack" in factors:
                attack = params.attacks[cell["attack"]]
                if attack.target != cell["task"] or cell["arm"] not in (
                    attack.arms or [cell["arm"]]
                ):
                    continue
            yield cell

    def _wanted(self, stage: Stage) -> bool:
        """Whether a stage has anything to do in this profile."""
        if stage.name == "claims":
            return bool(self.params.claims)
        if stage.name == "representation":
            return bool(self.params.representation.test_sets())
        return stage.of_tasks is None or bool(stage.of_tasks(self.params))

    def _encoders(self) -> list[dict[str, Any]]:
        """The arms and seeds from which some target task starts."""
        used = {
            (arm, seed)
            for target in self.params.targets.values()
            for arm, _, seed in self._crossed(target)
        }
        return [
            {"arm": arm, "seed": seed}
            for arm in self.params.intermediate.arms
            for seed in self.params.seeds
            if (arm, seed) in used
        ]

    def _measured(self) -> list[dict[str, Any]]:
        """The arms and seeds that stage 08 measures.

        An arm without tasks keeps the pretrained encoder, which is the same for every seed, so one
        seed is enough, unless fine-tuned models are measured too: they differ by seed.
        """
        stage, arms = STAGES["representation"], self.params.intermediate.arms
        asked = {(c.arm, c.seed) for c in self.cells("target") if stage.takes(c)}
        chosen: list[dict[str, Any]] = []
        for arm in arms:
            models = [model for model in self._encoders() if model["arm"] == arm]
            if not arms[arm].tasks:
                models = [m for m in models if (arm, m["seed"]) in asked] or models[:1]
            chosen += models
        return chosen

    def _crossed(self, target: schema.TargetSettings) -> list[tuple[str, str, int]]:
        """The arms, methods and seeds that a target task crosses, each once, in the order of the
        file."""
        arms = list(self.params.intermediate.arms)
        crossed = (
            (arm, method, seed)
            for crossing in target.crossings
            for arm in crossing.arms or arms
            for method in crossing.methods
            for seed in crossing.seeds or target.seeds or self.params.seeds
        )
        return list(dict.fromkeys(crossed))

    def cell(self, stage: str, key: str) -> Any:
        """One cell by the name of its folder."""
        for cell in self.cells(stage):
            if cell.key == key:
                return cell
        known = ", ".join(cell.key for cell in self.cells(stage))
        raise InputError(f"{stage} has no cell {key!r} in this profile; available: {known}")

    def chosen(self, only: Iterable[str] = ()) -> list[Cell]:
        """All cells, upstream ones first; with patterns, those that match one, and what they need.

        Args:
            only: shell patterns of names as `xlt check` lists them, `04_*/*.seed1`.

        Raises:
            InputError: a pattern matches no cell.
        """
        everything, patterns = self.everything(), list(only)
        if not patterns:
            return everything
        wanted: set[Cell] = set()
        for pattern in patterns:
            found = {cell for cell in everything if fnmatchcase(cell.name, pattern)}
            if not found:
                raise InputError(
                    f"--only {pattern!r}: no cell has a name that matches. `xlt check` lists all "
                    f"cells, for example {everything[-1].name}."
                )
            wanted |= found
        for cell in reversed(everything):
            if cell in wanted:
                wanted.update(cell.upstream)
        return [cell for cell in everything if cell in wanted]


def open_cell(stage: str, namespace: Mapping[str, Any]) -> Any:
    """Open the cell that a notebook's parameters name. Call it right after the parameters cell.

    Args:
        namespace: the notebook's `globals()`. Every plain value in it counts as a parameter, so
            that a parameter unknown to the stage is refused, not ignored.

    Raises:
        InputError: a parameter is unknown or missing, the profile lacks a level, or the params file
            is invalid.
    """
    plain = (str, int, float, bool, list, dict, tuple, type(None), Path)
    definition = STAGES[stage]
    # IPython's own names in the notebook's namespace; these two are plain values.
    given = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in ("In", "Out") and isinstance(value, plain)
    }
    if any(isinstance(value, Cell) for value in namespace.values()):
        # Opened before, and now again by hand: other names are variables of later cells.
        known = definition.parameters.model_fields
        given = {name: value for name, value in given.items() if name in known}
    notebook = f"{definition.notebook}.ipynb"
    try:
        values = definition.parameters.model_validate(given)
    except ValidationError as error:
        raise InputError(schema.explain(notebook, error, definition.parameters)) from error
    params = schema.load(values.params)
    chosen = {name: getattr(values, name) for name in definition.factors}
    for cell in Grid(params).cells(stage):
        if cell.factors == chosen:
            return cell
    wanted = ", ".join(f"{name}={level}" for name, level in chosen.items())
    there = ", ".join(cell.key for cell in Grid(params).cells(stage))
    raise InputError(f"{notebook}: {values.params} has no cell {wanted}; available: {there}")
