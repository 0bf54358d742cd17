"""Questions with answer spans, read from files or the hub, with checked offsets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from datasets import Dataset

from xltlib.corpora.answer_spans import nearest_place
from xltlib.corpora.corpus import QA
from xltlib.corpora.local import require_unique
from xltlib.corpora.squad_json import Question, question_of, questions
from xltlib.languages import LANGUAGES, TYDI, find_language
from xltlib.languages.codes import parse_code
from xltlib.text_files import InputError, number_of, shown, shown_path

ANSWERED = ("id", "context", "question", "answers")
"""Columns of a hub data set of questions."""


def read_squad(
    path: Path,
    language: str | None,
    *,
    on_bad_offset: Literal["repair", "error"] = "repair",
    unanswerable: Literal["refuse", "keep"] = "refuse",
) -> Dataset:
    """Read a file of questions in one of the formats of `squad_json`.

    In published corpora some answers are not at their offset. "repair" moves such an answer to its
    nearest occurrence; an answer that does not occur keeps its text, for scoring, and gets the
    offset -1. The column `wrong_offsets` counts both. "error" raises instead.

    Args:
        language: the language of all questions; None takes it from TyDi's ids (`arabic-...`).
        unanswerable: what to do with questions without an answer in their passage, as in SQuAD 2
            (no answers, or `is_impossible`). "keep" returns them with empty `answers`;
            `is_answerable` distinguishes them.

    Raises:
        InputError: names the file, and the question if one is at fault.
    """
    path = Path(path)
    return _dataset(
        questions(path),
        lambda one: language or tydi_language(path, one.id),
        shown_path(path),
        on_bad_offset=on_bad_offset,
        unanswerable=unanswerable,
    )


def from_hub(
    rows: Iterable[dict[str, Any]], language: Callable[[str], str], where: Path | str
) -> Dataset:
    """A hub data set's questions, checked and repaired as in `read_squad`.

    Args:
        language: gives a question's language from its id.
        where: names the data set in messages.

    Raises:
        InputError: names the row.
    """

    def found() -> Iterator[Question]:
        for i, row in enumerate(rows):
            # Without titles, the passage is the finest unit to cut by.
            title = {"title": row.get("title", row.get("context"))}
            yield question_of(title, row, row, f"{where}: row {i}")

    return _dataset(found(), lambda one: language(one.id), str(where))


def _dataset(
    found: Iterable[Question],
    language: Callable[[Question], str],
    where: str,
    *,
    on_bad_offset: Literal["repair", "error"] = "repair",
    unanswerable: Literal["refuse", "keep"] = "refuse",
) -> Dataset:
    """Questions with this project's columns."""
    rows, without = [], []
    for one in found:
        if not one.answers:
            without.append(one.id)
        places, wrong = _placed(one.context, one.answers)
        if wrong and on_bad_offset == "error":
            text, start = one.answers[wrong[0]]
            place = "past the end of" if start >= len(one.context) else "not the answer's place in"
            raise InputError(
                f"{one.where}: answer_start {shown(start)} is {place} the context of "
                f"{len(one.context)} characters (answer {shown(text)}). Correct the offset."
            )
        rows.append(
            {
                "id": one.id,
                "language": language(one),
                "title": one.title,
                "context": one.context,
                "question": one.question,
                "answers": {"text": [text for text, _ in one.answers], "answer_start": places},
                "wrong_offsets": len(wrong),
            }
        )
    if not rows:
        raise InputError(f"{where}: contains no questions. Check that the file is complete.")
    if without and unanswerable == "refuse":
        raise InputError(
            f"{where}: {len(without)} of {number_of(len(rows), 'question')} "
            f"{'has' if len(without) == 1 else 'have'} no answer, e.g. "
            f"{shown(without[0], 60)}. SQuAD 1.1 needs one for each: remove these questions."
        )
    require_unique([str(row["id"]) for row in rows], where)
    return Dataset.from_list(rows, features=QA)


def is_answerable(row: dict[str, Any]) -> bool:
    """Whether a question has an answer, unlike some of SQuAD 2's; a blank text is not an answer."""
    return any(text.strip() for text in row["answers"]["text"])


def _placed(context: str, answers: list[tuple[str, int]]) -> tuple[list[int], list[int]]:
    """The offset of each answer, and the indices of answers that were not at their stated
    offset."""
    places = [
        start if start >= 0 and text and context.startswith(text, start) else -1
        for text, start in answers
    ]
    wrong = [i for i, place in enumerate(places) if place < 0]
    for i in wrong:
        places[i] = nearest_place(context, *answers[i])
    return places, wrong


_TYDI = {LANGUAGES[code].name.lower(): code for code in TYDI}
# The number of an article may be negative: `arabic--3358420169913421088-0`.
_TYDI_ID = re.compile(rf"({'|'.join(_TYDI)})--?\d+-\d+")


def tydi_language(path: Path | str, identity: str) -> str:
    """The code of the language whose name begins a TyDi QA id."""
    name = identity.split("-")[0]
    if name not in _TYDI:
        raise InputError(
            f"{shown_path(path)}: question {shown(identity, 60)}: a TyDi QA id must begin with a "
            f"language; known: {', '.join(_TYDI)}"
        )
    return _TYDI[name]


def language_of_id(identity: str) -> str | None:
    """The code of the language that an id of TyDi QA's form states, such as `arabic-123-4`; None
    for other ids."""
    found = _TYDI_ID.fullmatch(identity)
    return None if found is None else _TYDI[found[1]]


def stated_language(one: Question) -> str | None:
    """The code of the language that a file states for a question, with its passage or in TyDi QA's
    id; None if it states none."""
    stated = one.paragraph.get("language")
    if isinstance(stated, str):
        with suppress(InputError):
            return find_language(stated).code
    return language_of_id(one.id)


def require_stated_language(data: Path | str, language: str) -> None:
    """Refuse a file with a question that states another language than the given one.

    Raises:
        InputError: names the first such question.
    """
    for one in questions(Path(data)):
        stated = stated_language(one)
        if stated is not None and parse_code(stated).base != parse_code(language).base:
            raise InputError(
                f"{shown_path(data)}: question {shown(one.id, 60)} is in {stated}, not in "
                f"{language}. Give {stated} as its language, or a file of one language."
            )


def first_articles(rows: Dataset, articles: int | None, *, rest: bool, key: str) -> Dataset:
    """The questions on a corpus's first articles, or on the others, so that no passage is in both.

    Args:
        articles: how many come first; `key` names the setting in messages.

    Raises:
        InputError: one of the parts would be empty.
    """
    titles = list(dict.fromkeys(rows["title"]))
    if not 0 < (articles or 0) < len(titles):
        raise InputError(
            f"{key}: {articles}, but there are {len(titles)} articles in {rows['language'][0]}. "
            f"Give 1 to {len(titles) - 1}."
        )
    first = set(titles[:articles])
    return rows.select([i for i, title in enumerate(rows["title"]) if (title in first) != rest])
