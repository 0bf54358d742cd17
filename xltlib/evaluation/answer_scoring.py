"""Scoring an answer against gold answers, by a corpus's official rule or in other units.

Split at white space, "在1951年" and "1951年" share no word, and neither do "서울은" and "서울". The
official scores are unchanged, but the same rule can also count graphemes or segmented words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from xltlib.evaluation import mlqa, squad
from xltlib.evaluation.squad import Normalize
from xltlib.languages import graphemes, words
from xltlib.params.recipes import F1Unit

ScoreAnswer = Callable[[str, Iterable[str]], float]
"""Maps an answer and the gold answers to an F1 in [0, 1]."""


def normalizer(language: str, corpus: str | None) -> Normalize:
    """The normalisation of answers: MLQA's own rule for MLQA, SQuAD 1.1's for the others.

    Args:
        corpus: its name, or that of one of its test sets, such as `mlqa+typo-20`.
    """
    name = (corpus or "").partition("+")[0].partition("/")[0]
    return mlqa.normalizer(language) if name.lower() == "mlqa" else squad.normalize_answer


def official(language: str, corpus: str | None) -> ScoreAnswer:
    """The corpus's official F1."""
    return partial(squad.f1, normalize=normalizer(language, corpus))


def f1_in(unit: F1Unit, language: str, corpus: str | None) -> ScoreAnswer:
    """The official F1 (`words`), or the same rule over graphemes or segmented words.

    A gold answer itself is always right, even if it has no words, as "€" and "The" have none.
    """
    rule = normalizer(language, corpus)
    splits: dict[F1Unit, Callable[[str], str]] = {
        "words": str,
        "characters": _graphemes,
        "segmented": _segmented,
    }
    split = splits[unit]
    score = partial(squad.f1, normalize=lambda text: split(rule(text)))

    def f1(answer: str, golds: Iterable[str]) -> float:
        golds = list(golds)
        same = answer.strip() in [gold.strip() for gold in golds]
        return 1.0 if same else score(answer, golds)

    return f1


def _graphemes(text: str) -> str:
    return " ".join(cluster for cluster in graphemes(text) if not cluster.isspace())


def _segmented(text: str) -> str:
    return " ".join(text[start:end] for start, end in words(text))


SQUAD_F1 = f1_in("words", "en", None)
"""SQuAD's F1, by which attacks succeed unless their recipe counts otherwise."""
