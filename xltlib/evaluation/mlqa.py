"""MLQA's own scoring (Lewis et al. 2020), which depends on the language of the passage.

It differs from SQuAD's in three ways: all Unicode punctuation is removed, each language loses its
own articles, and Chinese is compared character by character.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import partial

import regex

from xltlib.evaluation.squad import Normalize
from xltlib.languages.codes import closest

_ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    # The published rule removes the article's two letters everywhere, even inside words.
    "ar": "ال",
}
_HAN = regex.compile(r"([\u4e00-\u9fa5])")


def normalize_answer(text: str, language: str) -> str:
    """Lower-case, drop punctuation and the language's articles, fold white space, space out Han."""
    kept = "".join(
        char
        for char in text.lower()
        if char not in string.punctuation and not unicodedata.category(char).startswith("P")
    )
    articles = closest(language, _ARTICLES)
    if articles is not None:
        kept = re.sub(_ARTICLES[articles], " ", kept)
    if closest(language, ["zh"]):
        kept = _HAN.sub(r" \1 ", kept)
    return " ".join(kept.split())


def normalizer(language: str) -> Normalize:
    """The normalisation rule for answers in one language."""
    return partial(normalize_answer, language=language)
