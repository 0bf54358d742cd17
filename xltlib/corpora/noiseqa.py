"""NoiseQA (Ravichander et al. 2021): XQuAD's English questions with noise from typing, speech
recognition and translation.

Every split has XQuAD's questions and ids; in `clean` they are unchanged.
"""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from xltlib.corpora.corpus import Corpus
from xltlib.corpora.local import find
from xltlib.corpora.squad_files import first_articles, read_squad
from xltlib.params import CorpusSource

NOISES = ("keyboard", "asr", "translation")
FILES = {"clean": "Natural/xquad-context-en-question-en.json"} | {
    f"{noise}-{kind}": f"{kind.capitalize()}/xquad-{noise}-{kind}.json"
    for kind in ("natural", "synthetic")
    for noise in NOISES
}


REST = "-rest"
"""Ends the name of a split that holds only the articles after `cut_after`."""


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one kind of noise."""
    name = FILES[split.removesuffix(REST)]
    return find(folder, [(name,), (name.split("/")[1],)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """`clean`, or noise from a keyboard, from speech recognition (`asr`) or from machine
    translation, either natural (`keyboard-natural`) or synthetic (`keyboard-synthetic`).

    With `-rest`, only XQuAD's articles after the first `cut_after`, which a model trained on those
    has not seen.
    """
    (path,) = files(source.local_folder, language, split)
    rows = read_squad(path, language)
    if not split.endswith(REST):
        return rows
    return first_articles(rows, source.cut_after, rest=True, key="corpora.noiseqa.cut_after")


CORPORA = {
    "noiseqa": Corpus("qa", ("en",), (*FILES, *(name + REST for name in FILES)), files, load)
}
