"""Stage 01: load every corpus of the profile, audit the splits, prepare the encoders."""

from __future__ import annotations

import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import Dataset
from IPython.display import HTML, Markdown

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.attacks.lexicon import read_lexicon
from xltlib.corpora.answer_spans import stripped_span
from xltlib.corpora.audit import Overlap, audit
from xltlib.encoders.opening import open_tokenizer
from xltlib.params import Params, PerturbedFile, SpanQASettings, TestSet
from xltlib.reporting import cell_findings
from xltlib.reporting.shown import style
from xltlib.study import data, revisions, saved, work
from xltlib.study.cell import Cell
from xltlib.study.models import prepared
from xltlib.study.presence import named_files
from xltlib.study.splits import meetings, used_splits
from xltlib.tasks.offsets import token_span
from xltlib.tasks.windows import featurize
from xltlib.training.robust.neighbours import read_neighbours


def prepare(cell: Cell) -> dict[str, Any]:
    """Load, describe and audit the corpora; put the encoders into the cache."""
    revisions.record(cell.params)  # first, because the fingerprint includes them
    return work.once(cell, lambda: _prepare(cell))


def _prepare(cell: Cell) -> None:
    started, params = time.time(), cell.params
    _read_named_files(params)
    roles = used_splits(params)
    sets = {key: data.load(params, key[0], key[1], key[2]) for key in roles}
    folders = {name: prepared(params, name, cell.grid.contents) for name in params.encoders}
    splits = [
        {
            "corpus": corpus,
            "split": split,
            "language": language,
            "roles": sorted(roles[corpus, split, language]),
            "source": params.corpora[corpus].source,
            "n": len(rows),
            "characters": sum(map(len, corpora.texts(rows))),
            "wrong_offsets": _count(rows, "wrong_offsets"),
            "answers_without_place": _unplaced(rows),
            "fingerprint": corpora.fingerprint(rows),
        }
        for (corpus, split, language), rows in sorted(sets.items())
    ]
    met = meetings(params)
    audits = [
        {"train": "/".join(train), "test": "/".join(test), "in_one_model": (train, test) in met}
        | asdict(audit(sets[train], sets[test]))
        for train in sorted(key for key in roles if roles[key] & {"intermediate", "target"})
        for test in sorted(key for key in roles if "test" in roles[key])
        if train[2] == test[2] or _translations(sets, train, test)
    ]
    boundaries = {
        name: [
            {"corpus": corpus, "split": split, "language": language}
            | token_boundaries(sets[corpus, split, language], folder, params.span_qa)
            for corpus, split, language in sorted(sets)
            if corpora.corpus(corpus).kind == "qa"
        ]
        for name, folder in folders.items()
    }
    work.finish(
        cell,
        {"splits": splits, "audits": audits, "token_boundaries": boundaries},
        started=started,
        data={f"{s['corpus']}/{s['split']}/{s['language']}": s["fingerprint"] for s in splits},
        revisions={name: revisions.source(params, name).revision for name in params.corpora},
    )


def _read_named_files(params: Params) -> None:
    """Read the files that later stages read, so that a wrong one ends the run before it trains.

    Raises:
        InputError: names the key and the file.
    """
    for one in named_files(params):
        try:
            if one.kind == "neighbours":
                read_neighbours(one.file)
            elif one.kind == "lexicon":
                read_lexicon(one.file, one.language or "en")
        except InputError as error:
            raise InputError(f"{one.key}: {error}") from error
    for where, used in params.data_used():
        if isinstance(used, TestSet) and isinstance(used.perturbation, PerturbedFile):
            try:
                data.test_set(params, used)
            except InputError as error:
                raise InputError(f"{where}.perturbation.file: {error}") from error


def _translations(
    sets: dict[tuple[str, str, str], Dataset],
    train: tuple[str, str, str],
    test: tuple[str, str, str],
) -> bool:
    """Whether two splits of one corpus share items in different languages, by their ids."""
    return train[0] == test[0] and not set(sets[train]["id"]).isdisjoint(sets[test]["id"])


def _count(rows: Dataset, column: str) -> int:
    """Sum of a column that only QA corpora have."""
    return sum(rows[column]) if column in rows.column_names else 0


def _unplaced(rows: Dataset) -> int:
    """Questions whose answer does not occur in the context; real corpora have some."""
    if "answers" not in rows.column_names:
        return 0
    return sum(min(answers["answer_start"]) < 0 for answers in rows["answers"])


def token_boundaries(rows: Dataset, folder: Path, settings: SpanQASettings) -> dict[str, int]:
    """How many first answers tokens can represent exactly, character by character.

    Returns:
        Counts of `answers` found in the context, of those wholly `in_a_window`, and of those that
        are `exact`: their tokens begin and end where they do.
    """
    tokenizer = open_tokenizer(folder)
    features = featurize(tokenizer, list(rows["question"]), list(rows["context"]), settings)
    places = {}
    for i, answers in enumerate(rows["answers"]):
        start, text = answers["answer_start"][0], answers["text"][0]
        if start >= 0:
            places[i] = stripped_span(start, text)
    whole, exact = set(), set()
    for window, example in enumerate(features.example.tolist()):
        if example not in places:
            continue
        tokens = token_span(features.offsets[window], *places[example])
        if tokens is not None:
            whole.add(example)
            offsets = features.offsets[window]
            if (offsets[tokens[0], 0], offsets[tokens[1], 1]) == places[example]:
                exact.add(example)
    return {"answers": len(places), "in_a_window": len(whole), "exact": len(exact)}


def findings(cell: Cell) -> Markdown:
    """The size of the corpora, and what training and test data share."""
    metrics = cell.metrics()
    return saved.found(cell, cell_findings.of_corpora(metrics["splits"], metrics["audits"]))


def split_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per split."""
    frame = pd.DataFrame(metrics["splits"])
    frame["roles"] = frame["roles"].map(", ".join)
    columns = ["corpus", "split", "language", "roles", "source", "n", "characters"]
    return frame[[*columns, "wrong_offsets", "answers_without_place"]]


def unusual_roles(metrics: dict[str, Any]) -> pd.DataFrame:
    """Splits published as test or dev sets but used for training: one row per corpus and split."""
    frame = pd.DataFrame(metrics["splits"])
    trains = frame["roles"].map(lambda roles: bool({"intermediate", "target"} & set(roles)))
    odd = frame[trains & frame["split"].isin(["test", "dev"])]
    return (
        odd.assign(roles=odd["roles"].map(", ".join))
        .groupby(["corpus", "split", "roles"], as_index=False)
        .agg(languages=("language", " ".join), rows_each=("n", "first"))
    )


def audit_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per training split and test set that share a language or items."""
    columns = ["train", "test", "in_one_model", *(field.name for field in fields(Overlap))]
    return pd.DataFrame(metrics["audits"])[columns]


def boundary_table(metrics: dict[str, Any], encoder: str) -> pd.DataFrame:
    """One row per QA split: how many answers it has, and how many of them tokens can represent."""
    columns = ["corpus", "split", "language", "answers", "in_a_window", "exact"]
    frame = pd.DataFrame(metrics["token_boundaries"][encoder], columns=columns)
    return frame.assign(inexpressible=frame["answers"] - frame["exact"])


def sample(cell: Cell) -> HTML:
    """The first test example of each target task, in every language."""
    params, rows = cell.params, []
    for target in params.targets.values():
        settings = target.test_sets[0]
        for language, examples in data.test_set(params, settings).items():
            shown = {name: _short(examples[0][name]) for name in corpora.text_columns(examples)}
            if "answers" in examples.column_names:
                shown = {"question": shown["question"], "answer": _short(_answer(examples[0]))}
            text = "; ".join(f"{name}: {value}" for name, value in shown.items())
            rows.append(
                {"corpus": settings.corpus + settings.suffix, "language": language, "example": text}
            )
    return style(pd.DataFrame(rows).drop_duplicates())


def _answer(row: dict[str, Any]) -> str:
    return row["answers"]["text"][0]


def _short(value: str | list[str], most: int = 120) -> str:
    """A text shortened to one line of a table."""
    text = value if isinstance(value, str) else " ".join(value)
    return text if len(text) <= most else text[: most - 1] + "…"
