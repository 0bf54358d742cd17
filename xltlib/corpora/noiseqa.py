"""NoiseQA (Ravichander et al. 2021): XQuAD's English questions as people typed and spoke them.

Every split asks XQuAD's questions with XQuAD's ids; `clean` asks them as they were.
"""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from xltlib.corpora.corpus import Corpus
from xltlib.corpora.local import find
from xltlib.corpora.squad_files import read_squad
from xltlib.params import CorpusSource

NOISES = ("keyboard", "asr", "translation")
FILES = {"clean": "Natural/xquad-context-en-question-en.json"} | {
    f"{noise}-{kind}": f"{kind.capitalize()}/xquad-{noise}-{kind}.json"
    for kind in ("natural", "synthetic")
    for noise in NOISES
}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one kind of noise."""
    return find(folder, [(FILES[split],), (FILES[split].split("/")[1],)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """`clean`, or noise of a keyboard, of speech recognition (`asr`) or of machine translation,
    either as people and systems made it (`keyboard-natural`) or imitated (`keyboard-synthetic`)."""
    (path,) = files(source.local_folder, language, split)
    return read_squad(path, language)


CORPORA = {"noiseqa": Corpus("qa", ("en",), tuple(FILES), files, load)}
