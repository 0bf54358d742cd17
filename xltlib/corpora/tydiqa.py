"""TyDi QA GoldP (Clark et al. 2020): questions written in nine languages, gold passage given."""

from __future__ import annotations

from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import load_published
from xltlib.corpora.squad_files import find, from_hub, read_squad, tydi_language
from xltlib.languages import TYDI
from xltlib.params import CorpusSource

LANGUAGES = TYDI
REPOSITORY, CONFIG = "google-research-datasets/tydiqa", "secondary_task"


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train` or `dev`; the public GoldP has no test split, so `test` is `dev`."""
    if split not in ("train", "dev", "test"):
        raise InputError(f"corpus tydiqa has no split {split!r}; there: train, dev, test (= dev)")
    published = "train" if split == "train" else "validation"
    rows = load_published(source, REPOSITORY, CONFIG, published)
    if rows is None:
        part = "train" if split == "train" else "dev"
        patterns = [f"tydiqa-goldp-*{part}*.json"] + ["*sample*.json"] * (part == "dev")
        rows = read_squad(find(source.folder, *patterns)[0], None)
    else:
        where = source.folder or REPOSITORY
        rows = from_hub(rows, lambda identity: tydi_language(where, identity))
    return rows.filter(lambda row: row["language"] == language)


CORPORA = {"tydiqa": Corpus("qa", LANGUAGES, load, REPOSITORY, mini=mini.qa)}
