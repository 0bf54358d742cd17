"""Wrong answers to a question, and false sentences that state them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from xltlib.attacks.copies import copies_in
from xltlib.attacks.distractor import wrong_answers
from xltlib.attacks.distractor_templates import AlteredQuestions, false_sentence
from xltlib.attacks.tasa import false_copies
from xltlib.evaluation.answer_scoring import official
from xltlib.params import DistractorSettings, RecipeSettings, TasaSettings

Row = dict[str, Any]


class Falsehoods:
    """Wrong answers and false sentences, made from the questions of each language.

    Args:
        rows: all rows by language, not only those to attack.
    """

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self.rows = rows
        # Each is made once per language, from all of its questions.
        self._pool = cache(self._answers)
        self._altered = cache(self._altered_questions)

    def wrong_answers(self, row: Row, language: str, n: int) -> list[str]:
        """Answers to other questions of a language that fit the row's type and are wrong."""
        pool = self._pool(language)
        golds = row["answers"]["text"]
        own = _twin(self.rows.get(language, ()), row)
        wrong = [*golds, *(own["answers"]["text"] if own else [])]
        question = own["question"] if own else row["question"]
        seed = f"{row['language']} {row['id']}"
        return wrong_answers(language, pool, question, wrong, row["context"], seed, n)

    def _answers(self, language: str) -> list[tuple[str, str]]:
        rows = self.rows.get(language, ())
        return [(row["question"], row["answers"]["text"][0]) for row in rows]

    def _altered_questions(self, language: str) -> AlteredQuestions:
        questions = [row["question"] for row in self.rows.get(language, ())]
        return AlteredQuestions(language, questions)

    def sentences(self, settings: DistractorSettings, row: Row) -> dict[str, str]:
        """Sentences that answer the row's question wrongly, each with its language's code.

        None of them holds a gold answer. A sentence in another language than the row's takes
        question and answer from the row of the same id in that language. Where the data are not
        parallel, the question stays as it is.
        """
        golds = row["answers"]["text"]
        found: dict[str, str] = {}
        for code in settings.languages:
            relative = {
                "passage": row["language"],
                "question": row.get("question_language", row["language"]),
            }
            language = relative.get(code, code)
            twin = _twin(self.rows.get(language, ()), row)
            question = twin["question"] if twin else row["question"]
            source = language if self.rows.get(language) else row["language"]
            if settings.altered:
                rng = random.Random(f"{settings.seed} {source} {row['id']}")
                question = self._altered(source).altered(question, row["context"], rng)
            if settings.goal == "targeted":
                answers = [row["target"]]
            else:
                answers = self.wrong_answers(row, source, settings.answers)
            for answer in answers:
                for template in settings.templates:
                    sentence = false_sentence(language, question, answer, template)
                    if not any(copies_in(sentence, gold) for gold in golds):
                        found.setdefault(sentence, language)
        return found

    def copies(self, settings: TasaSettings, row: Row) -> dict[str, str]:
        """Copies of the answer's sentence with wrong answers, each with its language's code."""
        golds, start = row["answers"]["text"], row["answers"]["answer_start"][0]
        if settings.goal == "targeted":
            answers = [row["target"]]
        else:
            answers = self.wrong_answers(row, row["language"], settings.answers)
        copies = false_copies(
            row["context"],
            (start, start + len(golds[0])),
            golds,
            answers,
            self._altered(row["language"]),
            random.Random(f"{settings.seed} {row['language']} {row['id']}"),
        )
        language: str = row["language"]
        return dict.fromkeys(copies, language)

    def target(self, settings: RecipeSettings, row: Row) -> str | None:
        """The answer that a targeted attack wants; None if there is none.

        For an attack by a false sentence it is a wrong answer, for others the first answer to
        another question on the same passage.
        """
        if row.get("target"):
            return row["target"]
        if isinstance(settings, DistractorSettings | TasaSettings):
            return next(iter(self.wrong_answers(row, row["language"], 1)), None)
        golds = row["answers"]["text"]
        others = [
            other["answers"]["text"][0]
            for other in self.rows[row["language"]]
            if other["context"] == row["context"] and other["answers"]["answer_start"][0] >= 0
        ]
        return next((text for text in others if _is_other(text, golds, row)), None)


def _is_other(text: str, golds: Sequence[str], row: Row) -> bool:
    """Whether an answer shares nothing with the gold ones: no word, and neither is in the other
    (where words are not spaced, "在1951年" shares no word with "1951年")."""
    score = official(row["language"], row.get("corpus"))
    return score(text, golds) == 0 and not any(text in gold or gold in text for gold in golds)


def _twin(rows: Iterable[Row], row: Row) -> Row | None:
    """The row with the same id, if it is in another language."""
    return next(
        (one for one in rows if one["id"] == row["id"] and one["language"] != row["language"]), None
    )
