"""What the result of each stage depends on: one function per stage.

A function adds to a cell's inputs the settings that matter, and the content of splits, files and
encoders. `stages` names the stages whose cells it reads. Together they make the cell's fingerprint:
a cell is stale if something it was made from has changed, and only then. Nothing heavy is imported
here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xltlib.params import Budget, Params, TaskData, TestSet
from xltlib.study.splits import dev_splits, drawn_from, meetings, splits_of, used_splits
from xltlib.study.target_tasks import is_qa, is_qa_corpus, transfer_tasks

if TYPE_CHECKING:
    from xltlib.study.cell import ArmCell, AttackCell, Cell, EncoderCell, ModelCell
    from xltlib.study.inputs import Inputs


def design(cell: Cell, inputs: Inputs) -> None:
    inputs.record(cell.params, exclude={"outputs", "cache", "compute"})


def corpora(cell: Cell, inputs: Inputs) -> None:
    params = cell.params
    roles = used_splits(params)
    inputs.value("roles", {"/".join(split): sorted(roles[split]) for split in sorted(roles)})
    inputs.value("meetings", sorted([*train, *test] for train, test in meetings(params)))
    inputs.value("sources", {corpus: params.corpora[corpus].source for corpus, _, _ in roles})
    inputs.splits(roles)
    inputs.settings("span_qa", params.span_qa)
    for name in params.encoders:
        inputs.encoder(name)


def intermediate(cell: ArmCell, inputs: Inputs) -> None:
    params, settings = cell.params, cell.params.intermediate
    arm = settings.arms[cell.arm]
    if not arm.tasks:
        return  # such an arm leaves the encoder unchanged
    budget = settings.budget(cell.arm)
    inputs.settings("intermediate", budget, exclude={"arms", "budgets", "examples"})
    inputs.settings("arm", arm, exclude={"budget"})
    _method(params, arm.method, inputs)
    # The order of tasks decides their heads' initial weights and a sequential schedule.
    inputs.value("tasks", list(arm.tasks))
    _draws(params, cell.arm, arm.tasks, inputs)
    windows = params.span_qa.model_dump(mode="json", exclude_defaults=True)
    if windows and any(is_qa_corpus(task.corpus) for task in arm.tasks.values()):
        inputs.value("windows", windows)  # the default ones are not recorded
    for task in arm.tasks.values():
        inputs.splits([*splits_of(task), *dev_splits(params, task)])
    inputs.encoder(cell.encoder)


def _draws(
    params: Params, arm: str, tasks: Iterable[str], inputs: Inputs, prefix: str = ""
) -> None:
    """How many items of each task an arm draws, and from which: those that all of its peers
    have."""
    examples = params.intermediate.budget(arm).examples
    for task in tasks:
        inputs.value(f"{prefix}examples of {task}", examples[task])
        inputs.common_items(f"{prefix}{task}", drawn_from(params, arm, task))
    inputs.value(f"{prefix}order of examples", [task for task in examples if task in set(tasks)])


def _method(params: Params, name: str, inputs: Inputs) -> None:
    """A robust method and its word lists; standard training has no settings."""
    if name in params.methods:
        inputs.settings("method", params.methods[name])


def target(cell: ModelCell, inputs: Inputs) -> None:
    params, target = cell.params, cell.params.targets[cell.task]
    # Other crossings, seeds and test sets do not affect this model.
    inputs.settings("target", target, exclude={"crossings", "seeds", "test_sets"})
    inputs.splits(splits_of(target.data))
    if target.data.dev_split is not None:
        language = target.data.languages[0]
        inputs.splits([(target.data.corpus, target.data.dev_split, language)])
    if is_qa(params, cell.task):
        inputs.settings("span_qa", params.span_qa)
    _method(params, cell.method, inputs)
    inputs.encoder(cell.encoder)


def evaluation(cell: ModelCell, inputs: Inputs) -> None:
    params = cell.params
    for i, test_set in enumerate(params.targets[cell.task].test_sets):
        inputs.settings(f"test_set {i}", test_set)
        _read_splits(test_set, inputs)
    inputs.settings("evaluation", params.evaluation)


def attacks(cell: AttackCell, inputs: Inputs) -> None:
    params, attack = cell.params, cell.params.attacks[cell.attack]
    _about(params, inputs)
    # Batch sizes change no outcome, and neither do the other arms that are attacked.
    beside = {"arms", "transfer", "engine.at_once", "engine.batch_size"}
    inputs.settings("attack", attack, exclude=beside)
    inputs.settings("span_qa", params.span_qa)
    parallel = getattr(attack.recipe, "parallel", None)
    for test_set in [*attack.test_sets, *([parallel] if parallel else [])]:
        _read_splits(test_set, inputs)
    inputs.encoder(cell.encoder)


def _read_splits(test_set: TestSet, inputs: Inputs) -> None:
    """The splits of a test set, and of the parallel text used to perturb it."""
    inputs.splits(splits_of(test_set))
    parallel = getattr(test_set.perturbation, "parallel", None)
    if parallel is not None:
        inputs.splits(splits_of(parallel))


def _about(params: Params, inputs: Inputs) -> None:
    """What tables, figures and released files say about their origin."""
    inputs.value("profile", params.profile)
    inputs.value("synthetic", params.synthetic)


def _claims_of(params: Params, names: Iterable[str], inputs: Inputs) -> None:
    chosen = list(names)
    inputs.value("claims", chosen)
    for name in chosen:
        inputs.settings(f"claim {name}", params.claims[name])


def results(cell: EncoderCell, inputs: Inputs) -> None:
    params = cell.params
    _about(params, inputs)
    inputs.settings("analysis", params.analysis)
    inputs.value("transfer", [name for name, one in params.attacks.items() if one.transfer])
    _claims_of(params, params.claims_of("arms", "distractor language"), inputs)


def transfer(cell: EncoderCell, inputs: Inputs) -> None:
    params = cell.params
    _about(params, inputs)
    inputs.settings("analysis", params.analysis)
    _claims_of(params, params.claims_of("methods", "distance"), inputs)
    # The cost of a step is measured on the first task.
    target = params.targets[transfer_tasks(params)[0]]
    inputs.settings("cost", params.cost)
    inputs.settings("target", target, exclude={"crossings", "seeds", "test_sets", "epochs"})
    inputs.splits(splits_of(target.data))
    inputs.value("methods", list(params.methods))
    for name, method in params.methods.items():
        inputs.settings(f"method {name}", method)
    inputs.value("seed", params.seeds[0])
    inputs.encoder(cell.encoder)


def representation(cell: ArmCell, inputs: Inputs) -> None:
    params, settings = cell.params, cell.params.representation
    _about(params, inputs)
    inputs.settings("representation", settings)
    for test_set in settings.test_sets().values():
        inputs.splits(splits_of(test_set))
    if settings.asks_models:
        inputs.settings("evaluation", params.evaluation)
        inputs.settings("analysis", params.analysis)
    if settings.probe is not None:
        # Items that any arm drew from the probe's split are kept out of the probe's test.
        probed = (settings.probe.corpus, settings.probe.split)
        arms = {
            name: {task: data.languages for task, data in arm.tasks.items() if _is(data, probed)}
            for name, arm in params.intermediate.arms.items()
        }
        inputs.value("arms", sorted((sorted(d.items()) for d in arms.values() if d), key=str))
        for name, budget in _budgets(params).items():
            drawing = [
                arm for arm in arms if arms[arm] and params.intermediate.arms[arm].budget == name
            ]
            if drawing:
                prefix = "" if name is None else f"{name} "
                inputs.value(f"{prefix}temperature", budget.temperature)
                tasks = sorted({task for arm in drawing for task in arms[arm]})
                _draws(params, drawing[0], tasks, inputs, prefix)
    inputs.encoder(cell.encoder)


def _budgets(params: Params) -> dict[str | None, Budget]:
    """All budgets of intermediate training; the key None is the section's own."""
    own: dict[str | None, Budget] = {None: params.intermediate}
    return own | dict(params.intermediate.budgets)


def _is(data: TaskData, split: tuple[str, str]) -> bool:
    return (data.corpus, data.split) == split


def claims(cell: EncoderCell, inputs: Inputs) -> None:
    params = cell.params
    _about(params, inputs)
    inputs.settings("analysis", params.analysis)
    _claims_of(params, params.claims, inputs)
