"""The data that a profile's stages share: splits, test sets, and the examples to attack."""

from __future__ import annotations

import hashlib

from datasets import Dataset

from xltlib import corpora
from xltlib.params import AttackSettings, Params, TestSet


def load(params: Params, corpus: str, split: str, language: str) -> Dataset:
    """One split of one corpus in one language, from the source the profile names."""
    return corpora.load(corpus, params.corpora[corpus], language, split)


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


def to_attack(params: Params, settings: AttackSettings) -> dict[tuple[str, str], Dataset]:
    """The examples to attack by corpus and language: the same for every arm, method and seed.

    They are the rows whose ids hash lowest, so they depend on neither order nor size of the set,
    and where the corpus is parallel every language gives the same questions. Rows whose answer has
    no place in the context are left out: it could not be protected.
    """
    chosen = {}
    for settings_of_set in settings.test_sets:
        for language, rows in test_set(params, settings_of_set).items():
            placed = [
                i for i, answers in enumerate(rows["answers"]) if min(answers["answer_start"]) >= 0
            ]
            ids = rows["id"]
            placed.sort(key=lambda i: hashlib.sha256(f"{settings.seed}:{ids[i]}".encode()).digest())
            kept = placed[: settings.examples_per_language]
            chosen[settings_of_set.corpus, language] = rows.select(kept)
    return chosen
