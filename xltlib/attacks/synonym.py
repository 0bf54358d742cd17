"""Words with a similar meaning, from a list or from an encoder's word embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from textattack.shared import AttackedText
from transformers import PreTrainedTokenizerBase

from xltlib.attacks.pieces import Pieces
from xltlib.attacks.swap import CandidateSwap, in_case_of
from xltlib.languages import UNSPACED_SCRIPTS, find_language, graphemes, script_of
from xltlib.languages.alphabets import ALSO_WRITTEN
from xltlib.languages.codes import parse_code
from xltlib.languages.letter_case import folded, lower


class Neighbourhood(Protocol):
    """Maps words to similar words, nearest first; any mapping is one."""

    def get(self, word: str, /) -> Sequence[str] | None:
        """The neighbours of a word, if it has any."""


class Noted:
    """A neighbourhood that notes which words have no neighbour."""

    def __init__(self, neighbours: Neighbourhood, language: str) -> None:
        self.neighbours, self.language = neighbours, language
        self.known: set[str] = set()
        self.lacking: set[str] = set()

    def of(self, word: str) -> Sequence[str]:
        """The neighbours of a word as written, or else in lower case."""
        found = self.neighbours.get(word) or self.neighbours.get(lower(word, self.language)) or ()
        (self.known if found else self.lacking).add(word)
        return found


class Synonym(CandidateSwap):
    """Replace a word by a neighbour, in the word's letter case.

    Other forms of the same word, which share the first three quarters of their letters, are left
    out: "museums" is not a synonym of "museum".

    Args:
        neighbours: looked up for a word as written, then in lower case.
        same_form: require a neighbour to end in the same grapheme, which keeps most inflections.
            TextFooler requires the same part of speech, but most languages have no tagger.
    """

    def __init__(
        self,
        language: str,
        seed: str,
        neighbours: Neighbourhood | Noted,
        *,
        same_form: bool = True,
        **options: int,
    ) -> None:
        super().__init__(language, seed, **options)
        if not isinstance(neighbours, Noted):
            neighbours = Noted(neighbours, language)
        self.neighbours = neighbours
        self.same_form = same_form

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word's neighbours, nearest first."""
        word = text.words[index]
        for near in self.neighbours.of(word):
            if same_stem(word, near, self.language):
                continue
            if not self.same_form or same_ending(word, near, self.language):
                yield in_case_of(near, word, self.language)


class VocabularyNeighbours:
    """The words of an encoder's vocabulary nearest to a word, by the cosine of embeddings.

    Only words that are a single piece count, because a mean over pieces is near any word that
    shares one ("soap" and "so"). Neighbours are in the word's script and have no accented letter
    that the language does not use. In a multilingual vocabulary they may still be words of a
    related language, so use a list of synonyms if there is one.

    Args:
        embeddings: the encoder's word embeddings, float [V, H].
        nearest: the limit on the number of neighbours of a word.
        min_cosine: the smallest cosine of a neighbour.
    """

    def __init__(
        self,
        language: str,
        tokenizer: PreTrainedTokenizerBase,
        embeddings: torch.Tensor,
        *,
        nearest: int,
        min_cosine: float,
    ) -> None:
        self.nearest, self.min_cosine = nearest, min_cosine
        self._pieces = Pieces(tokenizer)
        self._ids = {
            word: number
            for word, number in self._pieces.words()
            if number < len(embeddings)  # a trimmed encoder has fewer
        }
        self._embeddings = embeddings.detach().float().cpu().numpy()
        self._language = language
        self._letters = {
            *find_language(language).alphabet,
            *ALSO_WRITTEN.get(parse_code(language).base, ""),
        }
        self._near = lru_cache(maxsize=None)(self._nearest_to)
        self._of_script = lru_cache(maxsize=4)(self._words_of)

    def get(self, word: str, default: Sequence[str] = (), /) -> Sequence[str]:
        """The neighbours of a word, nearest first; the default if it is not a single piece."""
        known = word if word in self._ids else self._pieces.written(word)
        return self._near(known) if known in self._ids else default

    def _nearest_to(self, word: str) -> tuple[str, ...]:
        known, vectors = self._of_script(script_of(word))
        own = self._embeddings[self._ids[word]]
        cosines = vectors @ (own / max(float(np.linalg.norm(own)), 1e-12))
        found: list[str] = []
        caseless = folded(word, self._language)
        # Four decimals, so that the order does not depend on the machine's instruction set.
        for i in np.argsort(-np.round(cosines, 4), kind="stable"):
            if cosines[i] < self.min_cosine or len(found) == self.nearest:
                break
            if folded(known[i], self._language) != caseless:
                found.append(known[i])
        return tuple(found)

    def _words_of(self, script: str | None) -> tuple[list[str], np.ndarray]:
        """The words of a script that may belong to the language, and their vectors at unit
        length."""
        known = [word for word in self._ids if script_of(word) == script and self._is_written(word)]
        vectors = self._embeddings[[self._ids[word] for word in known]]
        return known, vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)

    def _is_written(self, word: str) -> bool:
        """Whether the language uses every Latin or Cyrillic letter of a word."""
        letters = folded(word, self._language)
        return all(char in self._letters or not ("\u00c0" <= char < "\u0530") for char in letters)


def same_stem(word: str, other: str, language: str = "en") -> bool:
    """Whether two words share the first three quarters of the shorter one's graphemes."""
    one, two = graphemes(folded(word, language)), graphemes(folded(other, language))
    shared = 0
    while shared < min(len(one), len(two)) and one[shared] == two[shared]:
        shared += 1
    return 4 * shared >= 3 * min(len(one), len(two))


def same_ending(word: str, other: str, language: str = "en") -> bool:
    """Whether two words end in the same grapheme, or are in a script without inflectional
    endings."""
    if script_of(word) in UNSPACED_SCRIPTS:
        return True
    return graphemes(folded(word, language))[-1] == graphemes(folded(other, language))[-1]
