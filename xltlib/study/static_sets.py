"""Static test sets: passages of a corpus perturbed once, so that all models read the same text."""

from __future__ import annotations

from collections.abc import Mapping

from datasets import Dataset
from transformers import AutoModel

from xltlib.artifacts import InputError, fingerprint, read_sealed, write_sealed
from xltlib.attacks.lexicon import Lexicon, induced, joined, read_lexicon
from xltlib.attacks.perturb import perturb
from xltlib.attacks.static_set import read
from xltlib.encoders import encoder_folder
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.params import CodeMixing, Params, Perturbation, PerturbedFile
from xltlib.study import data, revisions
from xltlib.study.contents import Contents


def perturbed(
    params: Params, settings: Perturbation, sets: Mapping[str, Dataset]
) -> dict[str, Dataset]:
    """The rows of a test set by language, with perturbed passages.

    Raises:
        InputError: the perturbation lacks a language, or a file lacks all questions of one.
    """
    if isinstance(settings, PerturbedFile):
        return {code: _from_file(settings, code, rows) for code, rows in sets.items()}
    lexicons = _lexicons(params, settings, sets) if isinstance(settings, CodeMixing) else {}
    made = {code: perturb(rows, settings, lexicons).rows for code, rows in sets.items()}
    return {code: Dataset.from_list(made[code], sets[code].features) for code in sets}


def _from_file(settings: PerturbedFile, language: str, rows: Dataset) -> Dataset:
    """The rows that a file has, with its passages and the places of answers in them."""
    found = {one["id"]: one for one in read(settings.file, language)}
    made = [
        row | {name: found[row["id"]][name] for name in ("context", "answers")}
        for row in rows
        if row["id"] in found
    ]
    if not made:
        raise InputError(
            f"{settings.file}: holds no question of the test set in {language!r}. Make it from the "
            "same corpus, or take the language off the test set."
        )
    odd = [
        row["id"]
        for row in rows
        if row["id"] in found and row["question"] != found[row["id"]]["question"]
    ]
    if odd:
        raise InputError(
            f"{settings.file}: question {odd[0]} ({language}) is not the test set's question of "
            "that id. Make the file from the same corpus."
        )
    return Dataset.from_list(made, rows.features)


def _lexicons(
    params: Params, settings: CodeMixing, sets: Mapping[str, Dataset]
) -> dict[str, Lexicon]:
    """A lexicon a language: from its files, else induced once and kept in the profile's cache."""
    pairs = {}
    if settings.parallel is not None:
        pairs = {
            code: list(zip(rows["query"], rows["candidate"], strict=True))
            for code, rows in data.test_set(params, settings.parallel).items()
        }
    found = {}
    for language in sets:
        if language in settings.lexicons:
            found[language] = joined(map(read_lexicon, settings.lexicons[language]))
            continue
        text = {code: part for code, part in pairs.items() if language in ("en", code)}
        if not text:
            raise InputError(
                f"codemix: no lexicon or parallel text in {language!r}; add it to `lexicons` or "
                "`parallel`"
            )
        commit = revisions.of_model(params, settings.encoder)
        name = fingerprint([Contents(params).model(settings.encoder, commit), language, text])
        kept = params.cache / "lexicons" / f"{name}.sealed.json"
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
