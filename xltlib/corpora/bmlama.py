"""BMLAMA-53 (Qi et al. 2023): factual prompts with a gap, and candidates to fill it.

One TSV file per language, `<code>.tsv`, with the columns Prompt (with one `<mask>`), Ans, Candidate
Ans (separated by ", ") and Subject. The files are aligned: row i asks for the same fact in every
language, and its candidates are translations of each other, in the same order.
"""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from xltlib.corpora.corpus import CLOZE, Corpus
from xltlib.corpora.local import find, require_rows
from xltlib.languages import LANGUAGES as ALL
from xltlib.params import CorpusSource
from xltlib.text_files import InputError, lines, shown

MASK = "<mask>"
_HEADER = ["Prompt", "Ans", "Candidate Ans", "Subject"]
# The published languages that the project supports.
_PUBLISHED = set(
    "af ar az be bg bn ca ceb cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id it ja ka "
    "ko la lt lv ms nl pl pt ro ru sk sl sq sr sv ta th tr uk ur vi zh".split()
)
LANGUAGES = tuple(code for code in ALL if code in _PUBLISHED)


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language."""
    return find(folder, [(f"{language}.tsv",)])


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language; BMLAMA is published as one split, `test`.

    Raises:
        InputError: names the file and the line.
    """
    (path,) = files(source.local_folder, language, split)
    rows = []
    for number, line in lines(path):
        fields = line.split("\t")
        if number == 1:
            if fields != _HEADER:
                raise InputError(f"{path}: line 1 must be {', '.join(_HEADER)}, separated by tabs.")
            continue
        if not line:
            continue
        if len(fields) != len(_HEADER) or fields[0].count(MASK) != 1:
            raise InputError(
                f"{path}: line {number} must be {', '.join(_HEADER)}, separated by tabs, with one "
                f"{MASK} in the prompt (found {shown(line)})."
            )
        prompt, answer, candidates, _ = fields
        rows.append(
            {
                "id": f"bmlama-{number - 2:05d}",
                "language": language,
                "prompt": prompt,
                "candidates": candidates.split(", "),
                "answer": answer,
            }
        )
    return Dataset.from_list(require_rows(rows, path), features=CLOZE)


CORPORA = {"bmlama53": Corpus("cloze", LANGUAGES, ("test",), files, load)}
