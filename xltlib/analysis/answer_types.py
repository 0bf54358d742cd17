"""Where models fail: F1 by kind of answer, in any language, and by question word, in English.

Kinds of answers are derived from Unicode properties alone, because no tagger covers all languages
of the study. They are rough, but the same for every arm.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import regex

ANSWER_TYPES = ("date", "number", "name-like", "other")
QUESTION_TYPES = ("how many", "how", "who", "when", "where", "which", "what", "why", "other")
MIN_QUESTIONS = 20
"""Types with fewer questions than this are left out."""
KEYS = ["corpus", "language", "id"]

_YEAR = regex.compile(r"(?<![\p{Nd}.,])\p{Nd}{4}(?![\p{Nd}]|[.,]\p{Nd})")
_DAY = regex.compile(r"(?<!\p{Nd})\p{Nd}{1,4}([./-])\p{Nd}{1,2}\1\p{Nd}{1,4}(?!\p{Nd})")
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_QUESTION_WORD = regex.compile(
    r"\b(how (?:many|much)|how|who(?:m|se)?|when|where|which|what|why)\b", regex.IGNORECASE
)


def answer_type(answer: str) -> str:
    """The kind of an answer: one of `ANSWER_TYPES`.

    - date: at most six words, with a year from 1000 to 2099 or a day such as 3/10/1990;
    - number: any other answer that begins with a digit, or has one in at most two words;
    - name-like: more than half of its words begin with a capital. In scripts without capitals
      (Arabic, Bengali, Hangul, Telugu) names are `other`.
    """
    words = _WORD.findall(answer)
    years = [int(found) for found in _YEAR.findall(answer)]
    if len(words) <= 6 and (any(1000 <= y < 2100 for y in years) or _DAY.search(answer)):
        return "date"
    figures = regex.search(r"\p{N}", answer)
    if figures and (len(words) <= 2 or regex.match(r"\P{L}*\p{N}", answer)):
        return "number"
    capitals = sum(bool(regex.match(r"[\p{Lu}\p{Lt}]", word)) for word in words)
    return "name-like" if 2 * capitals > len(words) else "other"


def question_type(question: str) -> str:
    """The first question word of an English question: one of `QUESTION_TYPES`."""
    found = _QUESTION_WORD.search(question)
    if found is None:
        return "other"
    word = found[1].lower()
    if word.startswith("how "):
        return "how many"
    return "who" if word.startswith("who") else word


def types_of(rows: Iterable[dict], corpus: str) -> pd.DataFrame:
    """The types of some questions: corpus, language, id, answer, and question (English only).

    Args:
        rows: language, id, question, answers of a test set; the first gold answer is used.
        corpus: the name of the test set.
    """
    return pd.DataFrame(
        [
            {
                "corpus": corpus,
                "language": row["language"],
                "id": row["id"],
                "answer": answer_type(row["answers"]["text"][0]),
                "question": question_type(row["question"]) if row["language"] == "en" else None,
            }
            for row in rows
            if row["answers"]["text"]
        ],
        columns=[*KEYS, "answer", "question"],
    )


def by_type(tested: pd.DataFrame, types: pd.DataFrame) -> pd.DataFrame:
    """F1, clean and under each condition, in points, averaged over all models.

    Kinds of answer are compared in the languages other than English, question words in English.
    Types with fewer than `MIN_QUESTIONS` questions are left out.

    Args:
        tested: `xltlib.analysis.conditions`.
        types: `types_of`, of the clean test sets.
    """
    known = tested.merge(types, on=KEYS, how="inner")
    english = known["language"] == "en"
    views = (
        ("answer", ANSWER_TYPES, known[~english]),
        ("question", QUESTION_TYPES, known[english]),
    )
    rows = []
    for view, names, part in views:
        for condition, tried in part.groupby("attack", sort=True):
            for name in names:
                own = tried[tried[view] == name]
                asked = len(own[KEYS].drop_duplicates())
                if asked < MIN_QUESTIONS:
                    continue
                clean, attacked = (
                    100 * own[f"{when}_f1"].mean() for when in ("original", "attacked")
                )
                rows.append(
                    {"by": view, "type": name, "condition": condition}
                    | {"clean f1": clean, "attacked f1": attacked, "drop in f1": clean - attacked}
                    | {"share kept": 100 * attacked / clean if clean > 0 else float("nan")}
                    | {"n": asked, "models": len(own[["arm", "seed"]].drop_duplicates())}
                )
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *("by", "type", "condition", "clean f1", "attacked f1", "drop in f1", "share kept"),
    *("n", "models"),
]
