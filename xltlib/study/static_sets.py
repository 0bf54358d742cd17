"""Static test sets: passages of a corpus perturbed once, so that all models read the same text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import AutoModel

from xltlib.artifacts import InputError, fingerprint, read_sealed, write_sealed
from xltlib.attacks import edits
from xltlib.attacks.lexicon import Lexicon, induced, joined, parallel, read_lexicon
from xltlib.attacks.perturb import perturb
from xltlib.attacks.static_set import read
from xltlib.encoders import encoder_folder
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.languages.codes import closest
from xltlib.params import CodeMixing, Params, Perturbation, PerturbedFile
from xltlib.study import data, revisions
from xltlib.study.contents import Contents

LEXICONS = "lexicons"
"""The folder in the cache with induced lexicons."""

Row = dict[str, Any]


def perturbed(
    params: Params, settings: Perturbation, sets: Mapping[str, Dataset]
) -> dict[str, Dataset]:
    """The rows of a test set by language, with perturbed passages.

    Raises:
        InputError: the perturbation lacks a language, or a file has no question in one.
    """
    if isinstance(settings, PerturbedFile):
        return {code: _from_file(settings, code, rows) for code, rows in sets.items()}
    lexicons = _lexicons(params, settings, sets) if isinstance(settings, CodeMixing) else {}
    made = {code: perturb(rows, settings, lexicons).rows for code, rows in sets.items()}
    return {code: Dataset.from_list(made[code], sets[code].features) for code in sets}


def _from_file(settings: PerturbedFile, language: str, rows: Dataset) -> Dataset:
    """The rows whose questions a file has, with its passages and answer offsets."""
    read_rows = edits.made if edits.is_edits(settings.file) else _passages
    made = read_rows(settings.file, language, rows)
    if not made:
        raise InputError(
            f"{settings.file}: contains no question of the test set in {language!r}. Make it from "
            "the same corpus, or remove the language from the test set."
        )
    return Dataset.from_list(made, rows.features)


def _passages(file: Path, language: str, rows: Iterable[Row]) -> list[Row]:
    """The rows that a SQuAD file has, with its passages."""
    found = {one["id"]: one for one in read(file, language)}
    shared = [row for row in rows if row["id"] in found]
    odd = [row["id"] for row in shared if row["question"] != found[row["id"]]["question"]]
    if odd:
        raise InputError(
            f"{file}: question {odd[0]} ({language}) is not the test set's question of that id. "
            "Make the file from the same corpus."
        )
    return [
        row | {name: found[row["id"]][name] for name in ("context", "answers")} for row in shared
    ]


def _lexicons(
    params: Params, settings: CodeMixing, sets: Mapping[str, Dataset]
) -> dict[str, Lexicon]:
    """One lexicon per language: from its files, or else induced once and kept in the profile's
    cache."""
    pairs = {}
    if settings.parallel is not None:
        pairs = {
            code: list(zip(rows["query"], rows["candidate"], strict=True))
            for code, rows in data.test_set(params, settings.parallel).items()
        }
    found = {}
    for language in sets:
        code = closest(language, settings.lexicons)
        if code is not None:
            files = settings.lexicons[code]
            found[language] = joined(read_lexicon(file, language) for file in files)
            continue
        text = parallel(pairs, language)
        if not text:
            raise InputError(
                f"codemix: no lexicon or parallel text in {language!r}; add it to `lexicons` or "
                "`parallel`"
            )
        commit = revisions.of_model(params, settings.encoder)
        name = fingerprint([Contents(params).model(settings.encoder, commit), language, text])
        kept = params.cache / LEXICONS / f"{name}.sealed.json"
        known = read_sealed(kept)
        if known is None:
            folder = encoder_folder(settings.encoder, cache=params.cache, revision=commit)
            tokenizer = open_tokenizer(folder)
            encoder = open_model(AutoModel, folder, tokenizer)
            write_sealed(kept, {"lexicon": induced(text, language, encoder, tokenizer)})
            known = read_sealed(kept)
        assert known is not None
        found[language] = known["lexicon"]
    return found
