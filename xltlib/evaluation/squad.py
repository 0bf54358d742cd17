"""SQuAD 1.1 scoring, used by TyDi QA GoldP and XQuAD in every language.

The rules are those of the official `evaluate-v1.1.py` (Rajpurkar et al. 2016): lower-case, drop
ASCII punctuation and English articles, fold white space; F1 counts white-space tokens; each
prediction is scored against its best gold answer. XTREME applies the same English rules to all
languages.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower-case, drop ASCII punctuation and English articles, fold white space."""
    text = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", text).split())


Normalize = Callable[[str], str]
"""Normalises an answer, whose tokens are then separated by white space."""


def _token_f1(prediction: str, gold: str, normalize: Normalize) -> float:
    predicted, expected = normalize(prediction).split(), normalize(gold).split()
    common = sum((Counter(predicted) & Counter(expected)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(expected)
    return 2 * precision * recall / (precision + recall)


def f1(prediction: str, golds: Iterable[str], normalize: Normalize = normalize_answer) -> float:
    """Token F1 in [0, 1] against the best of the gold answers."""
    return max(_token_f1(prediction, gold, normalize) for gold in golds)


def exact_match(
    prediction: str, golds: Iterable[str], normalize: Normalize = normalize_answer
) -> float:
    """1.0 if the normalised prediction equals a normalised gold answer, else 0.0."""
    predicted = normalize(prediction)
    return max(float(predicted == normalize(gold)) for gold in golds)


def averages(by_language: Mapping[str, float]) -> dict[str, float]:
    """Both published averages over languages.

    TyDi QA's own macro average leaves out English (Clark et al. 2020); XTREME's includes it (Hu et
    al. 2020). An average over no language is left out rather than zero.
    """
    others = [score for language, score in by_language.items() if language != "en"]
    result = {}
    if others:
        result["tydi_without_en"] = sum(others) / len(others)
    if by_language:
        result["xtreme_with_en"] = sum(by_language.values()) / len(by_language)
    return result
