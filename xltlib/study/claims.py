"""Stage 09: a verdict on every claim, and how alignment relates to robustness."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import pandas as pd
from IPython.display import HTML

from xltlib.analysis import relation
from xltlib.analysis.verdict import Verdict, judge
from xltlib.params import Claim
from xltlib.reporting import (
    answers,
    relation_figure,
    representation_findings,
    representation_maps,
)
from xltlib.reporting.figures import verdicts as draw_verdicts
from xltlib.reporting.sentences import Sentence
from xltlib.reporting.shown import style
from xltlib.study import representation, saved, work
from xltlib.study.cell import Cell, EncoderCell


def run(cell: EncoderCell) -> dict[str, Any]:
    """Collect the verdicts of stages 06 and 07; a finished cell is read back."""
    return work.once(cell, lambda: _run(cell))


def _run(cell: EncoderCell) -> None:
    started, about = time.time(), saved.provenance(cell)
    verdicts = _verdicts(cell)
    measures = representation.by_language(cell.of("representation"))
    measured = relation.by_language(measures, _under_attack(cell))
    related = relation.correlations(
        measured, seed=cell.params.analysis.seed, p_values=not cell.params.synthetic
    )
    made = {
        "claims": claim_table(verdicts),
        "alignment_and_robustness": measured,
        "relation": related,
        "representation_change": representation_maps.changes(measures),
    }
    drawn = {
        "verdicts": draw_verdicts(verdicts, about=about),
        "alignment_and_robustness": relation_figure.figure(measured, about=about),
        "representation_change": representation_maps.change_from_none(
            made["representation_change"], about=about
        ),
    }
    saved.save(cell, made, {name: figure for name, figure in drawn.items() if figure is not None})
    said = [answers.summary(verdicts), *representation_findings.of_relation(related)]
    metrics = {
        "answer": [asdict(one) for one in answers.answer(answers.primary(verdicts))],
        "claims": verdicts,
        "findings": [asdict(sentence) for sentence in said],
    }
    work.finish(cell, metrics, started=started)


def _verdicts(cell: Cell) -> list[dict[str, Any]]:
    """A record for every claim, in the order of the claims file."""
    found = {
        record["name"]: record
        for source in [*cell.of("results"), *cell.of("transfer")]
        for record in source.metrics()["claims"]
    }
    return [
        found.get(name) or answers.record(_nowhere(name, claim, cell.params.synthetic))
        for name, claim in cell.params.claims.items()
    ]


def _nowhere(name: str, claim: Claim, synthetic: bool) -> Verdict:
    """The verdict on a claim that no stage of the profile measures."""
    return judge(name, claim, {}, synthetic=synthetic, unit="points", smallest=0.0)


def _under_attack(cell: Cell) -> pd.DataFrame:
    """A table of this encoder's results; empty if nothing was attacked."""
    for source in cell.of("results"):
        return saved.tables_of(source)["under_attack"]
    return pd.DataFrame(columns=["corpus", *relation.KEYS, *relation.OUTCOMES, "n"])


def claim_table(verdicts: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per comparison: the claim and its source, the verdict, what was found, and why."""
    return pd.DataFrame(
        [
            {
                "claim": record["statement"],
                "source": record["source"],
                "compared": line["compared"],
                "verdict": line["kind"],
                "found": str(Sentence.of(line["finding"])),
                "because": " ".join(str(Sentence.of(reason)) for reason in line["reasons"]),
                "differs from the source": record["deviation"] or "",
                "left out": " ".join(record["left_out"]),
            }
            for record in verdicts
            for line in record["lines"]
        ]
    )


def kinds(metrics: dict[str, Any]) -> dict[str, str]:
    """Each comparison of each claim with its verdict."""
    return answers.kinds(metrics["claims"])


def show(cell: Cell) -> HTML:
    """The claims that a cell judges, formatted for reading."""
    return style(claim_table(cell.metrics()["claims"]), f"{saved.provenance(cell)}: claims")
