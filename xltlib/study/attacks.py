"""Stage 05: attack a fine-tuned model on the examples that every model gets."""

from __future__ import annotations

import time
from itertools import accumulate
from typing import Any

import pandas as pd
from IPython.display import HTML

from xltlib.analysis.tables import style
from xltlib.artifacts import write_with
from xltlib.attacks import attack_examples
from xltlib.languages import graphemes
from xltlib.study import data
from xltlib.study.evaluation import predictor
from xltlib.study.grid import Cell


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Attack all chosen examples; those that an earlier, killed run finished are kept."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, settings = time.time(), cell.params.attacks[cell.attack]
    model, frames = predictor(cell, settings), []
    for (corpus, language), rows in data.to_attack(cell.params, settings).items():
        # The name carries the settings: lines of another budget are never taken for these.
        log = cell.path(f"logs/{cell.fingerprint}.{corpus}.{language}.jsonl")
        frame = attack_examples(rows, model, settings, log, progress=progress)
        frames.append(frame.assign(corpus=corpus))
    results = pd.concat(frames, ignore_index=True)
    write_with(cell.path("attacks.parquet"), results.to_parquet)
    write_with(
        cell.path("attacks.jsonl"),
        lambda path: results.to_json(path, orient="records", lines=True, force_ascii=False),
    )
    cell.finish(summarize(results), started=started)


def summarize(results: pd.DataFrame) -> dict[str, Any]:
    """Counts by corpus and language; F1 in points over all examples, attacked or skipped."""
    rows = []
    for (corpus, language), part in results.groupby(["corpus", "language"], sort=True):
        outcomes = part["outcome"].value_counts()
        rows.append(
            {
                "corpus": corpus,
                "language": language,
                "n": len(part),
                "f1": 100 * part["original_f1"].mean(),
                "attacked_f1": 100 * part["attacked_f1"].mean(),
                "queries": int(part["queries"].sum()),
            }
            | {name: int(outcomes.get(name, 0)) for name in ("succeeded", "failed", "skipped")}
        )
    return {"languages": rows}


def examples(cell: Cell, per_language: int = 1) -> HTML:
    """A few successful attacks of each language: the edits and both predictions."""
    results = pd.read_parquet(cell.path("attacks.parquet"))
    won = results[results["outcome"] == "succeeded"].sort_values(["language", "id"])
    shown = won.groupby("language").head(per_language)
    edits = shown["edits"].map(lambda pairs: ", ".join(f"{e['old']} → {e['new']}" for e in pairs))
    columns = ["language", "question", "original_prediction", "attacked_prediction", "queries"]
    return style(shown[columns].assign(edits=edits))


def settings_table(cell: Cell) -> pd.DataFrame:
    """The attack's budget and rules."""
    settings = cell.params.attacks[cell.attack].model_dump(exclude={"test_sets"})
    return pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())})


def outcome_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: outcomes, queries, F1 in points before and after."""
    columns = ["corpus", "language", "n", "succeeded", "failed", "skipped", "queries"]
    return pd.DataFrame(metrics["languages"])[[*columns, "f1", "attacked_f1"]].round(1)


def count_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: how many examples were given to the attack."""
    return outcome_table(metrics)[["corpus", "language", "n"]]


def violations(cell: Cell) -> dict[str, int]:
    """Broken rules over all attacked texts, counted afresh from the saved texts; all must be 0."""
    asked = {
        (corpus, language, row["id"]): row["question"]
        for (corpus, language), rows in data.to_attack(
            cell.params, cell.params.attacks[cell.attack]
        ).items()
        for row in rows
    }
    counts = dict.fromkeys(
        ("question changed", "text changed outside the edits", "answer touched", "grapheme split"),
        0,
    )
    for row in pd.read_parquet(cell.path("attacks.parquet")).itertuples():
        counts["question changed"] += row.question != asked[row.corpus, row.language, row.id]
        rebuilt, done = "", 0
        boundaries = grapheme_boundaries(row.context)
        for edit in row.edits:
            start = edit["start"]
            rebuilt += row.context[done:start] + edit["new"]
            done = start + len(edit["old"])
            counts["grapheme split"] += not {start, done} <= boundaries
        counts["text changed outside the edits"] += (
            rebuilt + row.context[done:] != row.attacked_context
        )
        counts["answer touched"] += any(
            row.attacked_context.count(text) < row.context.count(text)
            for text in row.answers["text"]
        )
    return counts


def grapheme_boundaries(text: str) -> set[int]:
    """Every character offset at which a grapheme cluster begins or ends."""
    return {0, *accumulate(map(len, graphemes(text)))}
