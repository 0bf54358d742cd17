"""Checks before a run: errors that would otherwise stop it later."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from xltlib import corpora
from xltlib.artifacts import InputError, obstacle
from xltlib.corpora.hub import require_network
from xltlib.evaluation.retrieval import RETRIEVAL
from xltlib.params import STANDARD, Params, PerturbedFile, TaskData, TestSet
from xltlib.study import revisions
from xltlib.study.contents import CONTENTS
from xltlib.study.data import bitexts
from xltlib.study.grid import Grid
from xltlib.study.named_models import named_models, on_hub
from xltlib.study.presence import absent
from xltlib.study.target_tasks import tested_tasks, transfer_tasks
from xltlib.study.todo import Todo
from xltlib.tasks import TASKS

MEASURED_ON = {
    "retrieval": RETRIEVAL,
    "probe": ("tagging",),
    "cloze": ("cloze",),
    "rank_consistency": ("qa",),
    "rotation": ("qa",),
}
"""The kinds of corpora that each measure of stage 08 reads."""


def check_sources(params: Params) -> None:
    """Check a profile for errors at which a stage would stop later.

    If every cell is done, absent files are no errors: results can be read in a clone without
    corpora.

    Raises:
        InputError: lists all errors: unknown corpora, absent folders, languages that a source
            lacks, and corpora of the wrong kind for their place.
    """
    problems = [*_misused(params)] or [*_tested_twice(params), *_obstacles(params)]
    missing = [*absent(params)]
    if problems or (missing and Todo.of(Grid(params)).cells):
        _refuse([*problems, *missing])


def _refuse(problems: list[str]) -> None:
    count = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
    raise InputError(f"{count}; nothing was started\n  " + "\n  ".join(problems))


def _obstacles(params: Params) -> Iterator[str]:
    """Files where the study has to write folders, and the other way round."""
    own = params.outputs / params.profile
    cells = [cell.folder for cell in Grid(params).everything()]
    places = {"outputs": [own / "logs", *cells], "cache": [params.cache / CONTENTS]}
    for key, folders in places.items():
        for file in sorted({file for folder in folders if (file := obstacle(folder)) is not None}):
            yield f"{key}: {file} is a file where a folder is needed; move or remove it"
    for folder in (own / "run.log", own / ".run.lock"):
        if folder.is_dir():
            yield f"outputs: {folder} is a folder where a file is needed; move or remove it"


def _misused(params: Params) -> Iterator[str]:
    """Corpora that do not exist or are of the wrong kind for their place, and a cache in the wrong
    place."""
    own, cache = (params.outputs / params.profile).resolve(), params.cache.resolve()
    if own.is_relative_to(cache) or cache.is_relative_to(own):
        yield f"cache: {params.cache} also holds the outputs; give it a folder of its own"
    for name, source in params.corpora.items():
        if name not in corpora.CORPORA:
            known = ", ".join(corpora.CORPORA)
            yield f"corpora.{name}: there is no such corpus; known: {known}"
        elif source.source not in corpora.corpus(name).sources:
            there = ", ".join(corpora.corpus(name).sources)
            yield f"corpora.{name}.source: {source.source} is not available; available: {there}"
    for name, attack in params.attacks.items():
        problem = attack.check_on_pairs() if _attacks_pairs(params, name) else None
        if problem:
            yield f"attacks.{name}.{problem}"
    for where, used in params.data_used():
        if used.corpus in corpora.CORPORA:
            yield from (f"{where}{problem}" for problem in _problems(params, where, used))
    for task, target in params.targets.items():
        paired = dict.fromkeys(f"{s.corpus} {s.split}" for s in target.test_sets if s.pairs)
        if len(paired) > 1:
            yield (
                f"targets.{task}.test_sets: pairs of {' and of '.join(paired)}; one target task "
                "tests the pairs of one test set. Give each its own target task"
            )
    yield from _measures_lack(params)


def not_compared(params: Params) -> Iterator[str]:
    """Test sets and contrasts that the results would leave out."""
    for task, target in params.targets.items():
        yield from _without_clean(task, target.test_sets)
    yield from _without_common_seed(params)


def _without_clean(task: str, test_sets: Sequence[TestSet]) -> Iterator[str]:
    """Perturbed test sets with questions that no clean test set asks, so that they are not
    compared."""
    clean = [one for one in test_sets if one.perturbation is None and not one.pairs]
    for i, used in enumerate(test_sets):
        if used.perturbation is None:
            continue
        asked: set[str] = set()
        for one in clean:
            if (one.corpus, one.split) == (used.corpus, used.split) and (
                isinstance(used.perturbation, PerturbedFile)
                or one.max_examples is None
                or (used.max_examples or math.inf) <= one.max_examples
            ):
                asked |= {*one.languages}
        if missing := [code for code in used.languages if code not in asked]:
            yield (
                f"targets.{task}.test_sets.{i}: {used.corpus}{used.suffix} in "
                f"{', '.join(missing)} is not compared in full, because no clean test set asks the "
                "same questions. Add one with at least as many examples"
            )


def _tested_twice(params: Params) -> Iterator[str]:
    """Test sets that models of two target tasks answer: results tell models apart by arm, method
    and seed, not by task."""
    for tasks in (tested_tasks(params), transfer_tasks(params)):
        for one, other in combinations(tasks, 2):
            known = {place for _, used in _answered(params, one) for place in _places(used)}
            for key, used in _answered(params, other):
                both = sorted(known & {*_places(used)})
                if both:
                    yield (
                        f"{key}: {used.corpus}{used.suffix} in {both[0][-1]} also tests models of "
                        f"targets.{one}. Keep it in one of them, or make another profile"
                    )


def _answered(params: Params, task: str) -> Iterator[tuple[str, TestSet]]:
    """The test sets that a task's models answer, attacked or not, with their keys."""
    for i, used in enumerate(params.targets[task].test_sets):
        yield f"targets.{task}.test_sets.{i}", used
    for name, attack in params.attacks.items():
        if attack.target == task:
            yield from (
                (f"attacks.{name}.test_sets.{i}", used) for i, used in enumerate(attack.test_sets)
            )


def _places(used: TestSet) -> Iterator[tuple[str, str, str, bool, str]]:
    for language in used.languages:
        yield used.corpus, used.split, used.suffix, used.pairs, language


def warnings(params: Params) -> Iterator[str]:
    """What may stop a run on this machine, but not necessarily elsewhere."""
    if params.compute.device == "cuda":
        import torch

        seen = torch.cuda.device_count()
        if seen < params.compute.gpus:
            yield (
                f"compute.gpus: each cell needs {params.compute.gpus}, but PyTorch sees {seen} on "
                "this machine. Run on one with enough GPUs, or set device: cpu and gpus: 0."
            )
    # Imported here because the statistics take a second to import.
    from xltlib.study import planned

    compared = planned.held(Grid(params))
    for name, claim in params.claims.items():
        if claim.primary and compared[name] is None:
            yield (
                f"claims.{name}: the primary claim, but the profile has nothing to compare for it. "
                "Add the arms that it names, and test sets with a perturbation or attacks."
            )
    for name, source in params.corpora.items():
        if source.source == "hub" and revisions.source(params, name).revision is None:
            yield (
                f"corpora.{name}.revision: not given; the first run chooses the hub's newest "
                f"commit and keeps it in {revisions.file_of(params)}."
            )


def _attacks_pairs(params: Params, attack: str) -> bool:
    """Whether an attack is on a classifier of sentence pairs."""
    corpus = params.targets[params.attacks[attack].target].data.corpus
    return corpus in corpora.CORPORA and corpora.corpus(corpus).kind == "classification"


def _problems(params: Params, where: str, used: TaskData | TestSet) -> Iterator[str]:
    """What is wrong with one use of a corpus: its kind, its languages, or its splits."""
    source, kind = params.corpora[used.corpus], corpora.corpus(used.corpus).kind
    section, name = where.split(".")[:2]
    if section == "representation":
        wanted = MEASURED_ON[name]
    elif where.endswith(".parallel"):
        wanted = ("bitext",)
    elif section == "attacks":
        wanted = ("classification",) if _attacks_pairs(params, name) else ("qa",)
    elif "test_sets" in where:
        data = params.targets[name].data.corpus
        wanted = (corpora.corpus(data).kind,) if data in corpora.CORPORA else (kind,)
    else:
        wanted = tuple(TASKS)
    if kind not in wanted:
        goes = " or ".join(wanted)
        yield f".corpus: {used.corpus} is of kind {kind}; {goes} is needed here"
    if getattr(used, "perturbation", None) is not None and kind != "qa":
        yield (
            f".perturbation: {used.corpus} is of kind {kind}; only passages of kind qa "
            "can be perturbed"
        )
    if getattr(used, "pairs", False) and kind != "classification":
        yield f".pairs: {used.corpus} is of kind {kind}; pairs need sentence pairs"
    there = corpora.languages(used.corpus, source)
    lacking = [code for code in used.languages if code not in there]
    if lacking:
        yield (
            f".languages: {used.corpus} ({source.source}) has no {' '.join(lacking)}; "
            f"available: {' '.join(there)}"
        )
    splits = corpora.splits(used.corpus, source)
    for key in ("split", "dev_split"):
        split = getattr(used, key, None)
        if split is not None and split not in splits:
            yield (
                f".{key}: {used.corpus} ({source.source}) has no split {split!r}; "
                f"available: {', '.join(splits)}"
            )


def _without_common_seed(params: Params) -> Iterator[str]:
    """Contrasts whose arms have no seed in common on some target task."""
    trained: dict[tuple[str, str], set[int]] = {}
    for cell in Grid(params).cells("evaluation"):
        if cell.method == STANDARD:
            trained.setdefault((cell.task, cell.arm), set()).add(cell.seed)
    for i, pair in enumerate(params.analysis.contrasts):
        for task in params.targets:
            one, other = (trained.get((task, arm), set()) for arm in pair)
            if one and other and not one & other:
                yield (
                    f"analysis.contrasts.{i}: {pair[0]} and {pair[1]} have no seed in common on "
                    f"targets.{task}, so they are not compared there. Give their crossings the "
                    "same seeds"
                )


def _measures_lack(params: Params) -> Iterator[str]:
    """What the measures of fine-tuned models lack: parallel text, or passages not used for
    training."""
    settings = params.representation
    if settings.rotation is not None:
        there = list(bitexts(params))
        lacking = [code for code in settings.rotation.languages if code not in there]
        if lacking:
            yield (
                f"representation.rotation.languages: a rotation is learnt from parallel text with "
                f"English, and no bitext under representation.retrieval has {' '.join(lacking)}; "
                f"available: {' '.join(there) or 'none'}"
            )
    trained = {(one.data.corpus, one.data.split) for one in params.targets.values()}
    for name in ("rank_consistency", "rotation"):
        used = getattr(settings, name)
        if used is not None and (used.corpus, used.split) in trained:
            yield (
                f"representation.{name}.split: {used.corpus} {used.split} trains a target task; "
                "give a split that no model was fine-tuned on"
            )


def check_network(params: Params) -> None:
    """Refuse to start a run that reads from the hub if the hub cannot be reached.

    Raises:
        InputError: says what to set; see `xltlib.corpora.hub.require_network`.
    """
    for name, source in params.corpora.items():
        if source.source == "hub":
            require_network(f"corpora.{name}")
    models = {f"encoders.{name}": encoder.name for name, encoder in params.encoders.items()}
    for where, model in (models | dict(named_models(params))).items():
        if on_hub(model):
            require_network(where)
