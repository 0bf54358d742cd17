"""Bilingual lexicons: read from a file, or induced from parallel text with an encoder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xltlib.languages import words
from xltlib.text_files import InputError, lines, shown

Lexicon = dict[str, list[str]]
MAX_LENGTH = 256


def read_lexicon(path: Path) -> Lexicon:
    """A lexicon in MUSE's format: a word and its translation per line, white space between.

    Both columns in lower case; translations of several words are kept, in the order of the file.

    Raises:
        InputError: names the file, and the line where one is to blame.
    """
    found: Lexicon = defaultdict(list)
    for number, line in lines(path):
        parts = line.strip().split(None, 1)
        if len(parts) == 1:
            raise InputError(
                f"{path}, line {number}: {shown(line)} has one column; a lexicon has a word and "
                "its translation on each line, with white space between"
            )
        if parts and parts[1].lower() not in found[parts[0].lower()]:
            found[parts[0].lower()].append(parts[1].lower())
    if not found:
        raise InputError(f"{path}: the lexicon is empty")
    return dict(found)


def joined(lexicons: Iterable[Lexicon]) -> Lexicon:
    """One lexicon with the translations of all, each language's best first, then its next."""
    by_word: dict[str, list[list[str]]] = defaultdict(list)
    for lexicon in lexicons:
        for word, translations in lexicon.items():
            by_word[word].append(translations)
    return {
        word: list(
            dict.fromkeys(
                translations[rank]
                for rank in range(max(map(len, lists)))
                for translations in lists
                if rank < len(translations)
            )
        )
        for word, lists in by_word.items()
    }


def induce(
    pairs: Sequence[tuple[str, str]],
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    min_count: int = 1,
) -> Lexicon:
    """Translations of words, from sentences and their translations.

    Two words are aligned when each is the other's nearest in its sentence by the cosine of their
    contextual embeddings (the argmax method of SimAlign, Jalili Sabet et al. 2020, last layer, mean
    over pieces); a word's translations are those it is aligned with `min_count` times or more, the
    most frequent first.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for source, target in pairs:
        ours, theirs = (_word_vectors(text, encoder, tokenizer) for text in (source, target))
        if not ours or not theirs:
            continue
        near = np.stack(list(ours.values())) @ np.stack(list(theirs.values())).T
        spans, others = list(ours), list(theirs)
        for i, j in enumerate(near.argmax(axis=1)):
            if near[:, j].argmax() == i:
                (a, b), (c, d) = spans[i], others[j]
                counts[source[a:b].lower()][target[c:d].lower()] += 1
    lexicon = {}
    for word, found in sorted(counts.items()):
        # The same count goes by the alphabet, so that order of sentences changes nothing.
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        kept = [other for other, count in ranked if count >= min_count and other != word]
        if kept:
            lexicon[word] = kept
    return lexicon


@torch.inference_mode()
def _word_vectors(
    text: str, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> dict[tuple[int, int], np.ndarray]:
    """Contextual embeddings of the words of a text by their spans, at unit length [H]."""
    coded = tokenizer(
        text,
        truncation=True,
        max_length=MAX_LENGTH,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    offsets = coded.pop("offset_mapping")[0].numpy()
    encoder.eval()
    states = encoder(**coded.to(encoder.device)).last_hidden_state[0].float().cpu().numpy()
    found = {}
    for start, end in words(text):
        inside = (offsets[:, 0] < end) & (offsets[:, 1] > start)
        if inside.any():
            mean = states[inside].mean(axis=0)
            found[start, end] = mean / np.linalg.norm(mean)
    return found
