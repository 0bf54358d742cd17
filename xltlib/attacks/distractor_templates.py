"""False sentences, made from a question changed to ask about something else, and an answer.

AddSent (Jia and Liang 2017) changes names and numbers in a question and turns it, with a made-up
answer, into a statement. Its rules are for English. The three templates here work in every language
of `distractor_templates.yaml`: the answer in place of the question word, which makes a statement in
most of the study's languages; question and answer side by side; and a sentence that says what the
answer is.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import regex
import yaml

from xltlib.artifacts import InputError
from xltlib.languages import find_language, script_of, words
from xltlib.languages.codes import closest
from xltlib.languages.letter_case import upper

Template = Literal["statement", "side by side", "answer"]
TEMPLATES: tuple[Template, ...] = ("statement", "side by side", "answer")
_ENDINGS = " ?？؟;;.…"
_NUMBER = regex.compile(r"\p{Nd}+")


def false_sentence(language: str, question: str, answer: str, template: Template = "answer") -> str:
    """One sentence that gives a question an answer.

    A question without a listed question word cannot become a statement; it is put beside its
    answer.

    Raises:
        InputError: there are no templates in this language.
    """
    known = _known(language)
    question, answer = question.strip(), answer.strip()
    if template == "answer":
        return known["answer"].format(question=question, answer=answer)
    if template == "statement":
        stated = _stated(language, question.strip(_ENDINGS), answer)
        if stated is not None:
            return stated + known["stop"]
    return f"{question} {answer}{known['stop']}"


def _stated(language: str, question: str, answer: str) -> str | None:
    """A question with its question word replaced by the answer; None if it has no question word."""
    known = _known(language)
    for word in known.get("not_words", ()):
        question = regex.sub(_alone(language, word) + "$", "", question, flags=regex.I).strip()
        question = regex.sub("^" + _alone(language, word), "", question, flags=regex.I).strip(" ,،")
    for word in known["question_words"]:
        pattern = regex.compile(_alone(language, word), regex.I)
        if pattern.search(question):
            text = pattern.sub(lambda _: answer, question, count=1)
            return upper(text[:1], language) + text[1:]
    return None


def _alone(language: str, word: str) -> str:
    """A pattern for a word that is not part of another word."""
    if find_language(language).unspaced:  # other letters touch it
        return regex.escape(word)
    return rf"(?<![\p{{L}}\p{{M}}\p{{N}}]){regex.escape(word)}(?![\p{{L}}\p{{M}}\p{{N}}])"


@cache
def _all_known() -> dict[str, dict[str, Any]]:
    source = files("xltlib.attacks").joinpath("distractor_templates.yaml")
    return yaml.safe_load(source.read_text(encoding="utf-8"))


def _known(language: str) -> dict[str, Any]:
    known = _all_known()
    code = closest(language, known)
    if code is None:
        raise InputError(
            f"distractor, tasa: no templates for {language!r}; available: {' '.join(known)}. "
            "Use another recipe for this language."
        )
    return known[code]


class AlteredQuestions:
    """Changes questions so that they ask about something else, as AddSent does.

    Numbers become other numbers of the same length. In a question without a number, a name is
    replaced by one from another question. A name is the word that occurs in the fewest questions,
    with capitalised words preferred, so this needs no tagger and works in scripts without capitals.

    Args:
        language: the language of the questions.
        questions: all questions of the data in this language.
    """

    def __init__(self, language: str, questions: Iterable[str]) -> None:
        questions = sorted(set(questions))
        known = _known(language)
        asking = [*known["question_words"], *known.get("not_words", ())]
        self.asking = {word.casefold() for phrase in asking for word in _words(phrase)}
        self.frequency = Counter(
            word for question in questions for word in {q.casefold() for q in _words(question)}
        )
        names = {name for q in questions if (name := self._name(q)) is not None}
        self.names: dict[tuple[str | None, bool], list[str]] = {}
        for name in sorted(names):
            self.names.setdefault(_kind(name), []).append(name)

    def altered(self, question: str, context: str, rng: random.Random) -> str:
        """A question about something else; unchanged if nothing in it can be changed.

        Args:
            context: the passage; a name in it is not put into the question.
        """
        if _NUMBER.search(question):
            return _NUMBER.sub(lambda match: other_number(match[0], rng), question)
        name = self._name(question)
        if name is None:
            return question
        others = self.names.get(_kind(name), [])
        for other in rng.sample(others, min(20, len(others))):
            if other not in context and other.casefold() not in question.casefold():
                spans = [(a, b) for a, b in words(question) if question[a:b] == name]
                start, end = spans[0]
                return question[:start] + other + question[end:]
        return question

    def _name(self, question: str) -> str | None:
        """The word that best identifies what a question asks about."""
        found = [word for word in _words(question) if script_of(word) and len(word) > 1]
        inside = [word for word in found[1:] if word[:1].isupper()]
        free = [word for word in inside or found if word.casefold() not in self.asking]
        # Among equally rare words, the longest is the likeliest to be a name.
        return min(
            free, key=lambda word: (self.frequency[word.casefold()], -len(word)), default=None
        )


def other_number(digits: str, rng: random.Random) -> str:
    """A different number with as many digits, in the same numerals."""
    place = rng.randrange(len(digits)) if len(digits) < 3 else len(digits) - 1 - rng.randrange(2)
    old = int(digits[place])
    zero = ord(digits[place]) - old
    lowest = 1 if place == 0 else 0
    new = rng.choice([digit for digit in range(lowest, 10) if digit != old])
    return digits[:place] + chr(zero + new) + digits[place + 1 :]


def _words(text: str) -> list[str]:
    return [text[a:b] for a, b in words(text)]


def _kind(word: str) -> tuple[str | None, bool]:
    return script_of(word), word[:1].isupper()


def answer_with_other_numbers(golds: Sequence[str], rng: random.Random) -> str | None:
    """The first gold answer with other numbers; None if it has no number."""
    if not _NUMBER.search(golds[0]):
        return None
    return _NUMBER.sub(lambda match: other_number(match[0], rng), golds[0])
