"""The grid: every stage of a profile, its cells, what each depends on, and which are done.

A cell is one execution of one stage's notebook. Its folder holds `metrics.json`, whatever the stage
makes, and last of all `manifest.json`: a cell whose manifest carries the fingerprint of today's
params is done, and asking for it again reads it back.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from xltlib import params as schema
from xltlib.artifacts import InputError, fingerprint, read_json, require_writable, write_json
from xltlib.params import Params
from xltlib.study import gpu

PACKAGES = ("xltlib", "torch", "transformers", "datasets", "textattack", "numpy", "pandas")


@dataclass(frozen=True)
class Stage:
    """One stage: its notebook, the factors its cells cross, and the stages it reads from.

    `accelerated` says that its cells run a model. `of_tasks` narrows what it reads to the models of
    some target tasks: those that are attacked, or those with generalised test sets; `of_method` to
    those that one method trained.
    """

    name: str
    notebook: str
    parameters: type[schema.ProfileCell]
    reads: tuple[str, ...] = ()
    accelerated: bool = False
    of_tasks: Callable[[Params], Iterable[str]] | None = None
    of_method: str | None = None

    def takes(self, cell: Cell) -> bool:
        """Whether it reads a cell of a stage that it reads, as far as task and method go."""
        if self.of_tasks is None or cell.task is None:
            return True
        right = self.of_method is None or cell.method == self.of_method
        return right and cell.task in self.of_tasks(cell.params)

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors that tell its cells apart, in the order of their names."""
        return tuple(f for f in FACTORS if f in self.parameters.model_fields)


FACTORS = ("encoder", "arm", "task", "method", "seed", "attack")


def attacked_tasks(params: Params) -> list[str]:
    """The target tasks whose models some attack is made on."""
    return list(dict.fromkeys(attack.target for attack in params.attacks.values()))


def transfer_tasks(params: Params) -> list[str]:
    """The target tasks with a generalised test set."""
    return [
        name
        for name, target in params.targets.items()
        if any(test_set.pairs for test_set in target.test_sets)
    ]


def measured_tasks(params: Params) -> list[str]:
    """The target tasks whose models representation asks: span QA, if any measure is of a model."""
    from xltlib import corpora

    if not params.representation.asks_models:
        return []
    return [
        name
        for name, target in params.targets.items()
        if corpora.corpus(target.data.corpus).kind == "qa"
    ]


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("design", "00_study_design", schema.ProfileCell),
        Stage("corpora", "01_corpora", schema.ProfileCell),
        Stage(
            "intermediate",
            "02_intermediate_training",
            schema.ArmCell,
            reads=("corpora",),
            accelerated=True,
        ),
        Stage(
            "target",
            "03_target_training",
            schema.ModelCell,
            reads=("corpora", "intermediate"),
            accelerated=True,
        ),
        Stage(
            "evaluation",
            "04_zero_shot_evaluation",
            schema.ModelCell,
            reads=("target",),
            accelerated=True,
        ),
        Stage(
            "attacks",
            "05_attacks",
            schema.AttackCell,
            reads=("corpora", "target"),
            accelerated=True,
        ),
        Stage(
            "results",
            "06_results",
            schema.EncoderCell,
            reads=("corpora", "evaluation", "attacks"),
            accelerated=True,
            of_tasks=attacked_tasks,
        ),
        Stage(
            "transfer",
            "07_generalized_transfer",
            schema.EncoderCell,
            reads=("corpora", "evaluation"),
            accelerated=True,
            of_tasks=transfer_tasks,
        ),
        Stage(
            "representation",
            "08_representation",
            schema.ArmCell,
            reads=("corpora", "intermediate", "target"),
            accelerated=True,
            of_tasks=measured_tasks,
            of_method=schema.STANDARD,
        ),
        Stage(
            "claims",
            "09_claims",
            schema.EncoderCell,
            reads=("results", "transfer", "representation"),
        ),
    )
}


def _settings(params: Params, stage: str, cell: Cell) -> Any:
    """The part of the params that a stage's own result depends on."""

    def dump(*sections: Any) -> list[Any]:
        return [section.model_dump(mode="json") for section in sections]

    def sources(names: Collection[str]) -> dict[str, Any]:
        return {
            name: source.model_dump(mode="json")
            for name, source in params.corpora.items()
            if name in names
        }

    def method(name: str) -> list[Any]:
        return dump(params.methods[name]) if name in params.methods else []

    if stage == "corpora":
        # An attack more on the same test sets needs no other corpora.
        prepared = params.data_prepared()
        used = list(
            {
                fingerprint(one): one
                for where, data in prepared
                for one in [[_place(params, where), data.model_dump(mode="json")]]
            }.values()
        )
        return [
            sources({data.corpus for _, data in prepared}),
            used,
            {name: encoder.model_dump(mode="json") for name, encoder in params.encoders.items()},
            *dump(params.span_qa),
        ]
    if stage == "intermediate":
        arm = params.intermediate.arms[cell.arm]
        return dump(params.intermediate) + method(arm.method)
    if stage == "target":
        # Other crossings, seeds and test sets change nothing in this model.
        target = params.targets[cell.task].model_dump(
            mode="json", exclude={"crossings", "seeds", "test_sets"}
        )
        return [target, *dump(params.span_qa), *method(cell.method)]
    if stage == "evaluation":
        return dump(*params.targets[cell.task].test_sets, params.evaluation, params.span_qa)
    if stage == "attacks":
        # How many at once, and in what batches, changes no outcome.
        attack = params.attacks[cell.attack].model_dump(
            mode="json", exclude={"engine": {"at_once", "batch_size"}}
        )
        return [attack, *dump(params.span_qa)]
    if stage == "results":
        claims = dump(*params.claims_of("arms", "distractor language").values())
        return [params.profile, *dump(params.analysis), claims]
    if stage == "transfer":
        methods = {name: one.model_dump(mode="json") for name, one in params.methods.items()}
        claims = dump(*params.claims_of("methods", "distance").values())
        return [params.profile, *dump(params.analysis, params.cost), methods, claims]
    if stage == "representation":
        settings = params.representation
        read = {test_set.corpus for test_set in settings.test_sets().values()}
        asked = dump(params.evaluation, params.analysis) if settings.asks_models else []
        return [*dump(settings), sources(read), *asked]
    if stage == "claims":
        return dump(params.analysis, *params.claims.values())
    return params.model_dump(mode="json", exclude={"outputs", "cache"})


def _place(params: Params, where: str) -> str:
    """What part data plays: its key path, an attack's name and number replaced by its target."""
    section, name, part, *_ = [*where.split("."), ""]
    if section != "attacks":
        return where
    return f"attacks on {params.attacks[name].target}: {part}"


@dataclass(frozen=True)
class Cell:
    """One cell of the grid; factors that its stage does not cross are None."""

    params: Params = field(repr=False, compare=False)
    stage: Stage
    encoder: str | None = None
    arm: str | None = None
    task: str | None = None
    method: str | None = None
    seed: int | None = None
    attack: str | None = None

    @property
    def factors(self) -> dict[str, Any]:
        """Factor names to this cell's levels."""
        return {name: getattr(self, name) for name in self.stage.factors}

    @property
    def key(self) -> str:
        """The cell's folder name, e.g. `me5-small.english.standard.seed1.typo`."""
        levels = [f"seed{v}" if n == "seed" else str(v) for n, v in self.factors.items()]
        return ".".join(levels) or "all"

    @property
    def folder(self) -> Path:
        """Where everything of this cell is."""
        return self.params.outputs / self.params.profile / self.stage.notebook / self.key

    def path(self, name: str) -> Path:
        """A file or folder of this cell."""
        return self.folder / name

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.path("notebook.ipynb")

    @cached_property
    def upstream(self) -> list[Cell]:
        """The cells this one reads: all of an upstream stage that agree with its factors."""
        grid, known = Grid(self.params), self.factors
        return [
            cell
            for name in self.stage.reads
            for cell in grid.cells(name)
            if all(known.get(factor, level) == level for factor, level in cell.factors.items())
            and self.stage.takes(cell)
        ]

    def reads(self, stage: str) -> Cell:
        """The one cell of an upstream stage that this one reads."""
        (cell,) = (cell for cell in self.upstream if cell.stage.name == stage)
        return cell

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the result: this stage's settings, its factors, and all it reads."""
        own = _settings(self.params, self.stage.name, self)
        return fingerprint([self.key, own, [cell.fingerprint for cell in self.upstream]])

    @property
    def done(self) -> bool:
        """Whether the result is there and was made with today's params."""
        try:
            return read_json(self.path("manifest.json"))["fingerprint"] == self.fingerprint
        except (InputError, KeyError):
            return False

    def metrics(self) -> dict[str, Any]:
        """The finished cell's metrics.

        Raises:
            InputError: the cell is not done; names the stage to run.
        """
        if not self.done:
            raise InputError(
                f"{self.folder}: {self.stage.notebook} has not finished for {self.key}, or its "
                "params changed since. Run `xlt run` on the params file; it does what is missing."
            )
        return read_json(self.path("metrics.json"))

    @contextmanager
    def working(self) -> Iterator[bool]:
        """Hold this cell alone; yields whether its work is still to do.

        A second process that wants the same cell waits here and then finds it done. The lock
        belongs to the process, so a killed one leaves nothing behind.
        """
        require_writable(self.folder, "outputs")
        lock = FileLock(self.path(".lock"))
        try:
            lock.acquire(timeout=1)
        except Timeout:
            print(f"{self.key}: another process works on this cell; waiting for it.")
            lock.acquire()
        try:
            yield not self.done
        finally:
            lock.release()

    def once(self, work: Callable[[], None]) -> dict[str, Any]:
        """Do this cell's work unless it is done, then return its metrics.

        Raises:
            InputError: the disk is full or not writable; what other cells finished is untouched.
        """
        with self.working() as todo:
            if todo:
                try:
                    with gpu.reserved(self.params.compute):
                        work()
                except Exception as error:
                    # Each library has an exception of its own for it.
                    if "No space left on device" not in str(error):
                        raise
                    raise InputError(
                        f"{self.folder}: the disk is full. Free some space and run the same "
                        "command again; finished cells are kept."
                    ) from error
        return self.metrics()

    def finish(self, metrics: Mapping[str, Any], *, started: float, **record: Any) -> None:
        """Write the metrics, then the manifest that says the cell is done.

        Args:
            started: `time.time()` when the work began.
            record: what else the manifest should keep, such as data fingerprints.
        """
        write_json(self.path("metrics.json"), dict(metrics))
        manifest = {
            "fingerprint": self.fingerprint,
            "profile": self.params.profile,
            "stage": self.stage.notebook,
            "factors": self.factors,
            "settings": _settings(self.params, self.stage.name, self),
            "reads": {f"{c.stage.notebook}/{c.key}": c.fingerprint for c in self.upstream},
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "hardware": _hardware(self.params),
            "seconds": round(time.time() - started, 1),
        }
        write_json(self.path("manifest.json"), manifest | record)


def _hardware(params: Params) -> dict[str, Any]:
    """What the numbers were computed on."""
    import torch

    on_gpu = params.compute.device == "cuda"
    return {
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
    }


@dataclass(frozen=True)
class Grid:
    """All cells of a profile."""

    params: Params

    def cells(self, stage: str) -> list[Cell]:
        """The cells of one stage, in a fixed order."""
        params, factors = self.params, STAGES[stage].factors
        if not self._wanted(stage):
            return []
        models: list[dict[str, Any]] = [{}]
        if "task" in factors:
            models = [
                {"arm": arm, "task": task, "method": method, "seed": seed}
                for task, target in params.targets.items()
                for arm, method in self._crossed(target)
                for seed in target.seeds or params.seeds
            ]
        elif stage == "representation":
            models = self._measured()
        elif "arm" in factors:
            models = self._encoders()
        levels = {"encoder": list(params.encoders), "attack": list(params.attacks)}
        cells = [Cell(params, STAGES[stage], **model) for model in models]
        for factor in (f for f in factors if f in levels):
            cells = [replace(cell, **{factor: level}) for cell in cells for level in levels[factor]]
        if "attack" in factors:
            cells = [
                cell
                for cell in cells
                for attack in [params.attacks[cell.attack]]
                if attack.target == cell.task and cell.arm in (attack.arms or [cell.arm])
            ]
        return cells

    def to_run(self, *, notebooks: Path) -> list[Cell]:
        """The cells that are not done, or whose notebook is missing."""
        found: list[Cell] = []
        for stage in STAGES.values():
            for cell in self.cells(stage.name):
                stale = not cell.done or not cell.notebook.exists()
                if stale or any(one in found for one in cell.upstream):
                    found.append(cell)
        return found

    def forget(self, cells: Iterable[Cell]) -> None:
        """Remove what says that these cells are done."""
        for cell in cells:
            cell.notebook.unlink(missing_ok=True)

    def _wanted(self, stage: str) -> bool:
        """Whether the profile gives a stage anything to do."""
        if stage == "claims":
            return bool(self.params.claims)
        if stage == "representation":
            return bool(self.params.representation.test_sets())
        of_tasks = STAGES[stage].of_tasks
        return of_tasks is None or bool(of_tasks(self.params))

    def _encoders(self) -> list[dict[str, Any]]:
        """The arms and seeds that some target task starts from."""
        used = {
            (arm, seed)
            for target in self.params.targets.values()
            for arm, _ in self._crossed(target)
            for seed in target.seeds or self.params.seeds
        }
        return [
            {"arm": arm, "seed": seed}
            for arm in self.params.intermediate.arms
            for seed in self.params.seeds
            if (arm, seed) in used
        ]

    def _measured(self) -> list[dict[str, Any]]:
        """The arms and seeds that representation measures.

        An arm without tasks leaves the pretrained encoder, the same at every seed: one seed will do
        for it, but each fine-tuned model that is asked is another.
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

    def _crossed(self, target: schema.TargetSettings) -> list[tuple[str, str]]:
        """The arms and methods that a target task crosses, each pair once, in the file's order."""
        arms = list(self.params.intermediate.arms)
        pairs = (
            (arm, method)
            for crossing in target.crossings
            for arm in crossing.arms or arms
            for method in crossing.methods
        )
        return list(dict.fromkeys(pairs))

    def cell(self, stage: str, key: str) -> Cell:
        """One cell by the name of its folder."""
        for cell in self.cells(stage):
            if cell.key == key:
                return cell
        known = ", ".join(cell.key for cell in self.cells(stage))
        raise InputError(f"{stage} has no cell {key!r} in this profile; there are: {known}")


def notebook_code(stage: Stage, notebooks: Path) -> str:
    """Fingerprint of a notebook's code: editing prose does not make a cell stale."""
    cells = json.loads((notebooks / f"{stage.notebook}.ipynb").read_text("utf-8"))["cells"]
    return fingerprint([cell["source"] for cell in cells if cell["cell_type"] == "code"])


def open_cell(stage: str, namespace: Mapping[str, Any]) -> Cell:
    """Open the cell that a notebook's parameters name; call it right after the parameters cell.

    Args:
        namespace: the notebook's `globals()`. Every plain value in it is taken for a parameter, so
            one that papermill injected and the stage does not know is refused instead of ignored.

    Raises:
        InputError: an unknown or missing parameter, a level the profile does not have, or a
            params file that is not valid.
    """
    plain = (str, int, float, bool, list, dict, tuple, type(None), Path)
    # IPython keeps its own names in the notebook's namespace; these two are plain values.
    given = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in ("In", "Out") and isinstance(value, plain)
    }
    definition = STAGES[stage]
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
    known = ", ".join(cell.key for cell in Grid(params).cells(stage))
    raise InputError(f"{notebook}: {values.params} has no cell {wanted}; there are: {known}")
