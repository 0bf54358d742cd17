"""Stage 05: attack a fine-tuned model on the examples that every model gets."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from IPython.display import HTML
from transformers import AutoTokenizer

from xltlib.attacks import Tools, attack_examples, report, static_set
from xltlib.reporting.shown import style
from xltlib.study import data
from xltlib.study.corpora import encoder_folder
from xltlib.study.evaluation import predictor
from xltlib.study.grid import Cell


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Attack all chosen examples; those that an earlier, killed run finished are kept."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, settings = time.time(), cell.params.attacks[cell.attack]
    model, frames = predictor(cell, settings.engine), []
    bitext = data.bitext(cell.params, settings)
    everything = data.attacked_sets(cell.params, settings)
    chosen = data.to_attack(cell.params, settings)
    for corpus, sets in everything.items():
        rows = {language: list(part) for language, part in sets.items()}
        tools = Tools(model, rows, encoder_folder(cell), bitext, cell.params.cache)
        for language in rows:
            # The name carries the settings: lines of another budget are never taken for these.
            log = cell.path(f"logs/{cell.fingerprint}.{corpus}.{language}.jsonl")
            frame = attack_examples(
                chosen[corpus, language],
                tools,
                settings.recipe,
                log,
                engine=settings.engine,
                progress=progress,
            )
            frames.append(report.with_similarity(frame, tools.vectors).assign(corpus=corpus))
    results = pd.concat(frames, ignore_index=True)
    title = f"{cell.params.profile}: {cell.key}"
    summary = report.write(cell.folder, results, title)
    static_set.save(
        cell.path("static_set.json"),
        results,
        profile=cell.params.profile,
        synthetic=cell.params.synthetic,
        recipe=settings.recipe.model_dump(mode="json"),
        **cell.factors,
    )
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder(cell), local_files_only=True)
    metrics = {
        "languages": _records(summary),
        "validity": _records(report.validity(results, tokenizer)),
    }
    cell.finish(metrics, started=started)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table for JSON, which has no NaN."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def results(cell: Cell) -> pd.DataFrame:
    """The attacked examples of a finished cell."""
    cell.metrics()
    return pd.read_parquet(cell.path("attacks.parquet"))


def examples(cell: Cell, per_language: int = 1) -> HTML:
    """A few attacks of each language, successful ones first: passage, edits, both predictions."""
    return HTML(report.examples(results(cell), per_language))


def settings_table(cell: Cell) -> pd.DataFrame:
    """The attack's budget and rules."""
    settings = cell.params.attacks[cell.attack].model_dump(mode="json", exclude={"test_sets"})
    flat = settings.pop("recipe") | settings.pop("engine") | settings
    return pd.DataFrame({"setting": flat.keys(), "value": map(str, flat.values())})


def outcome_table(metrics: dict[str, Any]) -> HTML:
    """One row a corpus and language: outcomes, F1 in points, cost and size of the edits."""
    return style(pd.DataFrame(metrics["languages"]).astype({"success rate": float}))


def count_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: how many examples were given to the attack."""
    return pd.DataFrame(metrics["languages"])[["corpus", "language", "n"]]


def validity_table(metrics: dict[str, Any]) -> HTML:
    """One row a language: are attacked texts still what they should be?"""
    return style(pd.DataFrame(metrics["validity"]))


def violations(cell: Cell) -> dict[str, int]:
    """Broken rules over all attacked texts, counted afresh from the saved texts; all must be 0."""
    settings = cell.params.attacks[cell.attack]
    asked = {
        (corpus, language, row["id"]): row["question"]
        for (corpus, language), rows in data.to_attack(cell.params, settings).items()
        for row in rows
    }
    counts = dict.fromkeys(
        ("question changed", "text changed outside the edits", "answer touched", "grapheme split"),
        0,
    )
    for row in results(cell).itertuples():
        counts["question changed"] += row.question != asked[row.corpus, row.language, row.id]
        rebuilt, done = "", 0
        for edit in row.edits:
            rebuilt += row.context[done : edit["start"]] + edit["new"]
            done = edit["start"] + len(edit["old"])
        counts["grapheme split"] += sum(report.split_graphemes(row))
        counts["text changed outside the edits"] += (
            rebuilt + row.context[done:] != row.attacked_context
        )
        counts["answer touched"] += any(
            row.attacked_context.count(text) < row.context.count(text)
            for text in row.answers["text"]
        )
    return counts
