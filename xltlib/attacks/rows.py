"""Questions in any form, as rows that can be attacked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from xltlib.artifacts import InputError
from xltlib.attacks.goal import occurrences
from xltlib.attacks.resources import Row
from xltlib.corpora import CORPORA
from xltlib.corpora.local import require_unique
from xltlib.corpora.squad_files import language_of_id
from xltlib.corpora.squad_json import questions
from xltlib.languages import LANGUAGES, TYDI, find_language
from xltlib.text_files import refuse_half_pairs, shown, shown_path

_NEEDED = ("question", "context", "answers")
# A row may state its language by the name that TyDi QA gives it.
_TYDI = {LANGUAGES[code].name.lower(): code for code in TYDI}


@dataclass
class Questions:
    """Rows that can be attacked, and counts of those that cannot, by reason."""

    rows: list[Row] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_rows(source: Any, language: str | None = None, corpus: str | None = None) -> Questions:
    """Rows from a file, a Hugging Face data set, a pandas frame, or a list.

    A file is SQuAD JSON, or rows as JSON or JSON lines. Each row needs `question`, `context` and
    `answers`, as SQuAD has them: {"text": [...], "answer_start": [...]}, or a list of {"text",
    "answer_start"}. An answer that is not at its offset is moved to its nearest occurrence.
    Answers that are not in the passage come last, with the offset -1: they score predictions, as by
    the official rule, but nothing protects or seeks them. Unanswerable questions, as in SQuAD 2.0
    (no answers, or `is_impossible`), and those with no answer in the passage are left out and
    counted.

    Args:
        language: for rows with neither a `language` nor an id of TyDi QA (`arabic-123-4`).
        corpus: for rows without a `corpus`: whose official F1 scores answers; `mlqa` has its own
            rule.

    Raises:
        InputError: rows have another form, two rows of a language have one id, a language is
            missing or unknown to CLDR, or there is no such corpus (`corpus`, or a row's).
    """
    _require_corpus(corpus)
    found = Questions()
    for number, given in enumerate(_records(source)):
        where = f"row {number}"
        if isinstance(source, str | Path):  # its records are questions of the project's own form
            where = f"{shown_path(source)}: question {shown(given['id'], 60)}"
        if not isinstance(given, Mapping):
            raise InputError(
                f"{where}: {type(given).__name__} is not a row; give mappings from column to value"
            )
        unanswerable = _is_impossible(given, where)
        missing = [name for name in _NEEDED if given.get(name) is None]
        if missing and not (missing == ["answers"] and unanswerable):
            raise InputError(
                f"{where}: no {', '.join(missing)}; a row needs {', '.join(_NEEDED)}, and this one "
                f"has {', '.join(map(str, given)) or 'nothing'}. Rename the columns."
            )
        question, context = given["question"], given["context"]
        for name, text in (("question", question), ("context", context)):
            if not isinstance(text, str):
                raise InputError(f"{where}: {name} is {type(text).__name__}; it must be a string")
        stated, named = _stated(given, "id"), _stated(given, "corpus")
        if isinstance(stated, float) and stated.is_integer():  # a frame with a gap has no integers
            stated = int(stated)
        identity = str(number if stated is None else stated)
        _require_corpus(None if named == "" else named, f"{where}: ")
        refuse_half_pairs([identity, question, context], where)
        row = {
            "id": identity,
            "language": _language(given, identity, language, where),
            "question": question,
            "context": context,
        }
        if named or corpus:
            row["corpus"] = named or corpus
        stated_answers = [] if unanswerable else _answers(given["answers"], where)
        answers = [_placed(context, *one) for one in stated_answers]
        if not answers:
            found.left_out["unanswerable"] += 1
        elif all(start < 0 for _, start in answers):
            found.left_out["answer not in its passage"] += 1
        else:
            answers.sort(key=lambda answer: answer[1] < 0)
            texts, starts = zip(*answers, strict=True)
            row["answers"] = {"text": list(texts), "answer_start": list(starts)}
            found.rows.append(row)
    _require_unique(found.rows, source)
    return found


def _require_corpus(corpus: Any, where: str = "") -> None:
    """Refuse a corpus that is none: a typing error would choose another rule."""
    known = [name for name, one in CORPORA.items() if one.kind == "qa"]
    if corpus is not None and not (isinstance(corpus, str) and corpus.lower() in known):
        raise InputError(
            f"{where}corpus {shown(corpus)}: no such corpus of questions; known: "
            f"{', '.join(known)}. Leave it out for others, which are scored by SQuAD's rule."
        )


def _require_unique(rows: list[Row], source: Any) -> None:
    """Refuse two rows with the same id, corpus and language; translations share their ids."""
    ids: dict[tuple[str, Any], list[str]] = {}
    for row in rows:
        ids.setdefault((row["language"], row.get("corpus")), []).append(row["id"])
    for (language, _), of_language in ids.items():
        where = shown_path(source) if isinstance(source, str | Path) else "rows"
        require_unique(of_language, f"{where} ({language})")


def _records(source: Any) -> Iterator[Any]:
    if isinstance(source, str | Path):
        for one in questions(Path(source)):
            about = {k: v for k, v in one.paragraph.items() if k in ("language", "corpus")}
            answers = [{"text": text, "answer_start": start} for text, start in one.answers]
            yield {
                "id": one.id,
                "question": one.question,
                "context": one.context,
                "answers": answers,
            } | about
    elif isinstance(source, pd.DataFrame):
        yield from source.to_dict("records")
    elif isinstance(source, Mapping) and "data" in source:
        raise InputError("rows: the content of a SQuAD file; give the file's path instead")
    elif isinstance(source, Mapping) and set(_NEEDED) <= set(source):
        if isinstance(source["context"], str):
            raise InputError("rows: a single row; give a list of rows, e.g. [row]")
        raise InputError(
            "rows: columns, as a slice of a data set is; give rows, e.g. data.select(range(10)) or "
            "Dataset.from_dict(columns)"
        )
    elif isinstance(source, Mapping):
        raise InputError(
            f"rows: a mapping with the keys {', '.join(map(str, source))}; choose one of its "
            "splits, e.g. rows['validation']"
        )
    elif isinstance(source, Iterable):
        yield from source
    else:
        raise InputError(
            f"rows: {type(source).__name__} cannot be used; give a SQuAD file, a data set, "
            "a pandas frame or a list of rows"
        )


def _stated(row: Mapping[str, Any], name: str) -> Any:
    """A value of a row; None if there is none, which a frame may write as NaN."""
    value = row.get(name)
    return None if isinstance(value, float) and isnan(value) else value


def _is_impossible(row: Mapping[str, Any], where: str) -> bool:
    stated = _stated(row, "is_impossible")
    if stated is None or stated in (0, 1):  # a frame with a gap writes 1.0 for true
        return bool(stated)
    raise InputError(f"{where}: is_impossible is {shown(stated)}; it must be true or false")


def _language(row: Mapping[str, Any], identity: str, default: str | None, where: str) -> str:
    stated = _stated(row, "language")
    if not isinstance(stated, str | None):
        raise InputError(f"{where}: language is {shown(stated)}; it must be a code, e.g. sw")
    code = stated or language_of_id(identity) or default
    if not isinstance(code, str):
        raise InputError(f"{where}: no language; give language=, e.g. language='sw'")
    code = _TYDI.get(code.lower(), code)
    try:
        find_language(code)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    return code


def _answers(given: Any, where: str) -> list[tuple[str, int]]:
    """Texts and offsets (-1 if none is given); answers without text are dropped."""
    try:
        if isinstance(given, Mapping):
            texts = given["text"]
            texts = [texts] if isinstance(texts, str) else list(texts)
            starts = given.get("answer_start", [-1] * len(texts))
            starts = [starts] if isinstance(starts, int) else list(starts)
            pairs = list(zip(texts, starts, strict=True))
        else:
            pairs = [(one["text"], one.get("answer_start", -1)) for one in given]
        if not all(isinstance(text, str) for text, _ in pairs):
            raise TypeError("an answer's text is not a string")
        refuse_half_pairs([text for text, _ in pairs], where)
        if odd := [start for _, start in pairs if int(start) != start]:
            raise TypeError(f"offset {shown(odd[0])} is not a whole number")
        return [(text, int(start)) for text, start in pairs if text.strip()]
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(
            f"{where}: answers are not as SQuAD has them ({error}); give "
            '{"text": ["..."], "answer_start": [0]}'
        ) from error


def _placed(context: str, text: str, start: int) -> tuple[str, int]:
    """An answer with its offset, or that of its nearest copy; -1 if it has none."""
    if start >= 0 and context.startswith(text, start):
        return text, start
    places = occurrences(context, text)
    return text, min(places, key=lambda place: abs(place - start), default=-1)
