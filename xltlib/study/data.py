"""The data that a profile's stages share: splits, test sets, and the examples to attack."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from datasets import Dataset

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.corpora.hub import require_network
from xltlib.evaluation.retrieval import RETRIEVAL
from xltlib.params import AttackSettings, Params, TaskData, TestSet
from xltlib.tasks import TASKS, Setup, TaskKind, task_kind

MEASURED_ON = {
    "retrieval": RETRIEVAL,
    "probe": ("tagging",),
    "cloze": ("cloze",),
    "rank_consistency": ("qa",),
    "rotation": ("qa",),
}
"""The kinds of corpora that each measure of representation reads."""


def check_sources(params: Params) -> None:
    """Refuse, before anything starts, what a stage would stop at later.

    Raises:
        InputError: all at once: corpora that do not exist, folders that are absent, languages that
            a source lacks, corpora of the wrong kind for their place.
    """
    problems = []
    for name, source in params.corpora.items():
        if name not in corpora.CORPORA:
            known = ", ".join(corpora.CORPORA)
            problems.append(f"corpora.{name}: there is no such corpus; known: {known}")
        elif source.source not in corpora.corpus(name).sources:
            there = ", ".join(corpora.corpus(name).sources)
            problems.append(f"corpora.{name}.source: {source.source} is not there; there: {there}")
        if source.source == "local" and not source.folder.is_dir():
            problems.append(f"corpora.{name}.folder: {source.folder} is not a folder")
    for name, encoder in params.encoders.items():
        if Path(encoder.name).is_absolute() and not Path(encoder.name).is_dir():
            problems.append(f"encoders.{name}.name: {encoder.name} is not a folder")
    for where, file in _files(params):
        if not file.is_file():
            problems.append(f"{where}: {file} is not a file")
    for name, attack in params.attacks.items():
        model = getattr(attack.recipe, "model", "")
        if Path(model).is_absolute() and not Path(model).is_dir():
            problems.append(f"attacks.{name}.recipe.model: {model} is not a folder")
    for name, attack in params.attacks.items():
        corpus = params.targets[attack.target].data.corpus
        if corpus in corpora.CORPORA and corpora.corpus(corpus).kind == "classification":
            problem = attack.check_on_pairs()
            problems += [f"attacks.{name}.{problem}"] if problem else []
    for where, used in params.data_used():
        if used.corpus in corpora.CORPORA:
            problems += [f"{where}{problem}" for problem in _problems(params, where, used)]
    problems += _measures_lack(params)
    if problems:
        count = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
        raise InputError(f"{count}, nothing was started\n  " + "\n  ".join(problems))


def _files(params: Params) -> Iterator[tuple[str, Path]]:
    """Every single file that a profile names, with its key path."""
    for name, method in params.methods.items():
        for language, file in getattr(method, "neighbours", {}).items():
            yield f"methods.{name}.neighbours.{language}", file
    for name, attack in params.attacks.items():
        for language, file in getattr(attack.recipe, "neighbours", {}).items():
            yield f"attacks.{name}.recipe.neighbours.{language}", file
        for language, lexicons in getattr(attack.recipe, "lexicons", {}).items():
            for file in lexicons:
                yield f"attacks.{name}.recipe.lexicons.{language}", file


def _problems(params: Params, where: str, used: TaskData | TestSet) -> Iterator[str]:
    """What is wrong with one use of a corpus: its kind for its place, its languages."""
    source, kind = params.corpora[used.corpus], corpora.corpus(used.corpus).kind
    section, name = where.split(".")[:2]
    if section == "representation":
        wanted = MEASURED_ON[name]
    elif where.endswith(".parallel"):
        wanted = ("bitext",)
    elif section == "attacks":
        target = params.targets[params.attacks[name].target].data.corpus
        pairs = target in corpora.CORPORA and corpora.corpus(target).kind == "classification"
        wanted = ("classification",) if pairs else ("qa",)
    elif "test_sets" in where:
        data = params.targets[name].data.corpus
        wanted = (corpora.corpus(data).kind,) if data in corpora.CORPORA else (kind,)
    else:
        wanted = tuple(TASKS)
    if kind not in wanted:
        goes = " or ".join(wanted)
        yield f".corpus: {used.corpus} is of kind {kind}, {goes} goes here"
    if getattr(used, "pairs", False) and kind != "classification":
        yield f".pairs: {used.corpus} is of kind {kind}; only pairs of sentences can be paired"
    there = corpora.languages(used.corpus, source)
    lacking = [code for code in used.languages if code not in there]
    if lacking:
        yield (
            f".languages: {used.corpus} ({source.source}) has no {' '.join(lacking)}; "
            f"there: {' '.join(there)}"
        )


def _measures_lack(params: Params) -> Iterator[str]:
    """What the measures of fine-tuned models lack: parallel text, and passages not trained on."""
    settings = params.representation
    if settings.rotation is not None:
        there = list(bitexts(params))
        lacking = [code for code in settings.rotation.languages if code not in there]
        if lacking:
            yield (
                f"representation.rotation.languages: a rotation is learnt from parallel text with "
                f"English, and no bitext under representation.retrieval has {' '.join(lacking)}; "
                f"there: {' '.join(there) or 'none'}"
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
    """Refuse to start a run that reads from the hub where the hub cannot be reached.

    Raises:
        InputError: says what to set; see `xltlib.corpora.hub.require_network`.
    """
    for name, source in params.corpora.items():
        if source.source == "hub":
            require_network(f"corpora.{name}")
    models = {f"encoders.{name}": encoder.name for name, encoder in params.encoders.items()}
    for name, attack in params.attacks.items():
        models[f"attacks.{name}.recipe.model"] = getattr(attack.recipe, "model", "me5-small")
    for where, model in models.items():
        if model != "me5-small" and not Path(model).is_absolute():
            require_network(where)


def kind_of(params: Params, used: TaskData, max_length: int) -> TaskKind:
    """The task kind of training data, ready for its corpus."""
    setup = Setup(
        labels=corpora.labels(used.corpus, params.corpora[used.corpus]),
        max_length=max_length,
        span_qa=params.span_qa,
    )
    return task_kind(corpora.corpus(used.corpus).kind, setup)


def is_qa(params: Params, task: str) -> bool:
    """Whether a target task is span QA, which has windows, n-best spans and attacks."""
    return corpora.corpus(params.targets[task].data.corpus).kind == "qa"


def load(params: Params, corpus: str, split: str, language: str) -> Dataset:
    """One split of one corpus in one language, from the source the profile names."""
    return corpora.load(corpus, params.corpora[corpus], language, split)


def trainable_ids(params: Params, corpus: str, split: str, language: str) -> list[str]:
    """The ids of a split that can train: all but questions whose answer has no place."""
    rows = load(params, corpus, split, language)
    if "answers" not in rows.column_names:
        return list(rows["id"])
    return [
        identity
        for identity, answers in zip(rows["id"], rows["answers"], strict=True)
        if answers["answer_start"][0] >= 0
    ]


def test_set(params: Params, settings: TestSet) -> dict[str, Dataset]:
    """A test set by language; `max_examples` keeps the first rows of each.

    A perturbation sees whole sets, so that no text depends on `max_examples`.
    """
    sets = {
        code: load(params, settings.corpus, settings.split, code) for code in settings.languages
    }
    if settings.perturbation is not None:
        # Imported here because TextAttack takes some seconds.
        from xltlib.study.static_sets import perturbed

        sets = perturbed(params, settings.perturbation, sets)
    if settings.max_examples is None:
        return sets
    return {
        code: rows.select(range(min(settings.max_examples, len(rows))))
        for code, rows in sets.items()
    }


def bitexts(params: Params) -> dict[str, TestSet]:
    """The first bitext with English under retrieval, by language."""
    found: dict[str, TestSet] = {}
    for one in params.representation.retrieval:
        if one.corpus in corpora.CORPORA and corpora.corpus(one.corpus).kind == "bitext":
            found = dict.fromkeys(one.languages, one) | found
    return found


def attacked_sets(params: Params, settings: AttackSettings) -> dict[str, dict[str, Dataset]]:
    """The test sets of an attack, whole, by name and language; pairs of sentences as passages."""
    sets = {one.name: test_set(params, one) for one in settings.test_sets}
    if is_qa(params, settings.target):
        return sets
    # Imported here because TextAttack takes some seconds.
    from xltlib.attacks.pair import as_passages

    return {
        one.name: {
            code: Dataset.from_list(as_passages(rows, labels))
            for code, rows in sets[one.name].items()
        }
        for one in settings.test_sets
        for labels in [corpora.labels(one.corpus, params.corpora[one.corpus])]
    }


def bitext(params: Params, settings: AttackSettings) -> dict[str, list[tuple[str, str]]]:
    """The parallel text of an attack's recipe by language: (sentence, English) pairs."""
    parallel = getattr(settings.recipe, "parallel", None)
    if parallel is None:
        return {}
    return {
        code: list(zip(rows["query"], rows["candidate"], strict=True))
        for code, rows in test_set(params, parallel).items()
    }


def to_attack(params: Params, settings: AttackSettings) -> dict[tuple[str, str], Dataset]:
    """The examples to attack by corpus and language: the same for every arm, method and seed.

    They are the rows whose ids hash lowest, so they depend on neither order nor size of the set,
    and where the corpus is parallel every language gives the same questions. Rows whose answer has
    no place in the context are left out: it could not be protected.
    """
    chosen = {}
    for corpus, sets in attacked_sets(params, settings).items():
        for language, rows in sets.items():
            placed = [
                i
                for i, answers in enumerate(rows["answers"])
                if min(answers["answer_start"]) >= 0 or "label" in rows.column_names
            ]
            ids = rows["id"]
            placed.sort(key=lambda i: hashlib.sha256(f"{settings.seed}:{ids[i]}".encode()).digest())
            kept = placed[: settings.examples_per_language]
            chosen[corpus, language] = rows.select(kept)
    return chosen
