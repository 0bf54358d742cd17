"""A sheet on which people judge attacked texts, and their agreement.

An attack is only valid if a reader can still answer the question from its texts. The sheet has
attacked and clean passages in an uninformative order, so that annotators cannot know which are
which.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from xltlib.artifacts import InputError, write_with
from xltlib.corpora.local import require_unique
from xltlib.evaluation.answer_scoring import f1_in
from xltlib.params.recipes import F1Unit
from xltlib.text_files import number_of, read_text, shown, shown_path

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
        InputError: no example was changed, or the file cannot be used (`require_place`).
    """
    require_place(file)
    changed = results[results["attacked_context"] != results["context"]]
    if changed.empty:
        raise InputError(
            "no attacked text differs from its passage, so there is nothing to judge. Attack more "
            "questions, or raise the budget."
        )
    rows = []
    for row in changed.itertuples():
        for version, passage in (("clean", row.context), ("attacked", row.attacked_context)):
            name = " ".join(
                filter(None, (getattr(row, "corpus", ""), row.language, row.id, version))
            )
            rows.append(
                {
                    # The letter keeps spreadsheets from reading an item as a number.
                    _ITEM: f"i{hashlib.sha256(name.encode()).hexdigest()[:12]}",
                    "language": row.language,
                    "passage": passage,
                    "question": row.question,
                    "id": row.id,
                    "version": version,
                    "golds": json.dumps(list(row.answers["text"]), ensure_ascii=False),
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


def require_place(file: Path) -> None:
    """Refuse a file that no sheet should be written to.

    Raises:
        InputError: it is neither CSV nor TSV by its ending, or holds more than a blank sheet.
    """
    if file.suffix.lower() not in (".csv", ".tsv"):
        raise InputError(f"{file}: not a sheet. Give a name that ends in .csv or .tsv.")
    if not file.exists():
        return
    try:
        filled = bool(_read(file, [_ITEM, *QUESTIONS])[list(QUESTIONS)].ne("").any(axis=None))
    except InputError:
        filled = True
    if filled:
        raise InputError(
            f"{file}: exists and is not a blank sheet; what is in it would be lost. Give another "
            "name."
        )


def read_sheets(files: Sequence[Path], key: Path) -> pd.DataFrame:
    """Filled-in sheets with their key, one row per judgement.

    Returns:
        Columns item, language, id, version, golds (a list), annotator (the file's name, its path
        where two have the same), answer, readable.

    Raises:
        InputError: names the file and the item with an answer that is not allowed, or the items
            that a sheet lacks.
    """
    if not files:
        raise InputError("no sheets; give the sheet of at least one annotator")
    items, found = _read(key, [_ITEM, "language", "id", "version", "golds"]), []
    items["golds"] = [_golds(key, row.item, row.golds) for row in items.itertuples()]
    twice = [file for file, count in Counter(map(Path.resolve, files)).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]}: given twice. Give each annotator's sheet once.")
    names = Counter(file.stem for file in files)
    for file in files:
        sheet = _read(file, [_ITEM, *QUESTIONS])
        for kind, odd in (
            ("lacks", set(items[_ITEM]) - set(sheet[_ITEM])),
            ("has", set(sheet[_ITEM]) - set(items[_ITEM])),
        ):
            if odd:
                where = f"of {key}" if kind == "lacks" else f"that are not in {key}"
                raise InputError(
                    f"{file}: {kind} items {where} ({len(odd)}, e.g. {shown(min(odd))}). Give the "
                    "whole sheet that was written with this key."
                )
        for row in sheet.itertuples():
            if str(row.readable).strip() not in ("1", "2", "3", "4", "5"):
                raise InputError(
                    f"{file}: item {row.item}: readable is {shown(row.readable)}; give 1 to 5"
                )
            if not str(row.answer).strip():
                raise InputError(
                    f"{file}: item {row.item}: no answer; copy it from the passage, or write - if "
                    "it has none"
                )
        # Sheets that came back under one name are told apart by their folders.
        name = file.stem if names[file.stem] == 1 else str(file)
        filled = sheet[[_ITEM, *QUESTIONS]].assign(annotator=name)
        found.append(items.merge(filled, on=_ITEM, validate="one_to_one"))
    return pd.concat(found, ignore_index=True).astype({"readable": int})


def agreement(judged: pd.DataFrame, unit: F1Unit = "segmented") -> pd.DataFrame:
    """Judgements of clean and attacked texts, and the annotators' agreement: one row per version.

    Args:
        judged: from `read_sheets`.
        unit: the tokens of F1. White space alone would not split an answer where words are not
            spaced.

    Returns:
        `answered`: percentage of judgements whose answer is a gold answer or has an F1 of at least
            0.5; `readable`: mean rating, 1 to 5; `kappa`: chance-corrected agreement on whether an
            item was answered, Cohen's for two annotators and Fleiss' for more, NaN for one
            annotator or if all judgements agree.
    """
    right = [_is_right(row, unit) for row in judged.itertuples()]
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


def _is_right(row: Any, unit: F1Unit) -> bool:
    """Whether an annotator's answer is a gold answer or near enough to one."""
    answer = row.answer.strip()
    return answer != "-" and f1_in(unit, row.language, None)(answer, row.golds) >= 0.5


def _golds(key: Path, item: str, given: str) -> list[str]:
    """The gold answers of an item, a JSON list of texts in the key."""
    with suppress(ValueError):
        golds = json.loads(given)
        if isinstance(golds, list) and golds and all(isinstance(gold, str) for gold in golds):
            return golds
    raise InputError(
        f"{key}: item {item}: golds is {shown(given)}, not a JSON list of texts. Use the key as it "
        "was written with the sheets."
    )


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
    return "\t" if file.suffix.lower() == ".tsv" else ","


def _write(file: Path, frame: pd.DataFrame) -> None:
    # With a byte-order mark, because spreadsheets otherwise misread UTF-8.
    # Quoted throughout, because carriage returns in a passage would end a row.
    options = {
        "index": False,
        "sep": _separator(file),
        "encoding": "utf-8-sig",
        "quoting": csv.QUOTE_ALL,
    }
    write_with(file, lambda path: frame.to_csv(path, lineterminator="\n", **options))


def _read(file: Path, columns: list[str]) -> pd.DataFrame:
    """The named columns of a sheet; each item is there once."""
    where = shown_path(file)
    text = io.StringIO(read_text(file), newline="")
    try:
        header, *rows = list(csv.reader(text, delimiter=_separator(file), strict=True)) or [[]]
    except csv.Error as error:
        raise InputError(f"{where}: the sheet cannot be read ({error}). Save it again.") from error
    lacking = [name for name in columns if header.count(name) != 1]
    if lacking:
        kind = "tabs" if _separator(file) == "\t" else "commas"
        raise InputError(
            f"{where}: must have one column {lacking[0]}, not {header.count(lacking[0])} (found "
            f"{shown(', '.join(header))}). Save the sheet with its own header and {kind} between "
            "its columns."
        )
    for number, row in enumerate(rows, start=2):
        if row and len(row) != len(header):
            raise InputError(
                f"{where}: row {number} has {number_of(len(row), 'cell')}, but the header has "
                f"{len(header)}. Put quotes around cells that contain the separator."
            )
    frame = pd.DataFrame([row for row in rows if row], columns=header, dtype=str)
    require_unique(list(frame[_ITEM]), where)
    return frame
