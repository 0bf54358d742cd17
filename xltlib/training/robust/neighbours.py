"""The neighbours of RS-DA, from a list or from an encoder's word embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import regex
import torch
from transformers import PreTrainedTokenizerBase

from xltlib.languages import words
from xltlib.languages.letter_case import folded
from xltlib.text_files import InputError, read_json, shown

Neighbours = Mapping[str, Sequence[str]]

BLOCK = 1024
# Numbers are facts, and the nearest to 1951 would be 1950.
_PLAIN = regex.compile(r"[\p{L}\p{M}\u200c\u200d'’]+")


def read_neighbours(path: Path) -> dict[str, list[str]]:
    """A neighbour list: a JSON object of words to lists of words; words without any are dropped.

    Raises:
        InputError: the file is missing or is not such a list.
    """
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise InputError(
            f"{path}: not a neighbour list, {{word: [word, ...], ...}} (found {shown(raw)})."
        )
    for word, near in raw.items():
        if not (isinstance(near, list) and all(isinstance(other, str) for other in near)):
            raise InputError(
                f"{path}: the neighbours of {shown(word)} must be a list of words (found "
                f"{shown(near)})."
            )
    return {word: near for word, near in raw.items() if near}


@torch.inference_mode()
def embedding_neighbours(
    texts: Iterable[str],
    tokenizer: PreTrainedTokenizerBase,
    embeddings: torch.Tensor,
    *,
    nearest: int,
    min_cosine: float,
    language: str = "en",
) -> dict[str, list[str]]:
    """For each word of texts in one language, the nearest words of the same texts.

    Distance is by cosine. Only words that are a single piece of the vocabulary count, because a
    mean over pieces is near any word that shares one ("soap" and "so"). Candidates come from the
    texts themselves, so they are in the language and its script. Numbers neither have nor are
    neighbours.

    Args:
        embeddings: the encoder's word embeddings, float [V, H].
        nearest: the limit on the number of neighbours of a word.
        min_cosine: the smallest cosine of a neighbour.
        language: of the texts.
    """
    found = {text[start:end] for text in texts for start, end in words(text)}
    plain = sorted(word for word in found if _PLAIN.fullmatch(word))
    if not plain:
        return {}
    coded = tokenizer(plain, add_special_tokens=False)["input_ids"]
    unknown = tokenizer.unk_token_id
    whole = {
        word: ids[0]
        for word, ids in zip(plain, coded, strict=True)
        if len(ids) == 1 and ids[0] != unknown
    }
    vocabulary = list(whole)
    rows = embeddings[list(whole.values())].float().cpu()
    vectors = torch.nn.functional.normalize(rows, dim=-1)
    caseless = [folded(word, language) for word in vocabulary]
    result: dict[str, list[str]] = {}
    for first in range(0, len(vocabulary), BLOCK):
        cosines = vectors[first : first + BLOCK] @ vectors.T
        # A few more than wanted, because the word itself does not count, in any letter case.
        values, places = cosines.topk(min(nearest + 4, len(vocabulary)), dim=-1)
        for i, (value, place) in enumerate(zip(values.tolist(), places.tolist(), strict=True)):
            own = caseless[first + i]
            near = [
                vocabulary[j]
                for cosine, j in zip(value, place, strict=True)
                if cosine >= min_cosine and caseless[j] != own
            ][:nearest]
            if near:
                result[vocabulary[first + i]] = near
    return result
