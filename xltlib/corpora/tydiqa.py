"""TyDi QA GoldP (Clark et al. 2020): questions written in nine languages, with the gold passage."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datasets import Dataset

from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.corpora.hub import published
from xltlib.corpora.local import find, is_parquet, parquet
from xltlib.corpora.squad_files import ANSWERED, from_hub, read_squad, tydi_language
from xltlib.languages import LANGUAGES as ALL
from xltlib.languages import TYDI
from xltlib.params import CorpusSource
from xltlib.text_files import InputError

LANGUAGES = TYDI
REPOSITORY, CONFIG = "google-research-datasets/tydiqa", "secondary_task"
# The public GoldP has no test split, so `test` is `dev`.
SPLITS = {"train": "train", "dev": "validation", "test": "validation"}


def files(folder: Path, language: str, split: str) -> list[Path]:
    """The file of one language, as TyDi QA or XTREME names it, or the file of all languages."""
    part = "train" if split == "train" else "dev"
    name = ALL[language].name.lower()
    layouts = [parquet(CONFIG, SPLITS[split])]
    for below in ("", f"tydiqa-goldp-v1.?-{part}/"):
        layouts += [
            (f"{below}tydiqa-goldp-{part}-{name}.json",),
            (f"{below}tydiqa.goldp.{language}.{part}.json",),
            (f"{below}tydiqa.{language}.{part}.json",),
        ]
    layouts.append((f"tydiqa-goldp-v1.?-{part}.json",))
    if part == "dev":
        layouts.append(("tydiqa-goldp-sample.json",))
    found = find(folder, layouts)
    return found if is_parquet(found) else found[-1:]  # the newest version, if there are several


def load(source: CorpusSource, language: str, split: str) -> Dataset:
    """One language of `train` or `dev` (`test` is another name for `dev`)."""
    where = partial(files, language=language, split=split)
    opened = published(source, where, REPOSITORY, (CONFIG, SPLITS[split]), ANSWERED)
    if isinstance(opened, Dataset):
        place = source.folder or REPOSITORY
        rows = from_hub(opened, lambda identity: tydi_language(place, identity), place)
    else:
        rows = read_squad(opened[0], None)
    found = rows.select([i for i, code in enumerate(rows["language"]) if code == language])
    if len(found) == 0 and not isinstance(opened, Dataset):
        there = " ".join(sorted(set(rows["language"])))
        raise InputError(
            f"{opened[0]}: contains no questions in {language}, only in {there}. Put the file of "
            f"{language} into this folder."
        )
    return found


CORPORA = {"tydiqa": Corpus("qa", LANGUAGES, tuple(SPLITS), files, load, REPOSITORY, mini=mini.qa)}
