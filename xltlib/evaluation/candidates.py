"""Parallel candidates for span QA: the answers to all questions about a passage.

An encoder without a masked-LM head cannot fill BMLAMA's prompts, but a span-QA model can rank spans
of its passage. In a parallel corpus the answer to the same question is the same candidate in every
language.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from datasets import Dataset

from xltlib.corpora.answer_spans import stripped_span
from xltlib.evaluation.predictor import SpanPredictor

Span = tuple[int, int]
"""Characters [start, end) of a context."""
CandidateSpans = dict[str, dict[str, list[Span]]]
"""Maps question id and language to candidates, with the same candidate at the same index in every
language."""


def candidate_spans(sets: Mapping[str, Dataset]) -> CandidateSpans:
    """The candidates of every question that has at least two in all languages.

    Questions are about one passage if they share their context in every language. If two of them
    have the same answer span in some language, only the first is a candidate.
    """
    rows = {code: {row["id"]: row for row in part if _placed(row)} for code, part in sets.items()}
    first, *others = rows.values()
    shared = [identity for identity in first if all(identity in other for other in others)]
    passages: dict[tuple[str, ...], list[str]] = {}
    for identity in shared:
        key = tuple(part[identity]["context"] for part in rows.values())
        passages.setdefault(key, []).append(identity)
    found: CandidateSpans = {}
    for identities in passages.values():
        spans: dict[str, list[Span]] = {code: [] for code in rows}
        for identity in identities:
            answers = {code: _answer(part[identity]) for code, part in rows.items()}
            if all(answers[code] not in spans[code] for code in rows):
                for code in rows:
                    spans[code].append(answers[code])
        if len(spans[next(iter(rows))]) > 1:
            found |= dict.fromkeys(identities, spans)
    return found


def candidate_logits(
    predictor: SpanPredictor, sets: Mapping[str, Dataset], candidates: CandidateSpans
) -> dict[str, list[np.ndarray]]:
    """A model's scores for the candidates of each question, by language: start plus end logit [N].

    A candidate that does not fit into any window in some language is left out in all, and so is a
    question with fewer than two candidates left.
    """
    scores = {}
    for code, part in sets.items():
        rows = {row["id"]: row for row in part}
        scores[code] = predictor.span_logits(
            [rows[identity]["question"] for identity in candidates],
            [rows[identity]["context"] for identity in candidates],
            [spans[code] for spans in candidates.values()],
        )
    kept: dict[str, list[np.ndarray]] = {code: [] for code in sets}
    for query in range(len(candidates)):
        known = np.isfinite([scores[code][query] for code in sets]).all(axis=0)
        if known.sum() > 1:
            for code in sets:
                kept[code].append(scores[code][query][known])
    return kept


def _placed(row: Mapping) -> bool:
    """Whether the first answer is in the context."""
    return row["answers"]["answer_start"][0] >= 0


def _answer(row: Mapping) -> Span:
    """The first answer's characters without white space around them."""
    return stripped_span(row["answers"]["answer_start"][0], row["answers"]["text"][0])
