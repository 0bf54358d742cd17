"""Scoring a model with a head of `xltlib.tasks`, monolingually and in generalised transfer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

import pandas as pd
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import InputError, fingerprint
from xltlib.corpora.linked import groups, is_untranslated
from xltlib.params import Precision
from xltlib.tasks.kind import TaskKind
from xltlib.training.multitask import MultiTaskModel

BETWEEN = "-"
"""Separates the two languages of a pair."""
SHARED = ("sentence1", "sentence2", "premise")
"""Columns of texts that several examples may share."""
MOST_DISAGREEMENT = 0.1
"""The share of rows that the languages of a parallel test set may label differently."""


def language_pairs(sets: Mapping[str, Dataset]) -> Iterator[tuple[str, Dataset]]:
    """Generalised test sets (Huang et al. 2021): sentence 1 in one language, sentence 2 in another.

    All ordered pairs, including monolingual ones. Rows are aligned by id, and every pair has the
    same rows: those that exist in all languages with the same label (PAWS-X lacks a few in some
    languages, leaves a few untranslated, and labels a few differently).

    Raises:
        InputError: no row exists in all languages, or more than a tenth of those that do are
            labelled differently, so that ids cannot mean the same in all languages.
    """
    places = {
        language: {
            identity: i
            for i, (identity, *pair) in enumerate(
                zip(rows["id"], rows["sentence1"], rows["sentence2"], strict=True)
            )
            if not any(map(is_untranslated, pair))
        }
        for language, rows in sets.items()
    }
    common = set.intersection(*(set(of_language) for of_language in places.values()))
    if not common:
        raise InputError(
            f"{' '.join(sets)}: no row exists in all of these languages, but pairs need a parallel "
            "test set. Leave a language out, or set pairs: false."
        )
    labels = {language: list(rows["label"]) for language, rows in sets.items()}
    given = {
        identity: {labels[language][places[language][identity]] for language in sets}
        for identity in common
    }
    agreed = {identity for identity, found in given.items() if len(found) == 1}
    odd = len(common) - len(agreed)
    if odd > MOST_DISAGREEMENT * len(common):
        raise InputError(
            f"{' '.join(sets)}: {odd} of the {len(common)} rows with the same id have different "
            "labels, so the files are not aligned. Use files of one release."
        )
    order = [identity for identity in next(iter(places.values())) if identity in agreed]
    aligned = {
        language: rows.select([places[language][identity] for identity in order])
        for language, rows in sets.items()
    }
    for a, left in aligned.items():
        for b, right in aligned.items():
            name = f"{a}{BETWEEN}{b}"
            rows = left.remove_columns(["sentence2", "language"])
            rows = rows.add_column("sentence2", list(right["sentence2"]))
            yield name, rows.add_column("language", [name] * len(rows))


def first_of(pair: str) -> str:
    """The language of sentence 1 in a pair's name."""
    return pair.partition(BETWEEN)[0]


def answer(
    model: MultiTaskModel,
    task: str,
    tokenizer: PreTrainedTokenizerBase,
    corpus: str,
    dataset: Dataset,
    *,
    batch_size: int,
    precision: Precision,
) -> pd.DataFrame:
    """Answer one test set in one language, or in one pair of them.

    Returns:
        One row per example: corpus, language, id, prediction and gold as text, correct in [0, 1];
        where examples may share texts also passage (the same for all that texts link).
    """
    kind = model.tasks[task]
    rows = kind.rows(tokenizer, dataset)
    logits = model.logits(task, tokenizer, rows, batch_size=batch_size, precision=precision)
    predictions, golds = kind.readable(logits, [row["labels"] for row in rows])
    answers = pd.DataFrame(
        {
            "corpus": corpus,
            "language": list(dataset["language"]),
            "id": list(dataset["id"]),
            "prediction": predictions,
            "gold": golds,
            "correct": [kind.correct(p, g) for p, g in zip(predictions, golds, strict=True)],
        }
    )
    shared = [list(dataset[name]) for name in SHARED if name in dataset.column_names]
    if shared:
        of_row = groups(*shared)
        first = dict(zip(reversed(of_row), reversed(list(dataset["id"])), strict=True))
        answers["passage"] = [fingerprint(first[group]) for group in of_row]
    return answers


def most_frequent_score(kind: TaskKind, rows: Dataset) -> float:
    """The main metric of always choosing the most frequent label or tag, in points; 0 for spans."""
    if "tags" in rows.column_names:
        golds = [list(tags) for tags in rows["tags"]]
    elif "label" in rows.column_names:
        golds = [[str(label)] for label in rows["label"]]
    else:
        return 0.0
    (label, _), *_ = Counter(chain.from_iterable(golds)).most_common(1)
    constant, given = (
        [" ".join(one) for one in side] for side in ([[label] * len(gold) for gold in golds], golds)
    )
    return kind.metrics(constant, given)[kind.metric]


def summarize(answers: pd.DataFrame, kind: TaskKind) -> dict[str, dict]:
    """The official metrics in points by corpus: each language (or pair) with its n, and averages.

    Averages over languages are with and without English. Averages over pairs are `pooled` (all
    pairs, equally weighted) and `off_diagonal` (two different languages). With pairs, `commonest`
    is the accuracy in points of always choosing the commonest label.
    """
    result: dict[str, dict] = {}
    for corpus, rows in answers.groupby("corpus", sort=True):
        languages = {
            str(language): kind.metrics(list(part["prediction"]), list(part["gold"]))
            | {"n": len(part)}
            for language, part in rows.groupby("language", sort=True)
        }
        names = [name for name in next(iter(languages.values())) if name != "n"]
        result[str(corpus)] = {
            "languages": languages,
            "averages": {
                name: averages({code: scores[name] for code, scores in languages.items()})
                for name in names
            },
        }
        if any(BETWEEN in code for code in languages):  # all pairs have the same labels
            shares = rows["gold"].value_counts(normalize=True)
            result[str(corpus)]["commonest"] = 100 * float(shares.max())
    return result


def averages(scores: Mapping[str, float]) -> dict[str, float]:
    """Means over languages or pairs; a mean over nothing is left out."""
    if any(BETWEEN in code for code in scores):
        groups = {
            "pooled": list(scores.values()),
            "off_diagonal": [
                score for code, score in scores.items() if len(set(code.split(BETWEEN))) == 2
            ],
        }
    else:
        groups = {
            "without_en": [score for code, score in scores.items() if code != "en"],
            "xtreme_with_en": list(scores.values()),
        }
    return {name: sum(values) / len(values) for name, values in groups.items() if values}
