"""What an attack on a question and its context may touch.

TextAttack's own `InputColumnModification` counts words column by column but indexes the joined
text, so the two can disagree; here both counts come from the same splitter.
"""

from __future__ import annotations

from textattack.constraints import PreTransformationConstraint
from textattack.shared import AttackedText

from xltlib.attacks.goal import UntargetedSpanF1, occurrences
from xltlib.languages import words


class ContextOutsideAnswer(PreTransformationConstraint):
    """Words of the context may change, except those that touch a copy of a gold answer.

    Args:
        goal: knows the example under attack; perturbed texts lose what was attached to the first.
        window_words: only words at most this many words from a gold answer; None is all of them.
    """

    def __init__(self, goal: UntargetedSpanF1, window_words: int | None = None) -> None:
        self.goal = goal
        self.window_words = window_words

    def _get_modifiable_indices(self, current_text: AttackedText) -> set[int]:
        # Edits replace a word by a word, so the indices of the first text stay right.
        question, context = self.goal.initial_attacked_text.tokenizer_input
        spans, first = words(context), len(words(question))
        answers = self.goal.answers
        frozen: set[int] = set()
        for text in answers["text"]:
            for start in occurrences(context, text):
                frozen |= _touching(spans, start, start + len(text))
        gold: set[int] = set()
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            gold |= _touching(spans, start, start + len(text))
        return {
            first + i
            for i in range(len(spans))
            if i not in frozen and (self.window_words is None or _near(i, gold, self.window_words))
        }

    def extra_repr_keys(self) -> list[str]:
        return ["window_words"]


def _touching(spans: tuple[tuple[int, int], ...], start: int, end: int) -> set[int]:
    """Indices of the words that share a character with [start, end)."""
    return {i for i, (first, last) in enumerate(spans) if first < end and last > start}


def _near(index: int, others: set[int], distance: int) -> bool:
    return any(abs(index - other) <= distance for other in others)
