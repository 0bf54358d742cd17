"""The two edits of TASA (Cao et al., EMNLP 2022), in any language.

TASA perturbs the sentence that holds the answer, so that the model no longer finds it, and adds a
distractor made from that sentence, with other names and another answer, so that the model finds
something else. Here the perturbed words are synonyms or misspellings, and names are found without a
tagger (`distractor_templates.AlteredQuestions`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from icu4py.breakers import SentenceBreaker
from textattack.shared import AttackedText
from textattack.transformations import CompositeTransformation, Transformation

from xltlib.attacks.distractor import Distractor
from xltlib.attacks.distractor_templates import AlteredQuestions


def sentence_around(context: str, start: int, end: int) -> tuple[int, int]:
    """The sentences that a span touches, as characters [start, end) without outer spaces."""
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
    """The sentence with the answer, about something else and with each wrong answer in its place.

    Args:
        answer: where the answer stands in the context.
        golds: no copy may hold one.
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
        if not any(gold in copy for gold in golds):
            found.append(copy)
    return list(dict.fromkeys(found))


class PerturbAndDistract(CompositeTransformation):
    """Change words of the sentence with the answer, or add one false copy of it.

    Args:
        swap: changes words.
        distractor: adds the copy.
        sentence: the characters [start, end) of the first context within which words are changed.
    """

    def __init__(
        self, swap: Transformation, distractor: Distractor, sentence: tuple[int, int]
    ) -> None:
        super().__init__([swap, distractor])
        self.swap, self.distractor, self.sentence = swap, distractor, sentence
