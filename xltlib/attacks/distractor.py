"""A false sentence in the passage (AddSent, Jia and Liang 2017; in many languages as in Rosenthal
et al. 2021).

The sentence has all words of the question and an answer of the right type.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
import regex
from icu4py.breakers import SentenceBreaker
from textattack.shared import AttackedText
from textattack.transformations import Transformation

from xltlib.attacks.goal import occurrences
from xltlib.evaluation import squad
from xltlib.languages import words

# No space between sentences.
_UNSPACED = ("ja", "zh")
_DIGIT = regex.compile(r"\p{N}")


class Distractor(Transformation):
    """Insert one sentence into the context; a text that has one gets no second.

    Args:
        sentences: what may be inserted.
        places: "start", "end", or "between": at the border of sentences nearest to the middle.
        answers: gold answers; no sentence is put inside one.
    """

    def __init__(
        self, language: str, sentences: Sequence[str], places: Iterable[str], answers: Sequence[str]
    ) -> None:
        self.space = "" if language in _UNSPACED else " "
        self.sentences, self.places, self.answers = sentences, list(places), answers

    @property
    def deterministic(self) -> bool:
        return True

    def _get_transformations(
        self, current_text: AttackedText, indices_to_modify: Iterable[int]
    ) -> list[AttackedText]:
        if current_text.attack_attrs["modified_indices"]:
            return []
        context = current_text.tokenizer_input[1]
        return [
            self._inserted(current_text, place, sentence)
            for place in dict.fromkeys(self._offset(context, place) for place in self.places)
            for sentence in self.sentences
        ]

    def _offset(self, context: str, place: str) -> int:
        if place in ("start", "end"):
            return 0 if place == "start" else len(context)
        borders, done = [], 0
        for sentence in SentenceBreaker(context, "en"):
            done += len(sentence)
            borders.append(done)
        inside = {
            offset
            for answer in self.answers
            for start in occurrences(context, answer)
            for offset in range(start + 1, start + len(answer))
        }
        free = [border for border in borders[:-1] if border not in inside]
        return min(free, key=lambda border: abs(border - len(context) / 2), default=len(context))

    def _inserted(self, text: AttackedText, offset: int, sentence: str) -> AttackedText:
        question, context = text.tokenizer_input
        before, after = context[:offset], context[offset:]
        gap = "" if not before or before[-1].isspace() else self.space
        new = f"{before}{gap}{sentence}{self.space if after else ''}{after}"
        first = len(words(question)) + len(words(before))
        count = len(words(sentence))
        old = np.arange(text.num_words)
        inserted = set(range(first, first + count))
        attributes = {
            "previous_attacked_text": text,
            "newly_modified_indices": inserted,
            "modified_indices": set(inserted),
            "original_index_map": np.where(old < first, old, old + count),
        }
        return AttackedText(OrderedDict([("question", question), ("context", new)]), attributes)


def wrong_answers(
    pool: Iterable[tuple[str, str]],
    question: str,
    golds: Sequence[str],
    context: str,
    seed: str,
    n: int,
) -> list[str]:
    """Answers to other questions that are of the gold answer's type, wrong here, the fittest first.

    A type is the question's first word, whether there are digits, whether the answer begins with a
    capital, and how many words it has. An answer that shares a word with a gold answer, or that
    stands in the context, is none.

    Args:
        pool: (question, answer) pairs.
    """
    wanted = _type(question, golds[0])
    fit = {
        answer: _distance(_type(asked, answer), wanted)
        for asked, answer in sorted(set(pool))
        if answer.strip() and answer not in context and squad.f1(answer, golds) == 0
    }

    def order(answer: str) -> tuple[int, bytes]:
        return fit[answer], hashlib.sha256(f"{seed} {answer}".encode()).digest()

    return sorted(fit, key=order)[:n]


def _type(question: str, answer: str) -> tuple[str, bool, bool, int]:
    spans = words(question)
    first = question[slice(*spans[0])].casefold() if spans else ""
    return first, bool(_DIGIT.search(answer)), answer[:1].isupper(), len(words(answer))


def _distance(one: tuple[str, bool, bool, int], other: tuple[str, bool, bool, int]) -> int:
    """How far two types lie apart; digits weigh most."""
    unlike = [a != b for a, b in zip(one[:3], other[:3], strict=True)]
    return 2 * unlike[0] + 4 * unlike[1] + 2 * unlike[2] + min(3, abs(one[3] - other[3]))
