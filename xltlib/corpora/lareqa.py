"""LAReQA (Roy et al. 2020): find the sentences that answer a question, in all languages at once.

Its XQuAD-R files are XQuAD's with sentence boundaries added to every passage.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Any

from datasets import Dataset

from xltlib.corpora.answer_spans import nearest_place
from xltlib.corpora.corpus import BITEXT, Corpus
from xltlib.corpora.local import find, require_rows
from xltlib.corpora.squad_json import Question, questions
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, shown

LANGUAGES = ("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh")


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language."""
    return find(folder, [(f"{language}.json",), (f"xquad-r/{language}.json",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of XQuAD-R: `query` is a question, `candidate` the sentence that answers it.

    A sentence that answers no question has an empty `query` but is still a candidate.
    """
    (path,) = files(source.local_folder, language, split)
    rows: list[dict[str, Any]] = []
    asked: set[str] = set()
    sentences: dict[str, None] = {}
    for one in questions(path):
        if not one.answers:
            raise InputError(f"{one.where} has no answer; every question of LAReQA needs one.")
        borders = _borders(one)
        text, stated = one.answers[0]
        start = nearest_place(one.context, text, stated)
        if start < 0:
            raise InputError(
                f"{one.where}: its answer {shown(text)} does not occur in the context. Correct it."
            )
        place = bisect_right([first for first, _ in borders], start) - 1
        first, last = borders[max(0, place)]
        sentences |= dict.fromkeys(one.context[a:b] for a, b in borders)
        asked.add(one.context[first:last])
        rows.append({"id": one.id, "query": one.question, "candidate": one.context[first:last]})
    require_rows(rows, path)
    for i, sentence in enumerate(text for text in sentences if text not in asked):
        rows.append({"id": f"sentence-{i}", "query": "", "candidate": sentence})
    return Dataset.from_list([row | {"language": language} for row in rows], features=BITEXT)


def _borders(one: Question) -> list[tuple[int, int]]:
    """First and last character (exclusive) of each sentence of a question's passage."""
    found = one.paragraph.get("sentence_breaks")
    if (
        not isinstance(found, list)
        or not found
        or not all(
            isinstance(pair, list) and len(pair) == 2 and all(type(place) is int for place in pair)
            for pair in found
        )
        or not all(0 <= start < end <= len(one.context) for start, end in found)
        or found != sorted(found)
    ):
        raise InputError(
            f"{one.where}: its paragraph's 'sentence_breaks' must be [[start, end], ...] in "
            f"order, in the context of {len(one.context)} characters (found {shown(found)})."
        )
    return [(start, end) for start, end in found]


CORPORA = {"lareqa": Corpus("answer retrieval", LANGUAGES, ("test",), files, load)}
