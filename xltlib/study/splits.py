"""Which splits of which corpora a profile uses, in what roles, and which of them one model sees."""

from __future__ import annotations

from xltlib.params import Params, TaskData, TestSet

Split = tuple[str, str, str]
"""A corpus, one of its splits, and a language."""

ROLES = {"intermediate": "intermediate", "targets": "target", "attacks": "attack"}


def splits_of(used: TaskData | TestSet) -> list[Split]:
    """The splits that one reference to a corpus names, without a dev split."""
    return [(used.corpus, used.split, language) for language in used.languages]


def used_splits(params: Params) -> dict[Split, set[str]]:
    """Every split that stage 01 prepares, with its roles."""
    roles: dict[Split, set[str]] = {}
    for where, used in params.data_prepared():
        section = where.split(".")[0]
        role = "test" if "test_sets" in where or section == "representation" else ROLES[section]
        for split in splits_of(used):
            roles.setdefault(split, set()).add(role)
        if isinstance(used, TaskData):
            for split in dev_splits(params, used):
                roles.setdefault(split, set()).add("dev")
    return roles


def dev_languages(params: Params, used: TaskData) -> list[str]:
    """The languages of a dev split that are scored. English is always among them, for early
    stopping."""
    settings = params.intermediate
    budgets = [settings, *settings.budgets.values()]
    stops = any(budget.optimisation.stopping is not None for budget in budgets)
    return list(dict.fromkeys([*used.languages, *(["en"] if stops else [])]))


def dev_splits(params: Params, used: TaskData) -> list[Split]:
    """The dev splits that are scored during training; none if the data name no dev split."""
    if used.dev_split is None:
        return []
    return [(used.corpus, used.dev_split, language) for language in dev_languages(params, used)]


def meetings(params: Params) -> set[tuple[Split, Split]]:
    """Every pair of training split and test split that some model of the grid sees."""
    met = set()
    for name, target in params.targets.items():
        tests = [*target.test_sets, *params.representation.retrieval]
        tests += [t for a in params.attacks.values() if a.target == name for t in a.test_sets]
        trains = [target.data]
        for arm in {a for c in target.crossings for a in c.arms or params.intermediate.arms}:
            trains += params.intermediate.arms[arm].tasks.values()
        met |= {
            (train, test)
            for trained in trains
            for tested in tests
            for train in splits_of(trained)
            for test in splits_of(tested)
        }
    return met


def drawn_from(params: Params, arm: str, task: str) -> set[Split]:
    """The splits from whose common items an arm draws for a task: those of all arms of its
    budget."""
    arms = params.intermediate.peers(arm).values()
    return {split for arm in arms if task in arm.tasks for split in splits_of(arm.tasks[task])}
