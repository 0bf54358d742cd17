"""A sheet on which people judge attacked texts, and their agreement.

An attack is only valid if a reader can still answer the question from its texts. The sheet has
attacked and clean passages in an uninformative order, so that annotators cannot know which are
which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from xltlib.artifacts import InputError, write_with

QUESTIONS = {
    "answer": "The answer to the question, copied from the passage; - if there is none",
    "readable": "Could a native speaker have written this? 1 (no) to 5 (yes)",
}
"""The columns that annotators fill in, and the question that each asks."""
_ITEM = "item"


def write_sheet(file: Path, results: pd.DataFrame, *, limit: int | None = None) -> Path:
    """Write a sheet to fill in, and its key, which annotators must not see.

    Each attacked example is there twice, attacked and clean. Skipped examples and those with an
    unchanged text are left out.

    Args:
        file: a CSV file, or TSV by its ending.
        limit: the number of examples per language; those whose ids hash lowest are taken.

    Returns:
        The file with the key.

    Raises:
        InputError: no example was changed.
    """
    changed = results[results["attacked_context"] != results["context"]]
    if changed.empty:
        raise InputError("no attacked text differs from its passage; there is nothing to judge")
    rows = []
    for row in changed.itertuples():
        for version, passage in (("clean", row.context), ("attacked", row.attacked_context)):
            name = f"{row.language} {row.id} {version}"
            rows.append(
                {
                    _ITEM: hashlib.sha256(name.encode()).hexdigest()[:12],
                    "language": row.language,
                    "passage": passage,
                    "question": row.question,
                    "id": row.id,
                    "version": version,
                    "golds": " | ".join(row.answers["text"]),
                }
            )
    sheet = pd.DataFrame(rows)
    if limit is not None:
        order = sheet["id"].map(lambda one: hashlib.sha256(str(one).encode()).hexdigest())
        rank = order.groupby(sheet["language"]).rank(method="dense")
        sheet = sheet[rank <= limit]
    sheet = sheet.sort_values([_ITEM], kind="stable")
    key = file.with_name(f"{file.stem}.key{file.suffix}")
    blank = sheet[[_ITEM, "language", "passage", "question"]].assign(**dict.fromkeys(QUESTIONS, ""))
    _write(file, blank)
    _write(key, sheet[[_ITEM, "language", "id", "version", "golds"]])
    return key


def read_sheets(files: Sequence[Path], key: Path) -> pd.DataFrame:
    """Filled-in sheets with their key, one row per judgement.

    Returns:
        Columns item, language, id, version, golds, annotator (the file's name), answer, readable.

    Raises:
        InputError: names the file and the item with an answer that is not allowed, or the items
            that a sheet lacks.
    """
    items, found = _read(key, [_ITEM, "id", "version", "golds"]), []
    for file in files:
        sheet = _read(file, [_ITEM, *QUESTIONS])
        lacking = sorted(set(items[_ITEM]) - set(sheet[_ITEM]))
        if lacking:
            raise InputError(f"{file}: lacks {len(lacking)} items of {key}, e.g. {lacking[0]}")
        for row in sheet.itertuples():
            if str(row.readable).strip() not in ("1", "2", "3", "4", "5"):
                raise InputError(
                    f"{file}: item {row.item}: readable is {row.readable!r}; give 1 to 5"
                )
            if not str(row.answer).strip():
                raise InputError(f"{file}: item {row.item}: no answer; copy it, or give -")
        filled = sheet[[_ITEM, *QUESTIONS]].assign(annotator=file.stem)
        found.append(items.merge(filled, on=_ITEM, validate="one_to_one"))
    return pd.concat(found, ignore_index=True).astype({"readable": int})


def agreement(judged: pd.DataFrame, score: Any) -> pd.DataFrame:
    """Judgements of clean and attacked texts, and the annotators' agreement: one row per version.

    Args:
        judged: from `read_sheets`.
        score: answer and gold answers to an F1 in [0, 1].

    Returns:
        `answered`: percentage of judgements whose answer has an F1 of at least 0.5; `readable`:
            mean rating, 1 to 5; `kappa`: chance-corrected agreement on whether an item was
            answered, Cohen's for two annotators and Fleiss' for more, NaN for one annotator or if
            all judgements agree.
    """
    right = [
        score(row.answer, row.golds.split(" | ")) >= 0.5 if row.answer != "-" else False
        for row in judged.itertuples()
    ]
    judged = judged.assign(right=np.asarray(right, dtype=int))
    rows = []
    for version, part in judged.groupby("version", sort=False):
        table = part.pivot(index=_ITEM, columns="annotator", values="right")
        rows.append(
            {
                "version": version,
                "items": len(table),
                "annotators": table.shape[1],
                "answered": 100 * part["right"].mean(),
                "readable": part["readable"].mean(),
                "kappa": _kappa(table.to_numpy()),
            }
        )
    return pd.DataFrame(rows)


def _kappa(table: np.ndarray) -> float:
    """Chance-corrected agreement of the columns on 0 or 1."""
    if table.shape[1] < 2 or len(np.unique(table)) < 2:
        return float("nan")
    if table.shape[1] == 2:
        counts = np.zeros((2, 2))
        np.add.at(counts, (table[:, 0], table[:, 1]), 1)
        return float(cohens_kappa(counts, return_results=False))
    return float(fleiss_kappa(aggregate_raters(table)[0]))


def _separator(file: Path) -> str:
    return "\t" if file.suffix == ".tsv" else ","


def _write(file: Path, frame: pd.DataFrame) -> None:
    # With a byte-order mark, because spreadsheets otherwise misread UTF-8.
    options = {"index": False, "sep": _separator(file), "encoding": "utf-8-sig"}
    write_with(file, lambda path: frame.to_csv(path, lineterminator="\n", **options))


def _read(file: Path, columns: list[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            file,
            sep=_separator(file),
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
        )
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the sheet cannot be read: {error}") from error
    lacking = [name for name in columns if name not in frame]
    if lacking:
        raise InputError(f"{file}: lacks the column {lacking[0]}; available: {', '.join(frame)}")
    return frame
