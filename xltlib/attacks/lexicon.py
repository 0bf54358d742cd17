"""Bilingual lexicons, read from a file or induced from parallel text with an encoder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.encoders import encoder_folder
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.encoders.reading import reading
from xltlib.languages import words
from xltlib.languages.codes import closest
from xltlib.languages.letter_case import lower
from xltlib.text_files import InputError, lines, number_of, shown

Lexicon = dict[str, list[str]]
MAX_LENGTH = 256
CACHE = Path("~/.cache/xltlib").expanduser()


def read_lexicon(path: Path, language: str = "en") -> Lexicon:
    """A lexicon in MUSE's format: a word and its translation per line, separated by white space.

    Both columns are lower-cased. Translations of several words are kept, in the file's order.

    Args:
        language: of the first column.

    Raises:
        InputError: names the file, and the line if one is at fault.
    """
    found: Lexicon = defaultdict(list)
    for number, line in lines(path):
        parts = line.strip().split(None, 1)
        if len(parts) == 1:
            raise InputError(
                f"{path}, line {number}: {shown(line)} has one column; a lexicon has a word and "
                "its translation on each line, with white space between"
            )
        if parts:
            translations = found[lower(parts[0], language)]
            if parts[1].lower() not in translations:
                translations.append(parts[1].lower())
    if not found:
        raise InputError(f"{path}: the lexicon is empty")
    return dict(found)


def joined(lexicons: Iterable[Lexicon]) -> Lexicon:
    """One lexicon with the translations of all: the best of each lexicon first, then the second
    best."""
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
    languages: tuple[str, str] = ("en", "en"),
    min_count: int = 1,
) -> Lexicon:
    """Translations of words, from sentences and their translations.

    Two words are aligned if each is the other's nearest in its sentence, by the cosine of
    contextual embeddings (the argmax method of SimAlign, Jalili Sabet et al. 2020, last layer, mean
    over pieces). A word's translations are those with which it is aligned at least `min_count`
    times, the most frequent first.

    Args:
        languages: those of a sentence and of its translation.
    """
    own, other_language = languages
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
                counts[lower(source[a:b], own)][lower(target[c:d], other_language)] += 1
    lexicon = {}
    for word, found in sorted(counts.items()):
        # Ties are in alphabetical order, so the order of sentences does not matter.
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        kept = [other for other, count in ranked if count >= min_count and other != word]
        if kept:
            lexicon[word] = kept
    return lexicon


def induced(
    pairs: Mapping[str, Sequence[tuple[str, str]]],
    language: str,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> Lexicon:
    """A language's translations into English; for English, those into every other language.

    Args:
        pairs: (sentence, English translation) by language.
    """
    used, english = parallel(pairs, language), closest(language, ["en"])
    return joined(
        induce([(b, a) for a, b in part], encoder, tokenizer, languages=("en", code))
        if english
        else induce(part, encoder, tokenizer, languages=(language, "en"))
        for code, part in sorted(used.items())
    )


def parallel(
    pairs: Mapping[str, Sequence[tuple[str, str]]], language: str
) -> dict[str, Sequence[tuple[str, str]]]:
    """The parallel text from which a language's lexicon is induced: for English, that of all
    languages."""
    if closest(language, ["en"]):
        return dict(pairs)
    code = closest(language, pairs)
    return {} if code is None else {code: pairs[code]}


def bitext_lexicon(file: Path, model: str, language: str, cache: Path = CACHE) -> Lexicon:
    """A lexicon induced from a file with a sentence, a tab and its translation on each line.

    Args:
        model: me5-small, a hub repository or a folder.
        language: that of the sentences.

    Raises:
        InputError: names the file, and the line if one is at fault.
    """
    pairs = []
    for number, line in lines(file):
        parts = line.split("\t")
        if len(parts) == 2:
            pairs.append((parts[0], parts[1]))
        elif line.strip():
            raise InputError(
                f"{file}, line {number}: has {number_of(len(parts), 'column')}; expected a "
                "sentence, a tab and its translation"
            )
    if not pairs:
        raise InputError(f"{file}: the parallel text is empty")
    folder = encoder_folder(model, cache=cache)
    tokenizer = open_tokenizer(folder)
    encoder = open_model(AutoModel, folder, tokenizer)
    return induce(pairs, encoder, tokenizer, languages=(language, "en"))


@torch.inference_mode()
def _word_vectors(
    text: str, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> dict[tuple[int, int], np.ndarray]:
    """Contextual embeddings of a text's words, by span, at unit length [H]."""
    coded = tokenizer(
        text,
        truncation=True,
        max_length=MAX_LENGTH,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    offsets = coded.pop("offset_mapping")[0].numpy()
    encoder.eval()
    with reading(encoder, "float32"):
        output = encoder(**coded.to(encoder.device))
    states = output.last_hidden_state[0].float().cpu().numpy()
    found = {}
    for start, end in words(text):
        inside = (offsets[:, 0] < end) & (offsets[:, 1] > start)
        if inside.any():
            mean = states[inside].mean(axis=0)
            found[start, end] = mean / np.linalg.norm(mean)
    return found
