"""Constraints on how far an edited text's sentence vector may be from the original's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from textattack.constraints import Constraint
from textattack.shared import AttackedText

from xltlib.attacks.passage import passage_of


class MinSimilarity(Constraint):
    """A lower limit on the cosine between the sentence vectors of the original and edited contexts.

    Args:
        vectors: maps texts to vectors, float [N, H], at unit length.
        cosine: in [0, 1].
    """

    def __init__(self, vectors: Callable[[list[str]], np.ndarray], cosine: float) -> None:
        super().__init__(compare_against_original=True)
        self.vectors, self.cosine = vectors, cosine

    def _check_constraint_many(
        self, transformed_texts: list[AttackedText], reference_text: AttackedText
    ) -> list[AttackedText]:
        texts = [text.tokenizer_input[1] for text in (reference_text, *transformed_texts)]
        first, *others = self.vectors(texts)
        return [
            text
            for text, vector in zip(transformed_texts, others, strict=True)
            if float(first @ vector) >= self.cosine
        ]

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        return bool(self._check_constraint_many([transformed_text], reference_text))

    def extra_repr_keys(self) -> list[str]:
        return ["cosine", *super().extra_repr_keys()]


class MinWindowSimilarity(Constraint):
    """The words around an edit keep the meaning of what stood there, by sentence vectors' cosine.

    TextFooler compares windows of 15 words too: a whole passage hardly moves with one word.

    Args:
        vectors: maps texts to vectors, float [N, H], at unit length.
        cosine: in [0, 1].
        window: words compared, the edited one in the middle.
    """

    def __init__(
        self, vectors: Callable[[list[str]], np.ndarray], cosine: float, window: int = 15
    ) -> None:
        super().__init__(compare_against_original=True)
        self.vectors, self.cosine, self.window = vectors, cosine, window

    def _check_constraint_many(
        self, transformed_texts: list[AttackedText], reference_text: AttackedText
    ) -> list[AttackedText]:
        if not transformed_texts:
            return []
        places = [min(text.attack_attrs["newly_modified_indices"]) for text in transformed_texts]
        before = [self._around(reference_text, place) for place in places]
        after = [self._around(*pair) for pair in zip(transformed_texts, places, strict=True)]
        known = list(dict.fromkeys([*before, *after]))
        vector = dict(zip(known, self.vectors(known), strict=True))
        return [
            text
            for text, old, new in zip(transformed_texts, before, after, strict=True)
            if round(float(vector[old] @ vector[new]), 4) >= self.cosine
        ]

    def _around(self, text: AttackedText, place: int) -> str:
        """The words of the context near a word."""
        passage = passage_of(text)
        at = place - passage.question_words
        near = passage.spans[max(0, at - self.window // 2) : at + self.window // 2 + 1]
        return passage.context[near[0][0] : near[-1][1]]

    def _check_constraint(
        self, transformed_text: AttackedText, reference_text: AttackedText
    ) -> bool:
        return bool(self._check_constraint_many([transformed_text], reference_text))

    def extra_repr_keys(self) -> list[str]:
        return ["cosine", "window", *super().extra_repr_keys()]
