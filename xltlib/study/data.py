"""The data that the stages of a profile share: splits, test sets, and the examples to attack."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from datasets import Dataset

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.params import AttackSettings, Params, TaskData, TestSet
from xltlib.study import manifest, revisions
from xltlib.study.stages import STAGES
from xltlib.study.target_tasks import is_qa
from xltlib.tasks import Setup, TaskKind, task_kind


def kind_of(params: Params, used: TaskData, max_length: int) -> TaskKind:
    """The kind of task that training data belong to, set up for their corpus."""
    setup = Setup(
        labels=corpora.labels(used.corpus, params.corpora[used.corpus]),
        max_length=max_length,
        span_qa=params.span_qa,
    )
    return task_kind(corpora.corpus(used.corpus).kind, setup)


def load(params: Params, corpus: str, split: str, language: str) -> Dataset:
    """One split of one corpus in one language, from the source the profile names.

    Raises:
        InputError: the hub, or the local cache of its files, now gives different rows from those
            that stage 01 read.
    """
    source = revisions.source(params, corpus)
    rows = corpora.load(corpus, source, language, split)
    if source.source == "hub":
        _require_unchanged(params, f"{corpus}/{split}/{language}", rows)
    return rows


def _require_unchanged(params: Params, name: str, rows: Dataset) -> None:
    """Refuse rows that differ from those that stage 01 described and audited."""
    folder = params.outputs / params.profile / STAGES["corpora"].notebook / "all"
    found = manifest.read(folder)
    recorded = (found.model_extra or {}).get("data", {}).get(name) if found else None
    if recorded not in (None, corpora.fingerprint(rows)):
        raise InputError(
            f"corpora.{name.partition('/')[0]}: {name} is not what stage 01 read "
            f"({folder / manifest.NAME}). The local cache of the hub's files may hold another "
            "commit: remove it there, or set `revision` to the commit that you want."
        )


def trainable_ids(params: Params, corpus: str, split: str, language: str) -> list[str]:
    """The ids of a split's training examples: all except questions whose answer is not in the
    passage."""
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

    Whole sets are perturbed, so that no text depends on `max_examples`.
    """
    sets = {
        code: load(params, settings.corpus, settings.split, code) for code in settings.languages
    }
    if settings.perturbation is not None:
        # Imported here because importing TextAttack takes seconds.
        from xltlib.study.static_sets import perturbed

        sets = perturbed(params, settings.perturbation, sets)
    if settings.max_examples is None:
        return sets
    return {
        code: rows.select(range(min(settings.max_examples, len(rows))))
        for code, rows in sets.items()
    }


def names(test_sets: Sequence[TestSet]) -> list[str]:
    """The name of each test set in a list: its corpus, its split if the list has several of that
    corpus, and its perturbation."""
    splits: dict[str, set[str]] = {}
    for one in test_sets:
        splits.setdefault(one.corpus, set()).add(one.split)
    return [
        (one.corpus if len(splits[one.corpus]) == 1 else f"{one.corpus}/{one.split}") + one.suffix
        for one in test_sets
    ]


def corpus_of(name: str) -> str:
    """The corpus of a test set, by the set's name. Its rules score the set."""
    return name.partition("+")[0].partition("/")[0]


def bitexts(params: Params) -> dict[str, TestSet]:
    """For each language, the first bitext with English that `retrieval` names."""
    found: dict[str, TestSet] = {}
    for one in params.representation.retrieval:
        if one.corpus in corpora.CORPORA and corpora.corpus(one.corpus).kind == "bitext":
            found = dict.fromkeys(one.languages, one) | found
    return found


def attacked_sets(params: Params, settings: AttackSettings) -> dict[str, dict[str, Dataset]]:
    """The whole test sets of an attack, by name and language; sentence pairs are made into
    passages."""
    sets: dict[str, dict[str, Dataset]] = {}
    for name, one in zip(names(settings.test_sets), settings.test_sets, strict=True):
        found = test_set(params, one)
        if not is_qa(params, settings.target):
            # Imported here because importing TextAttack takes seconds.
            from xltlib.attacks.pair import as_passages

            labels = corpora.labels(one.corpus, params.corpora[one.corpus])
            found = {
                code: Dataset.from_list(as_passages(rows, labels)) for code, rows in found.items()
            }
        sets.setdefault(name, {}).update(found)
    return sets


def bitext(params: Params, settings: AttackSettings) -> dict[str, list[tuple[str, str]]]:
    """The parallel text that an attack's recipe uses, by language: (sentence, English) pairs."""
    parallel = getattr(settings.recipe, "parallel", None)
    if parallel is None:
        return {}
    return {
        code: list(zip(rows["query"], rows["candidate"], strict=True))
        for code, rows in test_set(params, parallel).items()
    }


def to_attack(params: Params, settings: AttackSettings) -> dict[tuple[str, str], Dataset]:
    """The examples to attack, by test set and language. They are the same for every arm, method and
    seed.

    They are the rows with the lowest hashes of ids, so they do not depend on the order or the size
    of the set, and all languages of a parallel corpus give the same questions. Rows whose answer is
    not in the context are left out, because it could not be protected.
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
