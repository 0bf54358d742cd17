"""The contrast of arms on each question: blocks of seeds x questions, and their sampling units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xltlib.artifacts import InputError

QUESTION = ["corpus", "language", "id"]
MIN_EXAMPLES = 5
"""There is no interval for a language with fewer sampling units (questions, or passages)."""


@dataclass(frozen=True)
class Block:
    """The contrast of each question of one test set.

    Attributes:
        values: [..., seeds, questions]; leading axes are independent repetitions (simulations).
        units: the number of each question's sampling unit, from 0 within the group.
        group: blocks in the same group (languages of a parallel corpus) share units.
    """

    values: np.ndarray
    units: np.ndarray
    group: str

    @property
    def n_questions(self) -> int:
        return int(self.values.shape[-1])

    @property
    def n_units(self) -> int:
        return len(np.unique(self.units))

    @classmethod
    def independent(cls, values: np.ndarray, group: str) -> Block:
        """A block in which every question is its own unit."""
        return cls(values, np.arange(values.shape[-1]), group)


def units(frame: pd.DataFrame) -> pd.Series:
    """The number of each row's sampling unit in its corpus, aligned with the rows.

    Translations of a question have one id and are one unit; so are the questions of one passage
    (column `passage`, if there is one), and whatever is linked by such questions and passages.
    """
    found = [_linked(of_corpus) for _, of_corpus in frame.groupby("corpus", sort=False)]
    return pd.concat(found).reindex(frame.index) if found else pd.Series(dtype=int)


def _linked(rows: pd.DataFrame) -> pd.Series:
    """Connected components of the graph of ids and passages."""
    ids, names = pd.factorize(rows["id"])
    if "passage" not in rows:
        return pd.Series(ids, index=rows.index)
    alone = pd.Series(ids, index=rows.index).map("no passage {}".format)
    passages, texts = pd.factorize(rows["passage"].where(rows["passage"].notna(), alone))
    size = len(names) + len(texts)
    links = coo_array((np.ones(len(rows)), (ids, len(names) + passages)), shape=(size, size))
    return pd.Series(connected_components(links, directed=False)[1][ids], index=rows.index)


def questions(frame: pd.DataFrame) -> pd.DataFrame:
    """Each question of a frame once (corpus, language, id), with its `unit`."""
    columns = [*QUESTION, *(["passage"] if "passage" in frame else [])]
    once = frame[columns].drop_duplicates(QUESTION)
    return once.assign(unit=units(once))


def units_here(frame: pd.DataFrame) -> pd.Series:
    """The number of units of each row's test set (corpus and language), aligned with the rows."""
    counts = questions(frame).groupby(QUESTION[:2])["unit"].nunique()
    places = pd.MultiIndex.from_frame(frame[QUESTION[:2]])
    return pd.Series(counts.reindex(places).to_numpy(), index=frame.index)


def large_enough(frame: pd.DataFrame) -> pd.DataFrame:
    """The test sets with `MIN_EXAMPLES` units or more; all of them if none has."""
    enough = frame[units_here(frame) >= MIN_EXAMPLES]
    return enough if len(enough) else frame


def where_all_were_tested(frame: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """The rows of the test sets (corpus and language) that every one of some arms was tested on;
    the rows of other arms stay."""
    return where_all(frame, QUESTION[:2], "arm", set(arms))


def where_all(frame: pd.DataFrame, place: list[str], name: str, wanted: set[str]) -> pd.DataFrame:
    """The rows of the places where a column has all of some values."""
    there = frame.groupby(place)[name].unique().map(wanted.issubset)
    return frame[there.reindex(pd.MultiIndex.from_frame(frame[place])).to_numpy(dtype=bool)]


def common_seeds(frame: pd.DataFrame, arms: Iterable[str]) -> set[int]:
    """The seeds that all of some arms have on all corpora of a frame."""
    arms = list(arms)
    frame = frame[frame["arm"].isin(arms)]
    found = [
        set(part.loc[part["arm"] == arm, "seed"])
        for _, part in frame.groupby("corpus")
        for arm in arms
    ]
    return set.intersection(*found) if found else set()


def contrast_blocks(
    frame: pd.DataFrame, value: str, weights: Mapping[str, float]
) -> dict[tuple[str, str], Block]:
    """The contrast of each question, by corpus and language.

    The seeds that all of the arms have on all corpora are used.

    Args:
        frame: one row per answer: arm, seed, corpus, language, id, perhaps passage, and `value`.
        weights: arm to weight, e.g. {"multilingual": 1, "english": -1}.

    Raises:
        InputError: the arms have no seed in common, or did not answer the same questions.
    """
    frame = frame[frame["arm"].isin(list(weights))]
    common = common_seeds(frame, weights)
    if len(frame) and not common:
        raise InputError(
            f"arms {', '.join(weights)} on {', '.join(sorted(set(frame['corpus'])))}: no seed in "
            "common. Give their crossings and target tasks the same seeds."
        )
    frame = frame[frame["seed"].isin(common)]
    asked = questions(frame)
    blocks: dict[tuple[str, str], Block] = {}
    # Splits of one corpus, such as mlqa/test and mlqa/test-question-en, share questions too.
    base = asked["corpus"].astype(str).str.split("/").str[0]
    for (corpus, language), rows in frame.groupby(QUESTION[:2], sort=True):
        mine = asked[base == corpus.partition("/")[0]]
        shared = len(mine.drop_duplicates([*QUESTION[:2], "unit"])) > mine["unit"].nunique()
        values, ids = _matrix(rows, value, weights, f"{corpus}/{language}")
        own = mine[(mine["corpus"] == corpus) & (mine["language"] == language)]
        of_ids = own.set_index("id")["unit"].reindex(ids)
        group = corpus.partition("/")[0] if shared else f"{corpus}/{language}"
        blocks[corpus, language] = Block(values, of_ids.to_numpy(), group)
    return _renumbered(blocks)


def macro_shares(questions: Mapping[tuple[str, str], int]) -> list[float]:
    """The weights of test sets in a macro mean over languages, which weigh the same.

    A language's test sets share its weight in proportion to their questions.

    Args:
        questions: the number of questions by corpus and language.
    """
    of_language: dict[str, int] = {}
    for (_, language), n in questions.items():
        of_language[language] = of_language.get(language, 0) + n
    return [n / of_language[code] / len(of_language) for (_, code), n in questions.items()]


def _renumbered(blocks: dict[tuple[str, str], Block]) -> dict[tuple[str, str], Block]:
    """Units numbered from 0 within each group."""
    numbers: dict[str, dict[int, int]] = {}
    for block in blocks.values():
        known = numbers.setdefault(block.group, {})
        for unit in block.units:
            known.setdefault(int(unit), len(known))
    return {
        key: Block(b.values, np.asarray([numbers[b.group][int(u)] for u in b.units]), b.group)
        for key, b in blocks.items()
    }


def _matrix(
    rows: pd.DataFrame, value: str, weights: Mapping[str, float], where: str
) -> tuple[np.ndarray, pd.Index]:
    """The contrast [seeds, questions] and the questions' ids."""
    arms = pd.Index(list(weights)).get_indexer(rows["arm"])
    seeds, numbers = pd.factorize(rows["seed"], sort=True)
    questions, ids = pd.factorize(rows["id"], sort=True)
    size = (len(weights), len(numbers), len(ids))
    values, there = np.full(size, np.nan), np.zeros(size, dtype=bool)
    values[arms, seeds, questions] = rows[value]
    there[arms, seeds, questions] = True
    if there.sum() < len(rows):
        raise InputError(f"{where}: a model answered a question twice. Run its cells again.")
    asked, trained = np.asarray(there.any(axis=1)), np.asarray(there.any(axis=2))
    if (asked != asked[0]).any() or (trained != trained[0]).any():
        odd = list(ids[(asked != asked[0]).any(axis=0)][:3])
        raise InputError(
            f"arms {', '.join(weights)} did not answer the same questions with the same "
            f"seeds in {where} (first differences: {odd or 'seeds'}). Run all their cells with "
            "the same params."
        )
    total = np.asarray(sum(weight * values[arm] for arm, weight in enumerate(weights.values())))
    if np.isnan(total).any() or total.size == 0:
        raise InputError(f"{where}: some questions lack an answer with some seed. Run all cells.")
    return total, pd.Index(ids)
