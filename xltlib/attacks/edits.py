"""A static set as edits of its corpus, for publication without the text of the corpus.

The file is JSON. `edits` holds, by language and question id, the characters [start, end) of the
clean passage that are replaced, with their replacements, and digests of the passage before and
after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from xltlib.artifacts import fingerprint, write_json
from xltlib.attacks.query import moved
from xltlib.text_files import InputError, read_json, shown, shown_path

Edit = tuple[int, int, str]
"""Characters [start, end) of a passage, and their replacement."""


class _Edited(BaseModel):
    """The edits of one passage."""

    model_config = ConfigDict(extra="forbid")
    clean: str
    edited: str
    edits: list[Edit]


class _File(BaseModel):
    """The contents of the file."""

    model_config = ConfigDict(extra="forbid")
    about: dict[str, Any] = {}
    edits: dict[str, dict[str, _Edited]]


class _Question(BaseModel):
    id: str
    clean_context: str


class _Paragraph(BaseModel):
    context: str
    qas: list[_Question]


class _Article(BaseModel):
    """The questions of one language, which is its title."""

    title: str
    paragraphs: list[_Paragraph]


class _StaticSet(BaseModel):
    """A static set that an attack saved; other keys are those of SQuAD."""

    about: dict[str, Any] = {}
    data: list[_Article]


def _first(error: ValidationError) -> str:
    """The first problem that pydantic found, and where."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def between(clean: str, edited: str) -> list[Edit]:
    """The word-by-word edits that turn one text into another."""
    before, after = (re.findall(r"\w+|\W", text) for text in (clean, edited))
    places = [0]
    for part in before:
        places.append(places[-1] + len(part))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [
        (places[i], places[j], "".join(after[k:n]))
        for kind, i, j, k, n in matcher.get_opcodes()
        if kind != "equal"
    ]


def edited(clean: str, edits: Sequence[Edit]) -> str:
    """The text after all edits."""
    parts, last = [], 0
    for start, end, text in edits:
        parts += [clean[last:start], text]
        last = end
    return "".join([*parts, clean[last:]])


def save(static_set: Path, file: Path) -> int:
    """Write the edits of a static set that an attack saved, and return its number of questions.

    Raises:
        InputError: the static set lacks its original passages, has a question twice or none, or is
            the file to write.
    """
    where = shown_path(static_set)
    if file.resolve() == static_set.resolve():
        raise InputError(f"{where}: this file is the input; give another to write")
    try:
        value = _StaticSet.model_validate(read_json(static_set))
    except ValidationError as error:
        raise InputError(
            f"{where}: not the static set of an attack ({_first(error)}). Give the "
            "static_set.json that stage 05 writes."
        ) from error
    found: dict[str, dict[str, Any]] = {}
    for article in value.data:
        for paragraph in article.paragraphs:
            for qa in paragraph.qas:
                language = found.setdefault(article.title, {})
                if qa.id in language:
                    raise InputError(
                        f"{where}: question {shown(qa.id, 60)} ({shown(article.title)}) is there "
                        "twice, and edits are kept by language and id. Give the static set of one "
                        "corpus."
                    )
                language[qa.id] = {
                    "clean": fingerprint(qa.clean_context),
                    "edited": fingerprint(paragraph.context),
                    "edits": between(qa.clean_context, paragraph.context),
                }
    if not found:
        raise InputError(f"{where}: contains no questions. Check that the file is complete.")
    write_json(file, {"about": value.about, "edits": found})
    return sum(map(len, found.values()))


def is_edits(file: Path) -> bool:
    """Whether a file has edits instead of passages."""
    value = read_json(file)
    return isinstance(value, dict) and "edits" in value


def made(file: Path, language: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of one language that are edited in a file, with their edited passages.

    Raises:
        InputError: not a file of edits, or the edits belong to other passages.
    """
    try:
        passages = _File.model_validate(read_json(file)).edits.get(language, {})
    except ValidationError as error:
        raise InputError(
            f"{shown_path(file)}: {_first(error)}. Write it again with `xlt edits`."
        ) from error
    return [_made(file, row, passages[row["id"]]) for row in rows if row["id"] in passages]


def _made(file: Path, row: dict[str, Any], passage: _Edited) -> dict[str, Any]:
    clean, golds = row["context"], row["answers"]
    if fingerprint(clean) != passage.clean:
        raise InputError(
            f"{shown_path(file)}: the passage of question {row['id']} is not the one that was "
            "edited. Use the version of the corpus that the file was made from."
        )
    context = edited(clean, passage.edits)
    if fingerprint(context) != passage.edited:
        raise InputError(
            f"{shown_path(file)}: the edits of question {row['id']} do not give the passage that "
            "they were made from. Write the file again with `xlt edits`."
        )
    places = [
        moved(clean, context, text, start)
        for text, start in zip(golds["text"], golds["answer_start"], strict=True)
    ]
    starts = [-1 if place is None else place for place in places]
    return row | {"context": context, "answers": {**golds, "answer_start": starts}}
