"""The data that a profile's stages share: splits, test sets, and the examples to attack."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from datasets import Dataset

from xltlib import corpora
from xltlib.params import AttackSettings, Params, TaskData, TestSet
from xltlib.tasks import Setup, TaskKind, task_kind


def kind_of(params: Params, used: TaskData, max_length: int) -> TaskKind:
    """The task kind of training data, ready for its corpus."""
    setup = Setup(
        labels=corpora.labels(used.corpus, params.corpora[used.corpus]),
        max_length=max_length,
        span_qa=params.span_qa,
    )
    return task_kind(corpora.corpus(used.corpus).kind, setup)


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
    """A test set by language; `max_examples` keeps the first rows of each."""
    sets = {
        code: load(params, settings.corpus, settings.split, code) for code in settings.languages
    }
    if settings.max_examples is None:
        return sets
    return {
        code: rows.select(range(min(settings.max_examples, len(rows))))
        for code, rows in sets.items()
    }


def names(test_sets: Sequence[TestSet]) -> list[str]:
    """What each test set of a list is called: its corpus, and where the list has several splits of
    that corpus, its split too."""
    splits: dict[str, set[str]] = {}
    for one in test_sets:
        splits.setdefault(one.corpus, set()).add(one.split)
    return [
        one.corpus if len(splits[one.corpus]) == 1 else f"{one.corpus}/{one.split}"
        for one in test_sets
    ]


def bitexts(params: Params) -> dict[str, TestSet]:
    """The first bitext with English under retrieval, by language."""
    found: dict[str, TestSet] = {}
    for one in params.representation.retrieval:
        if one.corpus in corpora.CORPORA and corpora.corpus(one.corpus).kind == "bitext":
            found = dict.fromkeys(one.languages, one) | found
    return found


def attacked_sets(params: Params, settings: AttackSettings) -> dict[str, dict[str, Dataset]]:
    """The test sets of an attack, whole, by name and language."""
    sets: dict[str, dict[str, Dataset]] = {}
    for name, one in zip(names(settings.test_sets), settings.test_sets, strict=True):
        sets.setdefault(name, {}).update(test_set(params, one))
    return sets


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
    """The examples to attack by test set and language: the same for every arm, method and seed.

    They are the rows whose ids hash lowest, so they depend on neither order nor size of the set,
    and where the corpus is parallel every language gives the same questions. Rows whose answer has
    no place in the context are left out: it could not be protected.
    """
    chosen = {}
    for corpus, sets in attacked_sets(params, settings).items():
        for language, rows in sets.items():
            placed = [
                i for i, answers in enumerate(rows["answers"]) if min(answers["answer_start"]) >= 0
            ]
            ids = rows["id"]
            placed.sort(key=lambda i: hashlib.sha256(f"{settings.seed}:{ids[i]}".encode()).digest())
            kept = placed[: settings.examples_per_language]
            chosen[corpus, language] = rows.select(kept)
    return chosen
