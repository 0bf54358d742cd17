"""What the paper takes from finished cells: tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from xltlib.analysis.verdict import NOT_ANSWERED
from xltlib.artifacts import InputError, fingerprint
from xltlib.reporting.answers import question
from xltlib.reporting.document import (
    Figure,
    Front,
    Origin,
    Paper,
    Prose,
    Run,
    Section,
    Table,
    records,
)
from xltlib.reporting.macros import Quote
from xltlib.reporting.sentences import Sentence
from xltlib.reporting.style import Provenance
from xltlib.reporting.titles import title
from xltlib.study import saved
from xltlib.study.cell import Cell
from xltlib.study.grid import Grid

SECTIONS = {
    "claims": "Claims",
    "results": "Results",
    "transfer": "Generalised transfer",
    "representation": "Representation",
}
"""The stages that the paper covers, in order."""
GLANCE = ("answer", "effective_robustness")
"""The figures of the results that open the paper; the others go into the appendix."""
ADD = (
    "Add `attacks`, `claims`, a measure of `representation`, or a test set with `perturbation` or "
    "`pairs` to the params file."
)
"""What to do if a profile has nothing to show."""
APPENDIX = "Appendix: all contrasts, all languages"


def gather(grid: Grid) -> Paper:
    """Everything that the paper shows.

    Raises:
        InputError: a cell is damaged, or one that the paper covers is not done; names the cell and
            the command to run.
    """
    saved.require_undamaged(grid)
    stages = {name: cells for name in SECTIONS if (cells := grid.cells(name))}
    everything = [cell for cells in stages.values() for cell in cells]
    if not everything:
        raise InputError(
            f"profile {grid.params.profile}: none of its stages makes a table or a figure. {ADD}"
        )
    for cell in everything:
        cell.metrics()
    versions: dict[str, set[str]] = {}
    for cell in everything:
        made = cell.manifest
        for package, version in (made.versions if made else {}).items():
            versions.setdefault(package, set()).add(version)
    return Paper(
        about=_about(everything),
        front=_front(question(grid.params.claims), stages),
        sections=[*(_section(name, cells) for name, cells in stages.items()), _appendix(stages)],
        runs=[
            Run(f"{cell.stage.notebook}/{cell.key}", cell.fingerprint, _file(cell, "manifest.json"))
            for cell in everything
        ],
        versions={package: ", ".join(sorted(found)) for package, found in versions.items()},
    )


def _front(asked: str, stages: dict[str, list[Cell]]) -> Front:
    """The question, its answer, and the figures that show it."""
    return Front(
        asked,
        [
            quote
            for cell in stages.get("claims", [])
            for quote in _quotes(cell, cell.metrics()["answer"], (*_place(cell), "answer"))
        ],
        [
            figure
            for cell in stages.get("results", [])
            for figure in _figures(cell)
            if figure.name.endswith(GLANCE)
        ],
    )


def _appendix(stages: dict[str, list[Cell]]) -> Section:
    """The other figures of the results."""
    return Section(
        "appendix",
        APPENDIX,
        figures=[
            figure
            for cell in stages.get("results", [])
            for figure in _figures(cell)
            if not figure.name.endswith(GLANCE)
        ],
    )


def _section(stage: str, cells: list[Cell]) -> Section:
    claims = stage == "claims"
    return Section(
        name=stage,
        title=SECTIONS[stage],
        quotes=[quote for cell in cells for quote in _findings(cell)],
        quotes_in_tables=[quote for cell in cells if claims for quote in _verdicts(cell)],
        tables=[*([_claims(cells)] if claims else []), *_tables(stage, cells)],
        # Figures of the results open and close the paper. The maps of each arm and seed stay in
        # their notebooks, and the effect of arms is reported with the claims.
        figures=[figure for cell in cells for figure in _figures(cell)]
        if stage in ("claims", "transfer")
        else [],
    )


def _file(cell: Cell, name: str) -> str:
    """The path of a cell's file for the reader, relative to the folder of all outputs."""
    outputs = cell.params.outputs
    return f"{outputs.name}/{cell.path(name).relative_to(outputs).as_posix()}"


def _levels(cell: Cell) -> dict[str, Any]:
    """The factors that distinguish a cell; the encoder counts only if there are several."""
    several = len(cell.params.encoders) > 1
    return {name: level for name, level in cell.factors.items() if several or name != "encoder"}


def _label(cell: Cell) -> str:
    """The levels in words: `english, seed 1`."""
    levels = _levels(cell)
    return ", ".join(f"seed {v}" if name == "seed" else str(v) for name, v in levels.items())


def _place(cell: Cell) -> tuple[str, ...]:
    """The parts of a cell's macro names: stage, encoder and so on."""
    return (cell.stage.name, *cell.key.split("."))


def _about(cells: list[Cell]) -> Provenance:
    """The provenance of several cells together; a single one keeps its own fingerprint."""
    own = [saved.provenance(cell) for cell in cells]
    if len(own) == 1:
        return own[0]
    together = fingerprint([one.fingerprint for one in own])
    return Provenance(
        profile=own[0].profile,
        encoder=", ".join(dict.fromkeys(one.encoder for one in own)),
        synthetic=own[0].synthetic,
        seeds=tuple(sorted({seed for one in own for seed in one.seeds})),
        fingerprint=f"{together} ({len(own)} runs together)",
    )


def _tables(stage: str, cells: list[Cell]) -> Iterator[Table]:
    """The tables of all cells of a stage; those of the same name are stacked, and empty ones left
    out."""
    made = [(cell, saved.tables_of(cell)) for cell in cells]
    for name in dict.fromkeys(name for _, tables in made for name in tables):
        if (stage, name) == ("claims", "claims"):
            continue  # its sentences are plain text there; `_claims` has their numbers
        parts = [(cell, tables[name]) for cell, tables in made if len(tables.get(name, ()))]
        if not parts:
            continue
        frame = pd.concat([_with_levels(cell, part) for cell, part in parts], ignore_index=True)
        yield Table(
            name=f"{stage}_{name}",
            title=title(name),
            about=_about([cell for cell, _ in parts]),
            frame=frame,
            origins=[
                Origin(_file(cell, f"tables/{name}.csv"), row, cell.fingerprint)
                for cell, part in parts
                for row in range(1, len(part) + 1)
            ],
            records=records(frame),
        )


def _with_levels(cell: Cell, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a leading column for each factor that distinguishes cells."""
    levels = {name: level for name, level in _levels(cell).items() if name not in frame}
    return pd.DataFrame(levels, index=frame.index).join(frame) if levels else frame


def _figures(cell: Cell) -> Iterator[Figure]:
    """A cell's saved figures.

    Raises:
        InputError: one of the two formats is missing.
    """
    for file in cell.artefacts("figures/*.png"):
        name = file.stem
        files = [file, cell.artefact(f"figures/{name}.pdf")]
        label = _label(cell)
        # The encoder comes first and is left out if there is only one.
        levels = cell.key.split(".")[len(cell.factors) - len(_levels(cell)) :]
        yield Figure(
            name="_".join([cell.stage.name, *levels, name]),
            title=title(name) + (f", {label}" if label else ""),
            about=saved.provenance(cell),
            png=files[0].read_bytes(),
            pdf=files[1].read_bytes(),
            file=_file(cell, f"figures/{name}.pdf"),
        )


def _quotes(cell: Cell, found: Iterable[dict[str, Any]], place: tuple[str, ...]) -> list[Quote]:
    sentences = [Sentence.of(record) for record in found]
    return [
        # A sentence with the name of its claim is not named twice.
        Quote(
            place=tuple(dict.fromkeys((*place, sentence.name))),
            sentence=sentence,
            file=_file(cell, "metrics.json"),
            about=_label(cell),
        )
        for sentence in sentences
    ]


def _findings(cell: Cell) -> list[Quote]:
    """The sentences of a cell, if it has any."""
    return _quotes(cell, cell.metrics().get("findings", []), _place(cell))


def _verdicts(cell: Cell) -> list[Quote]:
    """What was found for each comparison of a claim, and the statements about it.

    A reason why claims are not answered is quoted once, with the names of the claims.
    """
    quotes: list[Quote] = []
    lacking: dict[str, tuple[dict[str, Any], dict[str, None]]] = {}
    label = _label(cell)
    for claim in cell.metrics()["claims"]:
        for line in claim["lines"]:
            said = [line["finding"]] if line["interval"] else []
            if line["kind"] != NOT_ANSWERED:
                said += line["reasons"]
            else:
                for reason in line["reasons"]:
                    _, names = lacking.setdefault(str(Sentence.of(reason)), (reason, {}))
                    names[claim["name"]] = None
            place = (*_place(cell), claim["name"], line["compared"])
            about = ", ".join(filter(None, (label, claim["name"])))
            quotes += [replace(one, about=about) for one in _quotes(cell, said, place)]
    for reason, names in lacking.values():
        about = ", ".join(filter(None, (label, f"not answered ({', '.join(names)})")))
        found = _quotes(cell, [reason], (*_place(cell), "lack"))
        quotes += [replace(one, about=about) for one in found]
    return quotes


def _claims(cells: list[Cell]) -> Table:
    """One row per comparison: the claim and its source, the verdict, what was found, and why."""
    rows, origins, found = [], [], []
    for cell in cells:
        for i, claim in enumerate(cell.metrics()["claims"], start=1):
            for line in claim["lines"]:
                rows.append(
                    _levels(cell)
                    | {
                        "claim": claim["statement"],
                        "source": claim["source"],
                        "compared": line["compared"],
                        "verdict": line["kind"],
                        "finding": Prose((Sentence.of(line["finding"]),)),
                        "reasons": Prose(tuple(map(Sentence.of, line["reasons"]))),
                        "differs from the source": claim["deviation"] or "",
                    }
                )
                origins.append(Origin(_file(cell, "metrics.json"), i, cell.fingerprint))
                found.append(claim | {"lines": [line]})
    return Table("claims", title("claims"), _about(cells), pd.DataFrame(rows), origins, found)
