"""Constraints: what an attack on a question and its context may edit, and how much.

TextAttack's `InputColumnModification` counts words column by column but indexes the joined text, so
the two can disagree. Here both counts come from the same splitter.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import Levenshtein
from textattack.constraints import Constraint, PreTransformationConstraint
from textattack.shared import AttackedText
from textattack.transformations import Transformation

from xltlib.attacks.copies import copies_in
from xltlib.attacks.goal import SpanGoal
from xltlib.attacks.passage import Passage, passage_of
from xltlib.attacks.swap import CandidateSwap
from xltlib.languages import graphemes, script_of


class ContextOutsideAnswer(PreTransformationConstraint):
    """Only words of the context that touch no copy of a gold answer may be edited.

    A `CandidateSwap` must also have a candidate for the word, so that no query is spent on ranking
    words that cannot be changed.

    Args:
        goal: knows the example under attack, because perturbed texts lose what was attached to the
            original.
        window_words: the greatest distance of an edited word from a gold answer, in words; None for
            no limit.
    """

    def __init__(self, goal: SpanGoal, window_words: int | None = None) -> None:
        self.goal = goal
        self.window_words = window_words
        self._first: AttackedText | None = None
        self._allowed: set[int] = set()

    def __call__(self, current_text: AttackedText, transformation: Transformation) -> set[int]:
        first = self.goal.initial_attacked_text
        if first is not self._first:
            passage = passage_of(first)
            self._first, self._allowed = first, self._outside_answers(passage)
            if isinstance(transformation, CandidateSwap):
                self._allowed = {
                    index for index in self._allowed if transformation.editable(passage, index)
                }
        return _as_they_stand(self._allowed, first, current_text)

    def outside(self, current_text: AttackedText) -> set[int]:
        """The words of a text that touch no copy of a gold answer but are near enough to one."""
        first = self.goal.initial_attacked_text
        return _as_they_stand(self._outside_answers(passage_of(first)), first, current_text)

    def _get_modifiable_indices(self, current_text: AttackedText) -> set[int]:
        return self.outside(current_text)

    def _outside_answers(self, text: Passage) -> set[int]:
        spans, first, context = text.spans, text.question_words, text.context
        answers = self.goal.answers
        frozen: set[int] = set()
        for answer in answers["text"]:
            for start, end in copies_in(context, answer):
                frozen |= _touching(spans, start, end)
        gold: set[int] = set()
        for answer, start in zip(answers["text"], answers["answer_start"], strict=True):
            if start >= 0:  # others are not in the passage
                gold |= _touching(spans, start, start + len(answer))
        return {
            first + i
            for i in range(len(spans))
            if i not in frozen and (self.window_words is None or _near(i, gold, self.window_words))
        }

    def extra_repr_keys(self) -> list[str]:
        return ["window_words"]


def _as_they_stand(indices: set[int], first: AttackedText, text: AttackedText) -> set[int]:
    """Maps words of the original to their indices in an edited text; removed words are left out."""
    now = text.attack_attrs["original_index_map"]
    if now is first.attack_attrs["original_index_map"]:  # no edit has moved any word
        return indices
    return {int(now[index]) for index in indices if now[index] >= 0}


def _touching(spans: tuple[tuple[int, int], ...], start: int, end: int) -> set[int]:
    """Indices of the words that share a character with [start, end)."""
    return {i for i, (first, last) in enumerate(spans) if first < end and last > start}


def _near(index: int, others: set[int], distance: int) -> bool:
    return any(abs(index - other) <= distance for other in others)


class WordForWord(Constraint):
    """An edit changes the words it was meant to change and no others.

    In scripts without spaces a new word may fuse with its neighbours, which would shift every later
    index.
    """

    def __init__(self) -> None:
        super().__init__(compare_against_original=False)

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        if isinstance(transformed_text, Passage):
            return transformed_text.word_for_word
        old, new = reference_text.words, transformed_text.words
        edited = transformed_text.attack_attrs["newly_modified_indices"]
        return len(old) == len(new) and all(
            i in edited or old[i] == new[i] for i in range(len(old))
        )


class Limit(Constraint):
    """A limit on how far a text may be from the original."""

    def __init__(self, limit: float) -> None:
        super().__init__(compare_against_original=True)
        self.limit = limit
        # True if what stands after the original's words, an added sentence, does not count.
        self.without_added = False

    def edited(self, text: AttackedText, reference: AttackedText) -> set[int]:
        """The indices of the edited words that count."""
        modified: set[int] = text.attack_attrs["modified_indices"]
        if not self.without_added:
            return modified
        return {index for index in modified if index < reference.num_words}

    def extra_repr_keys(self) -> list[str]:
        return ["limit", *super().extra_repr_keys()]


class MaxEditedWords(Limit):
    """A limit on the number of edited words."""

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        return len(self.edited(transformed_text, reference_text)) <= self.limit


_ROUNDING = 1e-9
"""0.29 of 100 words are 29, though the product is a little less."""


class MaxEditedShare(Limit):
    """A limit on the share of the context's words that are edited.

    Args:
        limit: a share in (0, 1]; one word may always be edited.
    """

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        allowed = self.limit * len(passage_of(reference_text).spans) + _ROUNDING
        return len(self.edited(transformed_text, reference_text)) <= max(1, allowed)


class MaxEditedGraphemes(Limit):
    """A limit on the share of the context's graphemes that are in edited words.

    Words differ in length between languages, and in unspaced scripts even in definition. A share of
    graphemes is the same budget everywhere.

    Args:
        limit: a share in (0, 1]; one word may always be edited.
    """

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        text = passage_of(transformed_text)
        edited = {text.origin(i) for i in self.edited(text, reference_text)}
        if len(edited) <= 1:
            return True
        words = reference_text.words
        spent = sum(len(graphemes(words[i])) for i in edited)
        return spent <= self.limit * _length(reference_text.tokenizer_input[1]) + _ROUNDING


@lru_cache(maxsize=1024)
def _length(text: str) -> int:
    return len(graphemes(text))


class MaxGraphemeEdits(Limit):
    """A limit on the number of graphemes inserted, deleted or replaced in the whole context."""

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        old, new = (text.tokenizer_input[1] for text in (reference_text, transformed_text))
        if self.without_added:
            last = len(passage_of(reference_text).spans) - 1
            old, new = (
                text.context[: text.spans[last][1]]
                for text in map(passage_of, (reference_text, transformed_text))
            )
        return Levenshtein.distance(graphemes(old), graphemes(new)) <= self.limit


class SameScript(Constraint):
    """A word is replaced by words in its own script; one without letters, by any word."""

    def __init__(self) -> None:
        super().__init__(compare_against_original=True)

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        text = passage_of(transformed_text)
        for i in text.attack_attrs["newly_modified_indices"]:
            before = _scripts(reference_text.words[text.origin(i)])
            if before and not _scripts(text.words[i]) <= before:
                return False
        return True


def _scripts(word: str) -> set[str]:
    """The scripts of a word's letters."""
    return {script for char in word if (script := script_of(char)) is not None}
