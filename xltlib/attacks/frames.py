"""The sentences of the distractor attack: a rumour that answers a question wrongly.

A careful reader is not misled by it. The frames are the project's own, one a language, in
`frames.yaml`; question and answer stand in them as they are.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from xltlib.artifacts import InputError


def false_sentence(language: str, question: str, answer: str) -> str:
    """A rumour that answers a question.

    Raises:
        InputError: the project has no frame in this language.
    """
    known = _frames()
    if language not in known:
        raise InputError(f"distractor: no sentence in {language!r}; there: {' '.join(known)}")
    return known[language].format(question=question.strip(), answer=answer.strip())


def language_of(sentence: str) -> str | None:
    """The language whose frame a false sentence has; None for any other text."""
    for language, frame in _frames().items():
        before, rest = frame.split("{question}")
        between, after = rest.split("{answer}")
        text = sentence.strip()
        if text.startswith(before) and between in text and text.endswith(after):
            return language
    return None


@cache
def _frames() -> dict[str, str]:
    text = files("xltlib.attacks").joinpath("frames.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)
