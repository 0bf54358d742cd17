"""Whether attacked texts keep their meaning, measured without annotators.

Every number is a proxy: sentence vectors may miss a negation, and a rare word may be correct. For
human judgements see `annotation`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xltlib.artifacts import InputError
from xltlib.attacks.masked_lm import MaskedLM
from xltlib.attacks.tasa import sentence_around
from xltlib.languages import words

SIMILAR = 0.9
"""The cosine from which two passages count as similar."""


def kept(
    results: pd.DataFrame,
    known: Mapping[str, Collection[str]],
    masked_lm: MaskedLM | None = None,
) -> pd.DataFrame:
    """How much changed texts keep: one row per language.

    `answer sentence intact`: percentage of texts in which the answer's sentence is unchanged, so
        that it still entails the answer; NaN for sentence pairs. `known words`: percentage of the
        inserted words that occur in the data of this language. `similar`: percentage with a cosine
        of at least 0.9 to the clean passage, if `similarity` was measured. `surprise`: for a masked
        LM, how much less likely the new text is than the text it replaced, in nats per piece.

    Args:
        known: the words of each language, in lower case.

    Raises:
        InputError: `known` lacks a language of the results.
    """
    changed = results[results["attacked_context"] != results["context"]]
    lacking = sorted(set(changed["language"]) - set(known))
    if lacking:
        raise InputError(
            f"known: no words in {', '.join(lacking)}; give those of every language of the "
            "results, e.g. by known_words"
        )
    rows = []
    for language, part in changed.groupby("language", sort=True):
        new = [word.lower() for row in part.itertuples() for word in _put_in(row)]
        figures: dict[str, Any] = {
            "language": language,
            "changed": len(part),
            "answer sentence intact": 100 * np.mean([_intact(row) for row in part.itertuples()]),
            "known words": 100 * np.mean([word in known[language] for word in new])
            if new
            else np.nan,
        }
        if "similarity" in part:
            figures["similar"] = 100 * (part["similarity"] >= SIMILAR).mean()
        if masked_lm is not None:
            found = [rise for row in part.itertuples() for rise in _surprise(row, masked_lm)]
            known_rises = [rise for rise in found if rise == rise]
            figures["surprise"] = float(np.mean(known_rises)) if known_rises else float("nan")
        rows.append(figures)
    return pd.DataFrame(rows)


def known_words(texts: Collection[str]) -> set[str]:
    """The words of some texts in lower case."""
    return {text[a:b].lower() for text in texts for a, b in words(text)}


def _intact(row: Any) -> float:
    """Whether the sentence with the first answer that has an offset is still there; NaN if none has
    one: the class of a sentence pair is in no sentence."""
    pairs = zip(row.answers["text"], row.answers["answer_start"], strict=True)
    placed = [(int(start), int(start) + len(text)) for text, start in pairs if start >= 0]
    if not placed:
        return np.nan
    first, last = sentence_around(row.context, *placed[0])
    return row.context[first:last] in row.attacked_context


def _put_in(row: Any) -> list[str]:
    return [edit["new"][a:b] for edit in row.edits for a, b in words(edit["new"])]


def _surprise(row: Any, model: MaskedLM) -> list[float]:
    """By how much each replacement is less likely than the original."""
    found, shift = [], 0
    for edit in row.edits:
        start, old, new = edit["start"], edit["old"], edit["new"]
        if old.strip() and new.strip():
            before = model.surprise(row.context, start, start + len(old))
            at = start + shift
            found.append(model.surprise(row.attacked_context, at, at + len(new)) - before)
        shift += len(new) - len(old)
    return found
