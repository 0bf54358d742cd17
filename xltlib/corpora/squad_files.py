"""Questions with answer spans: SQuAD JSON, as most extractive QA corpora are published, and rows.

Rows are flat, as the Hugging Face hub has them, {id, question, context, answers: {text,
answer_start}}: as JSON lines, as a list, or as a list under `data`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from datasets import Dataset

from xltlib.corpora.answers import nearest_place
from xltlib.corpora.corpus import QA
from xltlib.corpora.local import require_unique
from xltlib.languages import LANGUAGES, TYDI
from xltlib.text_files import (
    InputError,
    parse_json,
    read_json_lines,
    read_text,
    shown,
    shown_path,
)

FORMAT = (
    "Expected: SQuAD JSON (data > paragraphs > context and qas > id, question, answers[text, "
    "answer_start]) or rows of id, question, context, answers."
)


@dataclass(frozen=True)
class Question:
    """A question as its file has it: answers are (text, offset) pairs, offsets unchecked.

    `where` names it in messages; `paragraph` is the object that holds its context.
    """

    where: str
    id: str
    title: str
    context: str
    question: str
    answers: list[tuple[str, int]]
    paragraph: dict[str, Any]


def questions(path: Path) -> Iterator[Question]:
    """The questions of a file, in its order.

    Raises:
        InputError: names the file, and the question if one is to blame.
    """
    path = Path(path)
    text = read_text(path)
    if path.suffix in (".jsonl", ".ndjson") or _is_lines(text):
        for where, row in read_json_lines(path):
            yield _question(row, row, row, where)
        return
    where = shown_path(path)
    raw = parse_json(text, where, finite=False)  # an odd offset is named with its question
    if isinstance(raw, dict) and "data" not in raw and "context" in raw:
        raw = [raw]  # a single row
    articles = raw.get("data") if isinstance(raw, dict) else raw
    if not isinstance(articles, list):
        raise InputError(f"{where}: no list of articles or rows under `data`. {FORMAT}")
    for i, article in enumerate(articles):
        place = f"{where}: data[{i}]"
        if not isinstance(article, dict):
            raise InputError(f"{place} is not an object (found {shown(article)}). {FORMAT}")
        if "paragraphs" not in article and "context" in article:
            yield _question(article, article, article, place)
            continue
        for j, paragraph in enumerate(_objects(article, "paragraphs", place)):
            inside = f"{place}.paragraphs[{j}]"
            for qa in _objects(paragraph, "qas", inside):
                yield _question(article, paragraph, qa, inside)


def _is_lines(text: str) -> bool:
    """Whether a text is JSON lines of rows: its first line is a whole row, and others follow."""
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip() or not first.rstrip().endswith("}"):
        return False
    try:
        row = parse_json(first, "")
    except InputError:
        return False
    return isinstance(row, dict) and "context" in row


def _objects(parent: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    """A list of objects in a field."""
    found = parent.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise InputError(
            f"{where}: {name!r} has to be a list of objects (found {shown(found)}). {FORMAT}"
        )
    return found


def _question(
    article: dict[str, Any], paragraph: dict[str, Any], qa: dict[str, Any], where: str
) -> Question:
    """One question, its fields checked."""
    identity = qa.get("id")
    if isinstance(identity, bool) or not isinstance(identity, str | int):
        raise InputError(
            f"{where}: a question's 'id' has to be a text or a whole number (found "
            f"{shown(identity)})."
        )
    where = f"{where}: question {shown(str(identity), 60)}"
    title = article.get("title")
    if title is not None and (isinstance(title, bool) or not isinstance(title, str | int | float)):
        raise InputError(f"{where}: 'title' has to be a text (found {shown(title)}).")
    impossible = qa.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise InputError(
            f"{where}: 'is_impossible' has to be true or false (found {shown(impossible)})."
        )
    return Question(
        where=where,
        id=str(identity),
        title="" if title is None else str(title),
        context=_text(paragraph, "context", where),
        question=_text(qa, "question", where),
        answers=[] if impossible else _answers(qa, where),
        paragraph=paragraph,
    )


def _text(parent: dict[str, Any], name: str, where: str) -> str:
    value = parent.get(name)
    if name not in parent:
        raise InputError(f"{where} lacks {name!r}. {FORMAT}")
    if not isinstance(value, str):
        raise InputError(f"{where}: {name!r} has to be a text (found {shown(value)}).")
    return value


def _answers(qa: dict[str, Any], where: str) -> list[tuple[str, int]]:
    """The answers of a question: SQuAD's list of objects, or the hub's object of two lists."""
    found = qa.get("answers")
    if isinstance(found, dict):
        texts, starts = found.get("text"), found.get("answer_start")
        if not (isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts)):
            raise InputError(
                f"{where}: 'answers' has to hold two lists of one length, text and answer_start "
                f"(found {shown(found)})."
            )
        found = [
            {"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)
        ]
    if "answers" not in qa:
        raise InputError(f"{where} lacks 'answers'. {FORMAT}")
    if not isinstance(found, list) or not all(isinstance(answer, dict) for answer in found):
        raise InputError(
            f"{where}: 'answers' has to be a list of objects (found {shown(found)}). {FORMAT}"
        )
    answers = []
    for answer in found:
        text = _text(answer, "text", f"{where}: an answer")
        if "answer_start" not in answer:
            raise InputError(f"{where}: an answer lacks 'answer_start'. {FORMAT}")
        start = answer["answer_start"]
        if type(start) is not int:
            raise InputError(
                f"{where}: 'answer_start' has to be a whole number (found {shown(start)})."
            )
        answers.append((text, start))
    return answers


def read_squad(
    path: Path,
    language: str | None,
    *,
    on_bad_offset: Literal["repair", "error"] = "repair",
    unanswerable: Literal["refuse", "keep"] = "refuse",
) -> Dataset:
    """Read a file of questions in one of the formats of this module.

    Published corpora hold answers that do not stand at their offset. "repair" moves such an answer
    to its nearest occurrence; one that occurs nowhere keeps its text, for scoring, and gets the
    offset -1; the column `wrong_offsets` counts both. "error" stops at it.

    Args:
        language: of every question; None takes it from TyDi's ids (`arabic-...`).
        unanswerable: what to do with questions that have no answer in their passage, as SQuAD 2
            has them (no answers, or `is_impossible`). "keep" returns them with empty `answers`;
            `is_answerable` tells them from the others.

    Raises:
        InputError: names the file, and the question if one is to blame.
    """
    path, rows, without = Path(path), [], []
    for one in questions(path):
        if not one.answers:
            without.append(one.id)
        places, wrong = _placed(one.context, one.answers)
        if wrong and on_bad_offset == "error":
            text, start = one.answers[wrong[0]]
            where = "past the end of" if start >= len(one.context) else "not where it stands in"
            raise InputError(
                f"{one.where}: answer_start {shown(start)} is {where} the context of "
                f"{len(one.context)} characters (answer {shown(text)}). Correct the offset."
            )
        rows.append(
            {
                "id": one.id,
                "language": language or tydi_language(path, one.id),
                "title": one.title,
                "context": one.context,
                "question": one.question,
                "answers": {"text": [text for text, _ in one.answers], "answer_start": places},
                "wrong_offsets": len(wrong),
            }
        )
    if not rows:
        raise InputError(f"{shown_path(path)}: holds no question. Check that the file is complete.")
    if without and unanswerable == "refuse":
        raise InputError(
            f"{shown_path(path)}: {len(without)} of {len(rows)} questions have no answer, "
            f"{shown(without[0], 60)} first. SQuAD 1.1 needs one each: remove these questions."
        )
    require_unique([str(row["id"]) for row in rows], shown_path(path))
    return Dataset.from_list(rows, features=QA)


def is_answerable(row: dict[str, Any]) -> bool:
    """Whether a question has an answer, unlike some of SQuAD 2's; blank texts are none."""
    return any(text.strip() for text in row["answers"]["text"])


def _placed(context: str, answers: list[tuple[str, int]]) -> tuple[list[int], list[int]]:
    """The offset of each answer, and which answers did not stand where they were said to."""
    places = [
        start if start >= 0 and text and context.startswith(text, start) else -1
        for text, start in answers
    ]
    wrong = [i for i, place in enumerate(places) if place < 0]
    for i in wrong:
        places[i] = nearest_place(context, *answers[i])
    return places, wrong


def from_hub(rows: Dataset, language: Callable[[str], str]) -> Dataset:
    """A hub data set's questions with our columns, wrong offsets repaired as in files.

    Args:
        language: the language of a question by its id.
    """

    def columns(row: dict[str, Any]) -> dict[str, Any]:
        texts = row["answers"]["text"]
        answers = list(zip(texts, row["answers"]["answer_start"], strict=True))
        places, wrong = _placed(row["context"], answers)
        return {
            "language": language(row["id"]),
            # XQuAD's hub copy has no titles: a passage is then the finest unit to cut by.
            "title": row.get("title", row["context"]),
            "answers": {"text": texts, "answer_start": places},
            "wrong_offsets": len(wrong),
        }

    return rows.map(columns).select_columns(list(QA)).cast(QA)


def tydi_language(path: Path | str, identity: str) -> str:
    """The language code that a TyDi QA id begins with."""
    codes = {LANGUAGES[code].name.lower(): code for code in TYDI}
    name = identity.split("-")[0]
    if name not in codes:
        raise InputError(
            f"{shown_path(path)}: question {shown(identity, 60)}: a TyDi QA id begins with a "
            f"language; known: {', '.join(codes)}"
        )
    return codes[name]


def first_articles(rows: Dataset, articles: int | None, *, rest: bool, key: str) -> Dataset:
    """The questions on a corpus's first articles, or on the others: no passage is in both.

    Args:
        articles: how many come first; `key` names the setting in messages.

    Raises:
        InputError: one of the parts would be empty.
    """
    titles = list(dict.fromkeys(rows["title"]))
    if not 0 < (articles or 0) < len(titles):
        raise InputError(
            f"{key}: {articles}, but there are {len(titles)} articles in "
            f"{rows['language'][0]}: give 1 to {len(titles) - 1}."
        )
    first = set(titles[:articles])
    return rows.select([i for i, title in enumerate(rows["title"]) if (title in first) != rest])
