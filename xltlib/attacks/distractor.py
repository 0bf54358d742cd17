"""A false sentence in the passage (AddSent, Jia and Liang 2017; in many languages as in Rosenthal
et al. 2021).

The sentence answers a question similar to the one asked, with an answer of the right type.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import regex
from icu4py.breakers import SentenceBreaker
from textattack.shared import AttackedText
from textattack.transformations import Transformation

from xltlib.attacks.copies import copies_in
from xltlib.attacks.distractor_templates import answer_with_other_numbers
from xltlib.attacks.passage import Passage
from xltlib.evaluation import squad
from xltlib.languages import find_language, words

# Scripts with no space between sentences.
_UNSPACED = ("Han", "Hiragana")
_DIGIT = regex.compile(r"\p{N}")


class Distractor(Transformation):
    """Insert one sentence into the context; a text that already has one gets no other.

    The sentence's language is noted in `attack_attrs["distractor_language"]`.

    Args:
        sentences: the sentences to choose from, each with its language code.
        places: "start", "end", or "between": the sentence boundary nearest to the middle.
        answers: gold answers; no sentence is put inside one.
    """

    def __init__(
        self,
        language: str,
        sentences: Mapping[str, str],
        places: Iterable[str],
        answers: Sequence[str],
    ) -> None:
        self.language = language
        self.sentences, self.places, self.answers = dict(sentences), list(places), answers

    @property
    def deterministic(self) -> bool:
        return True

    def _get_transformations(
        self, current_text: AttackedText, indices_to_modify: Iterable[int]
    ) -> list[AttackedText]:
        if distractor_language(current_text) is not None:
            return []
        context = current_text.tokenizer_input[1]
        places = dict.fromkeys(insertion_point(context, one, self.answers) for one in self.places)
        return [
            self._inserted(current_text, place, sentence)
            for place in places
            for sentence in self.sentences
        ]

    def _inserted(self, text: AttackedText, offset: int, sentence: str) -> Passage:
        question, context = text.tokenizer_input
        first = len(words(question)) + len(words(context[:offset]))
        count = len(words(sentence))
        old = np.arange(text.num_words)
        inserted = set(range(first, first + count))
        before = text.attack_attrs["modified_indices"]
        attributes = {
            "previous_attacked_text": text,
            "newly_modified_indices": inserted,
            "modified_indices": inserted | {i if i < first else i + count for i in before},
            "original_index_map": np.where(old < first, old, old + count),
            "distractor_language": self.sentences[sentence],
        }
        new = with_sentence(context, offset, sentence, self.language)
        return Passage(question, new, attributes)


def distractor_language(text: AttackedText) -> str | None:
    """The language of the sentence inserted into a text; None if there is none."""
    while text is not None:
        if "distractor_language" in text.attack_attrs:
            return text.attack_attrs["distractor_language"]
        text = text.attack_attrs.get("previous_attacked_text")
    return None


def insertion_point(context: str, place: str, answers: Sequence[str]) -> int:
    """The offset of a place: "start", "end", or the sentence boundary nearest to the middle.

    A boundary inside a copy of an answer does not count.
    """
    if place in ("start", "end"):
        return 0 if place == "start" else len(context)
    borders, done = [], 0
    for sentence in SentenceBreaker(context, "en"):
        done += len(sentence)
        borders.append(done)
    inside = {
        offset
        for answer in answers
        for start, end in copies_in(context, answer)
        for offset in range(start + 1, end)
    }
    free = [border for border in borders[:-1] if border not in inside]
    return min(free, key=lambda border: abs(border - len(context) / 2), default=len(context))


def with_sentence(context: str, offset: int, sentence: str, language: str) -> str:
    """A context with a sentence inserted, with spaces around it if the language uses them."""
    space = "" if find_language(language).script in _UNSPACED else " "
    before, after = context[:offset], context[offset:]
    gap = "" if not before or before[-1].isspace() else space
    return f"{before}{gap}{sentence}{space if after else ''}{after}"


def wrong_answers(
    language: str,
    pool: Iterable[tuple[str, str]],
    question: str,
    golds: Sequence[str],
    context: str,
    seed: str,
    n: int,
) -> list[str]:
    """Answers to other questions that have the gold answer's type but are wrong here, best first.

    A type is the question's first word, whether the answer has digits, whether it begins with a
    capital, and its number of words. Answers that share a word with a gold answer or occur in the
    context do not count, nor do, where words are not spaced, parts of a gold answer or what a gold
    answer is part of. If the pool has too few, the gold answer with other numbers is added.

    Args:
        language: of the answers.
        pool: (question, answer) pairs.
    """
    unspaced = find_language(language).unspaced

    def wrong(answer: str) -> bool:
        if not answer.strip() or answer in context or squad.f1(answer, golds) > 0:
            return False
        return not (unspaced and any(answer in gold or gold in answer for gold in golds))

    wanted = _type(question, golds[0])
    by_distance: dict[int, dict[str, None]] = {}
    for asked, answer in pool:
        by_distance.setdefault(_distance(_type(asked, answer), wanted), {})[answer] = None
    found: dict[str, None] = {}
    for distance in sorted(by_distance):
        # By hash, so that neither the pool's order nor its other answers matter.
        for answer in sorted(by_distance[distance], key=lambda one: _order(seed, one)):
            if wrong(answer):
                found[answer] = None
            if len(found) == n:
                return list(found)
    rng = random.Random(seed)
    for _ in range(n):
        other = answer_with_other_numbers(golds, rng)
        if other is not None and wrong(other):
            found[other] = None
    return list(found)[:n]


def _order(seed: str, answer: str) -> bytes:
    return hashlib.sha256(f"{seed} {answer}".encode()).digest()


@lru_cache(maxsize=100_000)
def _type(question: str, answer: str) -> tuple[str, bool, bool, int]:
    spans = words(question)
    first = question[slice(*spans[0])].casefold() if spans else ""
    return first, bool(_DIGIT.search(answer)), answer[:1].isupper(), len(words(answer))


def _distance(one: tuple[str, bool, bool, int], other: tuple[str, bool, bool, int]) -> int:
    """The distance between two types; digits weigh most."""
    apart = 2 * (one[0] != other[0]) + 4 * (one[1] != other[1]) + 2 * (one[2] != other[2])
    return apart + min(3, abs(one[3] - other[3]))
