"""LAReQA (Roy et al. 2020): find the sentences that answer a question, in all languages at once.

Its XQuAD-R files are XQuAD's, with the borders of every passage's sentences.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora.corpus import BITEXT, Corpus
from xltlib.corpora.squad_files import find, questions
from xltlib.params import CorpusSource

LANGUAGES = ("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh")


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of XQuAD-R: `query` is a question, `candidate` the sentence that answers it.

    A sentence that answers no question has an empty `query`: it is a candidate all the same.
    """
    if split != "test":
        raise InputError(f"corpus lareqa has no split {split!r}; there: test")
    (path, *_) = find(source.folder, f"{language}.json", f"xquad-r/{language}.json")
    rows: list[dict[str, Any]] = []
    asked: set[str] = set()
    sentences: dict[str, None] = {}
    for _, paragraph, qa in questions(path):
        context, identity = paragraph["context"], str(qa.get("id", "?"))
        try:
            borders = [(int(start), int(end)) for start, end in paragraph["sentence_breaks"]]
            start = int(qa["answers"][0]["answer_start"])
            place = bisect_right([first for first, _ in borders], start) - 1
            first, last = borders[max(0, place)]
            question = qa["question"]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: question {identity} lacks {error} or has it in another form. LAReQA's "
                "XQuAD-R files give each paragraph sentence_breaks: [[start, end], ...]."
            ) from error
        sentences |= dict.fromkeys(context[a:b] for a, b in borders)
        asked.add(context[first:last])
        rows.append({"id": identity, "query": question, "candidate": context[first:last]})
    for i, sentence in enumerate(text for text in sentences if text not in asked):
        rows.append({"id": f"sentence-{i}", "query": "", "candidate": sentence})
    return Dataset.from_list([row | {"language": language} for row in rows], features=BITEXT)


CORPORA = {"lareqa": Corpus("answer retrieval", LANGUAGES, load)}
