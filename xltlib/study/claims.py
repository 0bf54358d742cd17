"""Stage 09: every claim with its verdict, and what alignment has to do with robustness."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from typing import Any

import pandas as pd
from IPython.display import HTML

from xltlib.analysis import relation
from xltlib.reporting import findings, relation_figure
from xltlib.reporting.figures import verdicts as draw_verdicts
from xltlib.reporting.findings import Sentence
from xltlib.reporting.shown import style
from xltlib.reporting.verdict import Scope, judge
from xltlib.study import representation, saved
from xltlib.study.grid import Cell


def run(cell: Cell) -> dict[str, Any]:
    """Put the verdicts of 06 and 07 together; a finished cell is read back."""
    return cell.once(lambda: _run(cell))


def _run(cell: Cell) -> None:
    started, about = time.time(), saved.provenance(cell)
    verdicts = _verdicts(cell)
    measured = relation.by_language(
        representation.by_language([c for c in cell.upstream if c.stage.name == "representation"]),
        _under_attack(cell),
    )
    related = relation.correlations(measured, seed=cell.params.analysis.seed)
    made = {
        "claims": claim_table(verdicts),
        "alignment_and_robustness": measured,
        "relation": related,
    }
    drawn = {
        "verdicts": draw_verdicts(verdicts, about=about),
        "alignment_and_robustness": relation_figure.figure(measured, about=about),
    }
    saved.save(cell, made, {name: figure for name, figure in drawn.items() if figure is not None})
    readings = [_summary(verdicts), *findings.of_relation(related)]
    metrics = {"claims": verdicts, "readings": [asdict(sentence) for sentence in readings]}
    cell.finish(metrics, started=started)


def _verdicts(cell: Cell) -> list[dict[str, Any]]:
    """A record for every claim, in the order of the claims file."""
    found = {
        record["name"]: record
        for source in cell.upstream
        if source.stage.name in ("results", "transfer")
        for record in source.metrics()["claims"]
    }
    nowhere = Scope(cell.params.synthetic, 0, ())
    effect = cell.params.analysis.smallest_effect
    return [
        found.get(name)
        or judge(name, claim, {}, nowhere, unit="points", smallest_effect=effect).record()
        for name, claim in cell.params.claims.items()
    ]


def _under_attack(cell: Cell) -> pd.DataFrame:
    """The table of that name of this encoder's results; empty where nothing was attacked."""
    for source in cell.upstream:
        if source.stage.name == "results":
            return saved.tables_of(source)["under_attack"]
    return pd.DataFrame(columns=[*relation.KEYS, *relation.OUTCOMES, "n"])


def claim_table(verdicts: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a claim: its words, its source, the verdict, what was found, and why."""
    return pd.DataFrame(
        [
            {
                "claim": record["statement"],
                "source": record["source"],
                "verdict": record["kind"],
                "found": str(Sentence.of(record["finding"])),
                "because": " ".join(str(Sentence.of(reason)) for reason in record["reasons"]),
            }
            for record in verdicts
        ]
    )


def _summary(verdicts: list[dict[str, Any]]) -> Sentence:
    counts = Counter(record["kind"] for record in verdicts)
    parts = [f"{{kind_{i}}} {kind}" for i, kind in enumerate(counts)]
    numbers = {f"kind_{i}": n for i, n in enumerate(counts.values())} | {"claims": len(verdicts)}
    return Sentence("claims", f"Of {{claims}} claims: {', '.join(parts)}.", numbers)


def kinds(metrics: dict[str, Any]) -> dict[str, str]:
    """Each claim's name and its verdict."""
    return {record["name"]: record["kind"] for record in metrics["claims"]}


def show(cell: Cell) -> HTML:
    """The claims of any cell that judges some, ready to read."""
    return style(claim_table(cell.metrics()["claims"]), f"{saved.provenance(cell)}: claims")
