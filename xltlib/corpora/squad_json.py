"""Questions with answer spans as stored in files: SQuAD JSON, or flat rows.

Most extractive QA corpora are published as SQuAD JSON. Rows have the Hugging Face hub's form, {id,
question, context, answers: {text, answer_start}}, and come as JSON lines, as a list, or as a list
under `data`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xltlib.text_files import (
    InputError,
    RepeatedKeyError,
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
    """A question as stored: answers are (text, offset) pairs with unchecked offsets.

    `where` names it in messages; `paragraph` is the object with its context.
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
        InputError: names the file, and the question if one is at fault.
    """
    path = Path(path)
    text = read_text(path)
    if path.suffix in (".jsonl", ".ndjson") or _is_lines(text):
        for where, row in read_json_lines(path):
            yield question_of(row, row, row, where)
        return
    where = shown_path(path)
    raw = parse_json(text, where, finite=False)  # so that a bad offset is reported by question
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
            yield question_of(article, article, article, place)
            continue
        for j, paragraph in enumerate(_objects(article, "paragraphs", place)):
            inside = f"{place}.paragraphs[{j}]"
            for qa in _objects(paragraph, "qas", inside):
                yield question_of(article, paragraph, qa, inside)


def _is_lines(text: str) -> bool:
    """Whether a text is JSON lines of rows: its first line is a complete row, and others follow."""
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip() or not first.rstrip().endswith("}"):
        return False
    try:
        row = parse_json(first, "")
    except RepeatedKeyError:
        return True  # which is said when the line is read
    except InputError:
        return False
    return isinstance(row, dict) and "context" in row


def _objects(parent: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    """A list of objects in a field."""
    found = parent.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise InputError(
            f"{where}: {name!r} must be a list of objects (found {shown(found)}). {FORMAT}"
        )
    return found


def question_of(
    article: dict[str, Any], paragraph: dict[str, Any], qa: dict[str, Any], where: str
) -> Question:
    """One question, with checked fields.

    Raises:
        InputError: a field is absent or of another type.
    """
    identity = qa.get("id")
    if isinstance(identity, bool) or not isinstance(identity, str | int):
        raise InputError(
            f"{where}: a question's 'id' must be a string or a whole number (found "
            f"{shown(identity)})."
        )
    where = f"{where}: question {shown(str(identity), 60)}"
    title = article.get("title")
    if title is not None and (isinstance(title, bool) or not isinstance(title, str | int | float)):
        raise InputError(f"{where}: 'title' must be a string (found {shown(title)}).")
    impossible = qa.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise InputError(
            f"{where}: 'is_impossible' must be true or false (found {shown(impossible)})."
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
        raise InputError(f"{where}: {name!r} must be a string (found {shown(value)}).")
    return value


def _answers(qa: dict[str, Any], where: str) -> list[tuple[str, int]]:
    """The answers of a question: SQuAD's list of objects, or the hub's object of two lists."""
    found = qa.get("answers")
    if isinstance(found, dict):
        texts, starts = found.get("text"), found.get("answer_start")
        if not (isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts)):
            raise InputError(
                f"{where}: 'answers' must hold two lists of equal length, text and answer_start "
                f"(found {shown(found)})."
            )
        found = [
            {"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)
        ]
    if "answers" not in qa:
        raise InputError(f"{where} lacks 'answers'. {FORMAT}")
    if not isinstance(found, list) or not all(isinstance(answer, dict) for answer in found):
        raise InputError(
            f"{where}: 'answers' must be a list of objects (found {shown(found)}). {FORMAT}"
        )
    answers = []
    for answer in found:
        text = _text(answer, "text", f"{where}: an answer")
        if "answer_start" not in answer:
            raise InputError(f"{where}: an answer lacks 'answer_start'. {FORMAT}")
        start = answer["answer_start"]
        if type(start) is not int:
            raise InputError(
                f"{where}: 'answer_start' must be a whole number (found {shown(start)})."
            )
        answers.append((text, start))
    return answers
