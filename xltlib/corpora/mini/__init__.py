"""mini: a synthetic parallel testbed for every task kind, in fifteen languages.

Row i of a split states the same facts in every language. The facts and their wording are in
`facts.py`; this module makes the examples of each task kind from them. Nothing here is real.
"""

from __future__ import annotations

import random
from typing import Any

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora.corpus import BITEXT, CHOICE, PAIR, QA, TAGGED
from xltlib.corpora.mini.facts import (
    FACTS,
    LANGUAGES,
    RELATIONS,
    SLOT_OF,
    SLOT_TAGS,
    SPLITS,
    TOKEN,
    UNSPACED,
    Document,
    draw_document,
    joined,
    pieces_of,
    statement,
    templates_of,
    written_value,
)
from xltlib.params import MiniSettings

__all__ = [
    "LANGUAGES",
    "SLOT_TAGS",
    "SPLITS",
    "bitext",
    "choice",
    "nli",
    "paraphrase",
    "qa",
    "qa_of_every_fact",
    "tagging",
]


def _size(split: str, settings: MiniSettings) -> int:
    if split not in SPLITS:
        raise InputError(f"mini has no split {split!r}; available: {', '.join(SPLITS)}")
    return getattr(settings, split)


def _gap(language: str) -> str:
    """The separator between two sentences."""
    return "" if language in UNSPACED else " "


def qa(language: str, split: str, settings: MiniSettings) -> Dataset:
    """Questions about passages on two places, one question per passage."""
    rows = []
    for index in range(_size(split, settings)):
        document = draw_document(split, index, settings.seed)
        identity = f"mini-{split}-{index:05d}"
        title = f"synthetic {split} {index}"
        rows.append(_question(language, document, document.asked, identity, title))
    return Dataset.from_list(rows, features=QA)


def qa_of_every_fact(language: str, split: str, settings: MiniSettings) -> Dataset:
    """The same passages with a question about each of their four facts, because XQuAD has several
    per passage."""
    rows = []
    for index in range(_size(split, settings)):
        passage, fact = divmod(index, FACTS)
        document = draw_document(split, passage, settings.seed)
        asked = (*document.order[fact][:2], document.asked[2])
        identity = f"mini-{split}-{passage:05d}-{fact}"
        title = f"synthetic {split} {passage}"
        rows.append(_question(language, document, asked, identity, title))
    return Dataset.from_list(rows, features=QA)


def _question(
    language: str, document: Document, fact: tuple[int, str, int], identity: str, title: str
) -> dict[str, Any]:
    """A question about one fact (place, relation, wording) of a document, with its passage."""
    which, asked, wording = fact
    context, start, answer = "", -1, ""
    for place, relation, say in document.order:
        for text, slot in statement(language, document.places[place], relation, say):
            if (place, relation) == (which, asked) and slot == SLOT_OF[asked]:
                start, answer = len(context), text
            context += text
        context += _gap(language)
    template = templates_of(language).relations[asked].ask[wording]
    question = pieces_of(language, template, document.places[which], None, "")
    return {
        "id": identity,
        "language": language,
        "title": title,
        "context": context.rstrip(),
        "question": joined(question),
        "answers": {"text": [answer], "answer_start": [start]},
        "wrong_offsets": 0,
    }


def nli(language: str, split: str, settings: MiniSettings) -> Dataset:
    """The premise has two facts; the hypothesis repeats one in other words, changes its value to
    the other place's, or states a relation that the premise leaves open. Labels alternate."""
    rows = []
    gap = _gap(language)
    for index in range(_size(split, settings)):
        rng = random.Random(f"nli {settings.seed} {split} {index}")
        first, second = draw_document(split, index, settings.seed).places
        told, other = rng.sample(RELATIONS, 2)
        wording, label = rng.randrange(2), index % 3
        sentences = [joined(statement(language, place, told, wording)) for place in (first, second)]
        rng.shuffle(sentences)
        if label == 1:
            hypothesis = statement(language, first, other, 1 - wording)
        else:
            value = (second if label == 2 else first).values[told]
            hypothesis = statement(language, first, told, 1 - wording, value)
        rows.append(
            {
                "id": f"mini-nli-{split}-{index:05d}",
                "language": language,
                "sentence1": gap.join(sentences),
                "sentence2": joined(hypothesis),
                "label": label,
            }
        )
    return Dataset.from_list(rows, features=PAIR)


def paraphrase(language: str, split: str, settings: MiniSettings) -> Dataset:
    """Two pairs of facts: the same facts in other words and another order (1), or with their values
    exchanged (0), so that word overlap does not give away the label, as in PAWS."""
    rows = []
    gap = _gap(language)
    for index in range(_size(split, settings)):
        rng = random.Random(f"paraphrase {settings.seed} {split} {index}")
        places = draw_document(split, index, settings.seed).places
        told, wording, label = rng.choice(RELATIONS), rng.randrange(2), index % 2
        values = [place.values[told] for place in places]
        first = [joined(statement(language, place, told, wording)) for place in places]
        second = [
            joined(statement(language, place, told, 1 - wording, value))
            for place, value in zip(places, values if label else values[::-1], strict=True)
        ]
        rows.append(
            {
                "id": f"mini-paraphrase-{split}-{index:05d}",
                "language": language,
                "sentence1": gap.join(first),
                "sentence2": gap.join(second[::-1]),
                "label": label,
            }
        )
    return Dataset.from_list(rows, features=PAIR)


def choice(language: str, split: str, settings: MiniSettings) -> Dataset:
    """Two facts, a question about one of them, and both values to choose from."""
    rows = []
    gap = _gap(language)
    for index in range(_size(split, settings)):
        rng = random.Random(f"choice {settings.seed} {split} {index}")
        places = draw_document(split, index, settings.seed).places
        told, wording, label = rng.choice(RELATIONS), rng.randrange(2), index % 2
        asked = templates_of(language).relations[told].ask[wording]
        choices = [written_value(language, told, place.values[told]) for place in places]
        sentences = [joined(statement(language, place, told, wording)) for place in places]
        rng.shuffle(sentences)
        rows.append(
            {
                "id": f"mini-choice-{split}-{index:05d}",
                "language": language,
                "premise": gap.join(sentences),
                "question": joined(pieces_of(language, asked, places[0], None, "")),
                "choices": choices[::-1] if label else choices,
                "label": label,
            }
        )
    return Dataset.from_list(rows, features=CHOICE)


def tagging(language: str, split: str, settings: MiniSettings) -> Dataset:
    """Sentences with slot tags (BIO) for cities and values; Chinese is tagged by character."""
    rows = []
    for index in range(_size(split, settings)):
        document = draw_document(split, index, settings.seed)
        which, relation, wording = document.asked
        tokens: list[str] = []
        tags: list[str] = []
        for text, slot in statement(language, document.places[which], relation, wording):
            found = (
                [c for c in text if not c.isspace()]
                if language in UNSPACED
                else TOKEN.findall(text)
            )
            tokens += found
            tags += [f"{'I' if i else 'B'}-{slot}" if slot else "O" for i in range(len(found))]
        identity = f"mini-tag-{split}-{index:05d}"
        rows.append({"id": identity, "language": language, "tokens": tokens, "tags": tags})
    return Dataset.from_list(rows, features=TAGGED)


def bitext(language: str, split: str, settings: MiniSettings) -> Dataset:
    """A statement and its English counterpart."""
    rows = []
    for index in range(_size(split, settings)):
        document = draw_document(split, index, settings.seed)
        which, relation, wording = document.asked
        texts = [
            joined(statement(code, document.places[which], relation, wording))
            for code in (language, "en")
        ]
        identity = f"mini-bitext-{split}-{index:05d}"
        rows.append(
            {"id": identity, "language": language, "query": texts[0], "candidate": texts[1]}
        )
    return Dataset.from_list(rows, features=BITEXT)
