"""Passages perturbed once, without a model: static test sets, the same text for every model.

What an attack finds depends on the model attacked, so two models are not asked the same. Here the
question's id and a seed fix every byte. Questions, gold answers and graphemes stay whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from xltlib.artifacts import InputError, write_json
from xltlib.attacks.distractor import with_sentence, wrong_answers
from xltlib.attacks.distractor_templates import TEMPLATES, AlteredQuestions, false_sentence
from xltlib.attacks.goal import occurrences
from xltlib.attacks.homoglyph import look_alike_words
from xltlib.attacks.imperceptible import unseen
from xltlib.attacks.lexicon import Lexicon
from xltlib.attacks.misspelling import misspelt
from xltlib.attacks.swap import in_case_of
from xltlib.attacks.typo import misspellings
from xltlib.languages import graphemes, script_of, words
from xltlib.params import AddOneSentence, CodeMixing, Noise, explain

Row = dict[str, Any]
Variants = Callable[[str, random.Random], Iterable[str]]
"""Other forms of a word, the most wanted first."""
_TRIES = 16  # variants of a word that are looked at
_ANSWERS = 3  # wrong answers that one false sentence is made from


@dataclass(frozen=True)
class Perturbed:
    """Rows with perturbed passages; `changed` says of each whether it is not as it was."""

    rows: list[Row]
    changed: list[bool]


def settings(name: str, **values: Any) -> Noise | CodeMixing | AddOneSentence:
    """The settings of a kind by its name; values that are None, or of other kinds, are left out.

    Raises:
        InputError: no such kind, or a value that is not allowed.
    """
    kinds: dict[str, type[Noise] | type[CodeMixing] | type[AddOneSentence]] = {
        "codemix": CodeMixing,
        "addonesent": AddOneSentence,
    }
    kinds |= dict.fromkeys(get_args(Noise.model_fields["kind"].annotation), Noise)
    if name not in kinds:
        raise InputError(f"kind {name!r}: no such perturbation; known: {', '.join(kinds)}")
    if kinds[name] is AddOneSentence and values.get("severity") is not None:
        raise InputError("kind addonesent adds one sentence to each passage; it has no severity")
    fields = kinds[name].model_fields
    given = {key: value for key, value in values.items() if key in fields and value is not None}
    try:
        return kinds[name].model_validate({"kind": name} | given)
    except ValidationError as error:
        raise InputError(explain(f"perturbation {name}", error, kinds[name])) from error


def perturb(
    rows: Iterable[Row],
    settings: Noise | CodeMixing | AddOneSentence,
    lexicons: Mapping[str, Lexicon] | None = None,
) -> Perturbed:
    """Perturb every passage once.

    Args:
        rows: QA rows; those of one language are also where wrong answers and names come from, so
            give the whole set.
        lexicons: for `codemix`, by language.

    Raises:
        InputError: the kind does not know a language of the rows.
    """
    rows = list(rows)
    by_language: dict[str, list[Row]] = {}
    for row in rows:
        by_language.setdefault(row["language"], []).append(row)
    if isinstance(settings, AddOneSentence):
        makers = {code: _one_sentence(code, part, settings) for code, part in by_language.items()}
    else:
        makers = {
            code: _some_words(_variants(code, settings, lexicons or {}), settings)
            for code in by_language
        }
    made = [makers[row["language"]](row) for row in rows]
    pairs = zip(rows, made, strict=True)
    return Perturbed(made, [old["context"] != new["context"] for old, new in pairs])


def _rng(row: Row, settings: Noise | CodeMixing | AddOneSentence) -> random.Random:
    return random.Random(f"{settings.seed} {settings.kind} {row['language']} {row['id']}")


def _one_sentence(
    language: str, rows: Sequence[Row], settings: AddOneSentence
) -> Callable[[Row], Row]:
    """How a false sentence is put at the end of a passage."""
    pool = sorted({(row["question"], row["answers"]["text"][0]) for row in rows})
    questions = AlteredQuestions(language, (row["question"] for row in rows))

    def make(row: Row) -> Row:
        rng, golds, context = _rng(row, settings), row["answers"]["text"], row["context"]
        seed = f"{settings.seed} {language} {row['id']}"
        question = questions.altered(row["question"], context, rng)
        first = rng.randrange(len(TEMPLATES))
        for answer in wrong_answers(pool, row["question"], golds, context, seed, _ANSWERS):
            for template in (*TEMPLATES[first:], *TEMPLATES[:first]):
                sentence = false_sentence(language, question, answer, template)
                if not any(gold in sentence for gold in golds):
                    return row | {
                        "context": with_sentence(context, len(context), sentence, language)
                    }
        return row

    return make


def _variants(
    language: str, settings: Noise | CodeMixing, lexicons: Mapping[str, Lexicon]
) -> Variants:
    """How words of a language are changed."""
    if isinstance(settings, CodeMixing):
        lexicon = lexicons.get(language, {})
        return lambda word, rng: (
            in_case_of(other, word) for other in lexicon.get(word.lower(), ())
        )
    if settings.kind == "typo":
        return lambda word, rng: misspellings(word, language, rng)
    if settings.kind == "homoglyph":
        return look_alike_words
    if settings.kind == "misspelling":
        known = misspelt(language)
        return lambda word, rng: _shuffled(
            [in_case_of(one, word) for one in known.get(word.lower(), ())], rng
        )
    return lambda word, rng: _shuffled(list(unseen(word, rng)), rng)


def _shuffled(others: list[str], rng: random.Random) -> list[str]:
    return rng.sample(others, len(others))


def _some_words(variants: Variants, settings: Noise | CodeMixing) -> Callable[[Row], Row]:
    """How a share of a passage's words is changed."""

    def make(row: Row) -> Row:
        rng, context = _rng(row, settings), row["context"]
        spans = words(context)
        wanted = max(1, round(settings.severity * len(spans)))
        free = [span for span in spans if script_of(context[slice(*span)]) is not None]
        free = _outside(free, context, row["answers"]["text"])
        rng.shuffle(free)
        # Words of one grapheme last: few of them can be changed and still be read.
        free.sort(key=lambda span: len(graphemes(context[slice(*span)])) < 2)
        edits: dict[tuple[int, int], str] = {}
        for start, end in free:
            if len(edits) == wanted:
                break
            word = context[start:end]
            for other in islice(variants(word, rng), _TRIES):
                if other not in ("", word) and _stays_whole(context, (start, end), other, edits):
                    edits[start, end] = other
                    break
        return _edited(row, edits)

    return make


def _outside(
    spans: list[tuple[int, int]], context: str, golds: Sequence[str]
) -> list[tuple[int, int]]:
    """The words that touch no copy of a gold answer."""
    taken = [(at, at + len(gold)) for gold in set(golds) for at in occurrences(context, gold)]
    return [(a, b) for a, b in spans if not any(a < end and b > start for start, end in taken)]


_NEAR = 40  # characters on either side; no grapheme cluster of text is longer


def _stays_whole(
    context: str, span: tuple[int, int], new: str, edits: Mapping[tuple[int, int], str]
) -> bool:
    """Whether a text in the place of a span keeps apart from the clusters that stand beside it."""
    start, end = span
    before, after = context[max(0, start - _NEAR) : start], context[end : end + _NEAR]
    for (a, b), other in edits.items():  # words of unspaced scripts touch each other
        before, after = (other if b == start else before), (other if a == end else after)
    borders = {0, *accumulate(map(len, graphemes(before + new + after)))}
    return {len(before), len(before) + len(new)} <= borders


def _edited(row: Row, edits: Mapping[tuple[int, int], str]) -> Row:
    """A row with some spans of its context replaced, and answers where they stand now."""
    context, parts, done = row["context"], [], 0
    for (start, end), new in sorted(edits.items()):
        parts += [context[done:start], new]
        done = end
    parts.append(context[done:])
    places = [
        place
        if place < 0
        else place + sum(len(new) - (b - a) for (a, b), new in edits.items() if b <= place)
        for place in row["answers"]["answer_start"]
    ]
    answers = {"text": list(row["answers"]["text"]), "answer_start": places}
    return row | {"context": "".join(parts), "answers": answers}


def save(file: Path, rows: Iterable[Row], about: Mapping[str, Any]) -> None:
    """Write rows as a SQuAD 1.1 file, a paragraph a question: each has a passage of its own.

    Args:
        about: what a reader should know of the set; the readers of SQuAD files pass it by.
    """
    articles: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        answers = [{"text": text, "answer_start": int(start)} for text, start in pairs]
        qa = {"id": row["id"], "question": row["question"], "answers": answers}
        paragraph = {"context": row["context"], "qas": [qa]}
        articles.setdefault(row.get("title") or "", []).append(paragraph)
    data = [{"title": title, "paragraphs": part} for title, part in articles.items()]
    write_json(file, {"version": "1.1", "about": dict(about), "data": data})
