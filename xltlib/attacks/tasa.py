"""The two edits of TASA (Cao et al., EMNLP 2022), in any language.

TASA perturbs the sentence with the answer, so that the model no longer finds it, and adds a
distractor made from that sentence, with other names and another answer, so that the model finds
that instead. Here words are perturbed by replacing them with similar ones, and names are found
without a tagger (`distractor_templates.AlteredQuestions`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from icu4py.breakers import SentenceBreaker
from textattack.constraints import Constraint, PreTransformationConstraint
from textattack.shared import AttackedText

from xltlib.attacks.constraints import Limit
from xltlib.attacks.copies import copies_in
from xltlib.attacks.distractor_templates import AlteredQuestions
from xltlib.attacks.passage import Passage
from xltlib.attacks.synonym import same_stem


def sentence_around(context: str, start: int, end: int) -> tuple[int, int]:
    """The sentences that a span touches, as characters [start, end), without spaces around them."""
    first = last = done = 0
    for sentence in SentenceBreaker(context, "en"):
        begins, done = done, done + len(sentence)
        if begins <= start:
            first = begins
        if begins < end:
            last = done
    text = context[first:last]
    return first + len(text) - len(text.lstrip()), last - (len(text) - len(text.rstrip()))


def false_copies(
    context: str,
    answer: tuple[int, int],
    golds: Sequence[str],
    wrong: Iterable[str],
    names: AlteredQuestions,
    rng: random.Random,
) -> list[str]:
    """Copies of the answer's sentence about something else, each with a wrong answer.

    Args:
        answer: the span of the answer in the context.
        golds: the gold answers, which no copy may contain.
    """
    first, last = sentence_around(context, *answer)
    start, end = answer
    found = []
    for other in wrong:
        before = names.altered(context[first:start], context, rng)
        after = context[end:last]
        if before == context[first:start]:
            after = names.altered(after, context, rng)
        copy = f"{before}{other}{after}"
        if not any(copies_in(copy, gold) for gold in golds):
            found.append(copy)
    return list(dict.fromkeys(found))


def words_to_change(row: dict[str, Any], window_words: int | None = None) -> set[int]:
    """The words of the answer's sentence that also occur in the question, as indices of a
    `Passage`.

    None of them touches a copy of a gold answer. If sentence and question share no word, these are
    all other words of the sentence.

    Args:
        window_words: the greatest distance from the answer, in words; None for no limit.
    """
    text, golds = Passage(row["question"], row["context"]), row["answers"]["text"]
    start = row["answers"]["answer_start"][0]
    first, last = sentence_around(row["context"], start, start + len(golds[0]))
    taken = [span for gold in set(golds) for span in copies_in(row["context"], gold)]
    free = {
        text.question_words + i
        for i, (a, b) in enumerate(text.spans)
        if first <= a and b <= last and not any(a < end and b > at for at, end in taken)
    }
    if window_words is not None:
        end = start + len(golds[0])
        gold = [i for i, (a, b) in enumerate(text.spans) if a < end and b > start]
        free = {
            i for i in free if any(abs(i - text.question_words - g) <= window_words for g in gold)
        }
    asked = text.words[: text.question_words]
    shared = {
        i for i in free if any(same_stem(text.words[i], word, row["language"]) for word in asked)
    }
    return shared or free


class OnlyThese(PreTransformationConstraint):
    """Only some words may change. The false sentence comes after them, so their indices stay
    valid."""

    def __init__(self, allowed: set[int]) -> None:
        self.allowed = allowed

    def _get_modifiable_indices(self, current_text: AttackedText) -> set[int]:
        return self.allowed


class OfSwaps(Constraint):
    """Applies another constraint only to texts in which a word was changed.

    If it is a limit, the false sentence does not count.
    """

    def __init__(self, constraint: Constraint) -> None:
        super().__init__(compare_against_original=constraint.compare_against_original)
        self.constraint = constraint
        if isinstance(constraint, Limit):
            constraint.without_added = True

    def _check_constraint_many(
        self, transformed_texts: list[AttackedText], reference_text: AttackedText
    ) -> list[AttackedText]:
        swapped = [
            text for text in transformed_texts if "distractor_language" not in text.attack_attrs
        ]
        kept = set(map(id, self.constraint._check_constraint_many(swapped, reference_text)))
        asked = set(map(id, swapped))
        return [text for text in transformed_texts if id(text) not in asked or id(text) in kept]

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        return bool(self._check_constraint_many([transformed_text], reference_text))
