"""SQuAD 1.1 JSON files, as TyDi QA GoldP, XQuAD and most extractive QA corpora are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from datasets import Dataset

from xltlib.artifacts import InputError, read_json
from xltlib.corpora.corpus import QA


def questions(path: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Title, paragraph and question of every question of a file."""
    raw = read_json(path)
    try:
        for article in raw["data"]:
            for paragraph in article["paragraphs"]:
                for qa in paragraph["qas"]:
                    yield article.get("title", ""), paragraph, qa
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not SQuAD 1.1 JSON (missing or misplaced {error}). Expected: data > "
            "paragraphs > context and qas > id, question, answers."
        ) from error


def read_squad(
    path: Path, language: str | None, *, on_bad_offset: Literal["repair", "error"] = "repair"
) -> Dataset:
    """Read a SQuAD 1.1 file.

    Published corpora hold answers that do not stand at their offset. "repair" moves such an answer
    to its nearest occurrence; one that occurs nowhere keeps its text, for scoring, and gets the
    offset -1; the column `wrong_offsets` counts both. "error" stops at it.

    Args:
        language: of every question; None takes it from TyDi's ids (`arabic-...`).

    Raises:
        InputError: names the file, and the question where one is to blame.
    """
    path, rows = Path(path), []
    for title, paragraph, qa in questions(path):
        try:
            context, identity, question = paragraph["context"], str(qa["id"]), qa["question"]
            answers = [(a["text"], int(a["answer_start"])) for a in qa["answers"]]
            for text in (context, question, *(text for text, _ in answers)):
                if not isinstance(text, str):
                    raise TypeError(f"a text ({text!r} is none)")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: question {qa.get('id', '?')!r} lacks {error} or has it in another form. "
                "Each needs id, question, answers[text, answer_start] and its paragraph's context."
            ) from error
        if not answers:
            raise InputError(f"{path}: question {identity} has no answer; SQuAD 1.1 needs one.")
        places, wrong = _placed(context, answers)
        if wrong and on_bad_offset == "error":
            text, start = answers[wrong[0]]
            where = "past the end of" if start >= len(context) else "not where it stands in"
            raise InputError(
                f"{path}: question {identity}: answer_start {start} is {where} the context of "
                f"{len(context)} characters (answer {text!r}). Correct the offset."
            )
        rows.append(
            {
                "id": identity,
                "language": language or tydi_language(path, identity),
                "title": title,
                "context": context,
                "question": question,
                "answers": {"text": [text for text, _ in answers], "answer_start": places},
                "wrong_offsets": len(wrong),
            }
        )
    if not rows:
        raise InputError(f"{path}: holds no question. Check that the file is complete.")
    return Dataset.from_list(rows, features=QA)


def _placed(context: str, answers: list[tuple[str, int]]) -> tuple[list[int], list[int]]:
    """The offset of each answer, and which answers did not stand where they were said to."""
    places = [
        start if start >= 0 and text and context.startswith(text, start) else -1
        for text, start in answers
    ]
    wrong = [i for i, place in enumerate(places) if place < 0]
    for i in wrong:
        places[i] = _nearest(context, *answers[i])
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


def _nearest(context: str, text: str, start: int) -> int:
    """Offset of the occurrence of `text` nearest to `start`, or -1."""
    places, found = [], context.find(text) if text else -1
    while found >= 0:
        places.append(found)
        found = context.find(text, found + 1)
    return min(places, key=lambda place: abs(place - start), default=-1)


def tydi_language(path: Path | str, identity: str) -> str:
    """The language code that a TyDi QA id begins with."""
    from xltlib.languages import LANGUAGES, TYDI

    codes = {LANGUAGES[code].name.lower(): code for code in TYDI}
    name = identity.split("-")[0]
    if name not in codes:
        raise InputError(
            f"{path}: question {identity}: a TyDi QA id begins with a language; "
            f"known: {', '.join(codes)}"
        )
    return codes[name]


def find(folder: Path, *patterns: str) -> list[Path]:
    """Files of a folder that match the first pattern that any file matches.

    Raises:
        InputError: the folder is missing or holds none; names it and what was looked for.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Correct `folder` in the params file.")
    for pattern in patterns:
        files = sorted(folder.glob(pattern))
        if files:
            return files
    raise InputError(f"{folder}: no file here matches {' or '.join(patterns)}.")
