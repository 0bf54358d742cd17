"""What the comparison of each claim will rest on, according to params alone."""

from __future__ import annotations

from collections.abc import Iterable

from xltlib.analysis.verdict import Held
from xltlib.params import STANDARD, Claim, Params, Recipe, TestSet
from xltlib.params.claims import ArmsEstimate, DistanceEstimate, MethodsEstimate
from xltlib.study.cell import ModelCell
from xltlib.study.grid import Grid
from xltlib.study.target_tasks import is_qa, tested_tasks, transfer_tasks


def held(grid: Grid) -> dict[str, Held | None]:
    """The data behind each claim's comparison; None if the profile has nothing to compare."""
    return {name: _of_claim(grid, claim) for name, claim in grid.params.claims.items()}


def conditions(params: Params, estimate: ArmsEstimate) -> list[str]:
    """The names of the static or adaptive conditions that both arms of an estimate meet."""
    if estimate.conditions == "adaptive":
        return [
            name
            for name, attack in params.attacks.items()
            if is_qa(params, attack.target)
            and (attack.arms is None or set(estimate.contrast) <= set(attack.arms))
        ]
    return list(
        dict.fromkeys(
            test_set.suffix.removeprefix("+")
            for task in tested_tasks(params)
            for test_set in params.targets[task].test_sets
            if test_set.perturbation is not None
        )
    )


def offers_english(settings: Recipe) -> bool:
    """Whether distractors come both in the passage's language and in English."""
    return settings.kind == "distractor" and {"passage", "en"} <= set(settings.languages)


def _of_claim(grid: Grid, claim: Claim) -> Held | None:
    params, estimate = grid.params, claim.estimate
    if isinstance(estimate, ArmsEstimate):
        pair = set(estimate.contrast)
        trained = {"en"}.union(*(params.seen_by(arm) for arm in pair))
        if estimate.metric != "clean" and estimate.conditions == "adaptive":
            return _of_attacks(grid, list(params.attacks), pair, trained)
        perturbed = estimate.metric != "clean"
        found = []
        for task in tested_tasks(params):
            sets = params.targets[task].test_sets
            chosen = [one for one in sets if (one.perturbation is not None) == perturbed]
            found.append((_models(grid, "evaluation", task), chosen))
        return _held(params, found, pair, trained)
    if isinstance(estimate, MethodsEstimate | DistanceEstimate):
        return _of_methods(grid, estimate.corpora)
    both = [name for name, attack in params.attacks.items() if offers_english(attack.recipe)]
    return _of_attacks(grid, both, set(), {"en"})


def _models(grid: Grid, stage: str, task: str) -> list[ModelCell]:
    return [cell for cell in grid.cells(stage) if isinstance(cell, ModelCell) and cell.task == task]


def _of_attacks(
    grid: Grid, names: Iterable[str], wanted: set[str], trained: set[str]
) -> Held | None:
    found = []
    for name in names:
        attack = grid.params.attacks[name]
        if is_qa(grid.params, attack.target):
            cells = _models(grid, "attacks", attack.target)
            attacked = [cell for cell in cells if cell.factors["attack"] == name]
            found.append((attacked, attack.test_sets))
    return _held(grid.params, found, wanted, trained)


def _of_methods(grid: Grid, corpora: list[str]) -> Held | None:
    found = []
    for task in transfer_tasks(grid.params):
        sets = grid.params.targets[task].test_sets
        chosen = [one for one in sets if one.pairs and one.corpus in corpora]
        cells = _models(grid, "evaluation", task)
        standard, robust = (
            {(cell.arm, cell.seed) for cell in cells if (cell.method == STANDARD) == plain}
            for plain in (True, False)
        )
        compared = [cell for cell in cells if (cell.arm, cell.seed) in standard & robust]
        found.append((compared, chosen))
    return _held(grid.params, found, set(), set())


def _held(
    params: Params,
    found: list[tuple[list[ModelCell], list[TestSet]]],
    wanted: set[str],
    without: set[str],
) -> Held | None:
    """The seeds that all comparisons have, and the languages that any of them tests.

    Args:
        found: for each comparison, its models and test sets.
        wanted: the models that a comparison must have.
        without: languages that do not count.
    """
    seeds, languages = [], set()
    for cells, sets in found:
        used = [cell for cell in cells if not wanted or cell.model_name in wanted]
        codes = {code for one in sets for code in one.languages} - without
        of_each = [{cell.seed for cell in used if cell.model_name == name} for name in wanted]
        common = set.intersection(*of_each) if wanted else {cell.seed for cell in used}
        if common and codes:
            seeds.append(common)
            languages |= codes
    if not seeds:
        return None
    return Held(params.synthetic, len(set.intersection(*seeds)), tuple(sorted(languages)))
