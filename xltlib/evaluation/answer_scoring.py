"""How an answer is scored against gold answers: by a corpus's official rule, or in other units.

White space alone makes "在1951年" and "1951年" share no word, and "서울은" and "서울" neither. The
official scores stay what they are; beside them the same rule can count graphemes, or the words that
a segmenter finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from xltlib.evaluation import mlqa, squad
from xltlib.evaluation.squad import Normalize
from xltlib.languages import graphemes, words
from xltlib.params.recipes import F1Unit

ScoreAnswer = Callable[[str, Iterable[str]], float]
"""An answer and the gold answers to an F1 in [0, 1]."""


def normalizer(language: str, corpus: str | None) -> Normalize:
    """What makes two answers comparable: MLQA's own rule on MLQA, SQuAD 1.1's elsewhere."""
    return mlqa.normalizer(language) if corpus == "mlqa" else squad.normalize_answer


def official(language: str, corpus: str | None) -> ScoreAnswer:
    """The corpus's official F1."""
    return partial(squad.f1, normalize=normalizer(language, corpus))


def f1_in(unit: F1Unit, language: str, corpus: str | None) -> ScoreAnswer:
    """The official F1 (`words`), or the same rule over graphemes or segmented words."""
    rule = normalizer(language, corpus)
    splits: dict[F1Unit, Callable[[str], str]] = {
        "words": str,
        "characters": _graphemes,
        "segmented": _segmented,
    }
    split = splits[unit]
    return partial(squad.f1, normalize=lambda text: split(rule(text)))


def _graphemes(text: str) -> str:
    return " ".join(cluster for cluster in graphemes(text) if not cluster.isspace())


def _segmented(text: str) -> str:
    return " ".join(text[start:end] for start, end in words(text))
