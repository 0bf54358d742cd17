"""Passages perturbed once, without a model, for static test sets: every model reads the same text.

The result of an attack depends on the attacked model, so two models do not get the same texts. Here
the question's id and a seed determine every byte. Questions, gold answers and graphemes are not
broken.
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
from xltlib.attacks.copies import copies_in
from xltlib.attacks.distractor import with_sentence, wrong_answers
from xltlib.attacks.distractor_templates import TEMPLATES, AlteredQuestions, false_sentence
from xltlib.attacks.homoglyph import look_alike_words
from xltlib.attacks.imperceptible import unseen
from xltlib.attacks.lexicon import Lexicon
from xltlib.attacks.misspelling import misspelt
from xltlib.attacks.swap import in_case_of
from xltlib.attacks.typo import misspellings
from xltlib.languages import graphemes, script_of, words
from xltlib.languages.codes import closest
from xltlib.languages.letter_case import lower
from xltlib.params import AddOneSentence, CodeMixing, Noise, explain

Row = dict[str, Any]
Variants = Callable[[str, random.Random], Iterable[str]]
"""Other forms of a word, best first."""
_TRIES = 16  # variants considered for each word
_ANSWERS = 3  # wrong answers from which one false sentence is made


@dataclass(frozen=True)
class Perturbed:
    """Rows with perturbed passages; `changed` says for each row whether its passage has changed."""

    rows: list[Row]
    changed: list[bool]


def settings(name: str, **values: Any) -> Noise | CodeMixing | AddOneSentence:
    """The settings of a kind, by name. Values that are None or belong to other kinds are ignored.

    Raises:
        InputError: there is no such kind, or a value is not allowed.
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
        rows: QA rows. Wrong answers and names come from the rows of the same language, so give the
            whole set.
        lexicons: for `codemix`, by language.

    Raises:
        InputError: the kind does not support a language of the rows.
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
    """A function that puts a false sentence at the end of a passage."""
    pool = sorted({(row["question"], row["answers"]["text"][0]) for row in rows})
    questions = AlteredQuestions(language, (row["question"] for row in rows))

    def make(row: Row) -> Row:
        rng, golds, context = _rng(row, settings), row["answers"]["text"], row["context"]
        seed = f"{settings.seed} {language} {row['id']}"
        question = questions.altered(row["question"], context, rng)
        first = rng.randrange(len(TEMPLATES))
        found = wrong_answers(language, pool, row["question"], golds, context, seed, _ANSWERS)
        for answer in found:
            for template in (*TEMPLATES[first:], *TEMPLATES[:first]):
                sentence = false_sentence(language, question, answer, template)
                if not any(copies_in(sentence, gold) for gold in golds):
                    return row | {
                        "context": with_sentence(context, len(context), sentence, language)
                    }
        return row

    return make


def _variants(
    language: str, settings: Noise | CodeMixing, lexicons: Mapping[str, Lexicon]
) -> Variants:
    """A function that changes words of a language."""
    if isinstance(settings, CodeMixing):
        lexicon = lexicons.get(closest(language, lexicons) or "", {})
        return lambda word, rng: (
            in_case_of(other, word) for other in lexicon.get(lower(word, language), ())
        )
    if settings.kind == "typo":
        return lambda word, rng: misspellings(word, language, rng)
    if settings.kind == "homoglyph":
        return look_alike_words
    if settings.kind == "misspelling":
        known = misspelt(language)
        return lambda word, rng: _shuffled(
            [in_case_of(one, word) for one in known.get(lower(word, language), ())], rng
        )
    return lambda word, rng: _shuffled(list(unseen(word, rng)), rng)


def _shuffled(others: list[str], rng: random.Random) -> list[str]:
    return rng.sample(others, len(others))


def _some_words(variants: Variants, settings: Noise | CodeMixing) -> Callable[[Row], Row]:
    """A function that changes a share of a passage's words."""

    def make(row: Row) -> Row:
        rng, context = _rng(row, settings), row["context"]
        spans = words(context)
        wanted = max(1, round(settings.severity * len(spans)))
        free = [span for span in spans if script_of(context[slice(*span)]) is not None]
        free = _outside(free, context, row["answers"]["text"])
        rng.shuffle(free)
        # Words of one grapheme come last, because few of them stay readable when changed.
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
    taken = [span for gold in set(golds) for span in copies_in(context, gold)]
    return [(a, b) for a, b in spans if not any(a < end and b > start for start, end in taken)]


_NEAR = 40  # characters on each side; no grapheme cluster in text is longer


def _stays_whole(
    context: str, span: tuple[int, int], new: str, edits: Mapping[tuple[int, int], str]
) -> bool:
    """Whether a text in place of a span does not fuse with the grapheme clusters beside it."""
    start, end = span
    before, after = context[max(0, start - _NEAR) : start], context[end : end + _NEAR]
    for (a, b), other in edits.items():  # in unspaced scripts words touch each other
        before, after = (other if b == start else before), (other if a == end else after)
    borders = {0, *accumulate(map(len, graphemes(before + new + after)))}
    return {len(before), len(before) + len(new)} <= borders


def _edited(row: Row, edits: Mapping[tuple[int, int], str]) -> Row:
    """A row with some spans of its context replaced, and with updated answer offsets."""
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
    """Write rows as a SQuAD 1.1 file with one paragraph per question, because each has its own
    passage.

    Args:
        about: facts about the set for its users; SQuAD readers ignore them.
    """
    data: list[dict[str, Any]] = []
    for row in rows:
        pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        answers = [{"text": text, "answer_start": int(start)} for text, start in pairs]
        qa = {"id": row["id"], "question": row["question"], "answers": answers}
        paragraph = {"context": row["context"], "qas": [qa]}
        title = row.get("title") or ""
        if not data or data[-1]["title"] != title:  # questions keep their order
            data.append({"title": title, "paragraphs": []})
        data[-1]["paragraphs"].append(paragraph)
    write_json(file, {"version": "1.1", "about": dict(about), "data": data})
