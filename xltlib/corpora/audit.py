"""Contamination: how much of a test set a model may have seen in training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import normalize

import regex
from datasets import Dataset

from xltlib.corpora.corpus import text_columns
from xltlib.languages import find_language

_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+")
CHARACTERS = 13  # n-gram length in unspaced scripts, about as rare as eight words


@dataclass(frozen=True)
class Overlap:
    """Overlap of a test set with a training set.

    `same_id` counts test rows with the id of a training row: the same item, perhaps in another
    language. `exact` counts test rows with a whole text (passage, question, premise, sentence) that
    occurs in training, and `ngram_items` those that share at least one n-gram with it.
    `ngram_share` is the mean share of a test row's n-grams that occur in training, in [0, 1].
    """

    n_train: int
    n_test: int
    same_id: int
    exact: int
    ngram_items: int
    ngram_share: float


def audit(train: Dataset, test: Dataset, n: int = 8) -> Overlap:
    """Compare two splits of any task kinds.

    Args:
        n: words in an n-gram (audits of GPT-3 and its successors use 8 to 13 words).
    """
    seen_texts: set[str] = set()
    seen_ngrams: set[str] = set()
    for texts, language in _rows(train):
        for text in texts:
            seen_texts.add(_normal(text) or "\0")  # a text without words matches nothing
            seen_ngrams.update(_ngrams(text, language, n))
    exact, items, shares = 0, 0, []
    for texts, language in _rows(test):
        exact += any(_normal(text) in seen_texts for text in texts)
        ngrams = {gram for text in texts for gram in _ngrams(text, language, n)}
        shared = len(ngrams & seen_ngrams)
        items += shared > 0
        shares.append(shared / len(ngrams) if ngrams else 0.0)
    same_id = len(set(train["id"]) & set(test["id"]))
    return Overlap(len(train), len(test), same_id, exact, items, sum(shares) / max(1, len(shares)))


def _rows(rows: Dataset) -> Iterator[tuple[list[str], str]]:
    """The texts of each row, and its language; a list of tokens or choices counts as one text.

    The question of a choice is left out: COPA asks the same two of every premise.
    """
    columns = text_columns(rows)
    if "choices" in columns:
        columns.remove("question")
    for row in rows.select_columns([*columns, "language"]):
        values = (row[column] for column in columns)
        yield [v if isinstance(v, str) else " ".join(v) for v in values], row["language"]


def _normal(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    """The words, in one Unicode form and one case."""
    return _WORD.findall(normalize("NFKC", text.casefold()))


def _ngrams(text: str, language: str, n: int) -> set[str]:
    words = _words(text)
    if find_language(language).unspaced:
        joined = "".join(words)
        return {joined[i : i + CHARACTERS] for i in range(len(joined) - CHARACTERS + 1)}
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}
