"""Stage 08: what languages share in an arm's encoder and in the models fine-tuned from it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd
from IPython.display import display
from transformers import AutoModel

from xltlib.analysis.tables import MACRO
from xltlib.encoders.footprint import require_reading
from xltlib.encoders.opening import open_tokenizer
from xltlib.encoders.parts import on_device
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.retrieval import MAX_LENGTH
from xltlib.reporting import representation_findings as findings
from xltlib.reporting import representation_maps as maps
from xltlib.reporting.sentences import Sentence
from xltlib.study import encoder_measures, model_measures, saved, work
from xltlib.study.cell import ArmCell, ModelCell
from xltlib.study.encoder_measures import Rows
from xltlib.study.evaluation import require_room
from xltlib.study.models import starting_encoder
from xltlib.training.multitask import load_pretrained
from xltlib.training.run import use_threads

COLUMNS = {
    "retrieval": ["corpus", "language", "metric", "points", "n"],
    "alignment": ["corpus", "language", "translations", "others", "margin", "n"],
    "probe": ["trained on", "tested on", "accuracy", "majority", "n"],
    "cloze": encoder_measures.CONSISTENCY,
    "rank_consistency": encoder_measures.CONSISTENCY,
    "rotation": [
        *("task", "corpus", "language", "languages", "f1", "f1 rotated"),
        *("gain", "low", "high", "level (%)", "n"),
    ],
}
"""The tables, one per measure."""


def run(cell: ArmCell, *, progress: bool = True) -> dict[str, Any]:
    """Measure, and save tables, figures and sentences; a finished cell is read back."""
    return work.once(cell, lambda: _run(cell, progress))


def _run(cell: ArmCell, progress: bool) -> None:
    started = time.time()
    use_threads(cell.params.compute.threads)
    rows = _of_encoder(cell, progress) | _of_models(cell)
    made = {name: pd.DataFrame(rows[name], columns=columns) for name, columns in COLUMNS.items()}
    about = saved.provenance(cell)
    drawn = {
        f"rank_consistency_{task}": maps.consistency_map(pairs, about=about)
        for task, pairs in made["rank_consistency"].groupby("model", sort=False)
    }
    if rows["cloze"]:
        drawn["cloze"] = maps.consistency_map(made["cloze"], about=about)
    if rows["probe"]:
        drawn["probe"] = maps.probe_map(made["probe"], about=about)
    saved.save(cell, made, drawn)
    work.finish(
        cell,
        {
            "retrieval": rows["retrieval"],
            "findings": [asdict(sentence) for sentence in _findings(cell, made)],
        },
        started=started,
    )


def _of_encoder(cell: ArmCell, progress: bool) -> dict[str, Rows]:
    """The measures that need no fine-tuned model."""
    params, folder = cell.params, starting_encoder(cell)
    tokenizer = open_tokenizer(folder)
    model = load_pretrained(AutoModel, folder, params.encoders[cell.encoder], tokenizer)
    on_device(model, params.compute.device)
    texts = (params.representation.batch_size, MAX_LENGTH)
    require_reading(params.compute, model, texts, "representation.batch_size")
    scores, cosines = encoder_measures.retrieval_and_alignment(
        params, model, tokenizer, progress=progress
    )
    return {
        "retrieval": scores,
        "alignment": cosines,
        "probe": encoder_measures.probe(params, cell.seed, model, tokenizer),
        "cloze": encoder_measures.cloze_consistency(params, folder),
    }


def _models(cell: ArmCell) -> list[ModelCell]:
    """The fine-tuned models that are measured."""
    return cell.of("target")


def _of_models(cell: ArmCell) -> dict[str, Rows]:
    """The measures of the fine-tuned models."""
    params = cell.params
    rows: dict[str, Rows] = {"rank_consistency": [], "rotation": []}
    for source in _models(cell):
        predictor = SpanPredictor.load(
            source.artefact("model"),
            device=params.compute.device,
            settings=params.span_qa,
            batch_size=params.evaluation.batch_size,
            precision=params.evaluation.precision,
        )
        require_room(source, predictor.model, params.evaluation, "evaluation.batch_size")
        asked = (params, source.task, predictor)
        rows["rank_consistency"] += model_measures.span_consistency(*asked)
        rows["rotation"] += model_measures.rotation_gains(*asked)
    return rows


def _findings(cell: ArmCell, made: dict[str, pd.DataFrame]) -> Iterator[Sentence]:
    """What each table says, or why it is empty."""
    settings = cell.params.representation
    missing = {
        "cloze": findings.NO_HEAD,
        "rank_consistency": findings.NO_CANDIDATES if _models(cell) else findings.NO_MODEL,
        "rotation": findings.NO_MODEL,
    }
    for name, table in made.items():
        if len(table):
            yield from findings.SAYS[name](table)
        else:
            wanted = getattr(settings, name, None)
            yield Sentence(name, missing[name] if wanted else findings.NOT_WANTED[name], {})


def show_consistency(cell: ArmCell) -> None:
    """A heat map for every model that ranked candidates."""
    for source in _models(cell):
        display(saved.figure(cell, f"rank_consistency_{source.task}"))


def by_language(cells: Iterable[ArmCell]) -> pd.DataFrame:
    """Every measure of the finished cells by language, for comparing arms.

    Returns:
        One row per encoder, arm, seed and language: `retrieval` (points), `margin` (of cosines),
        `rank consistency` with English, corrected for chance, `probe` (accuracy from English), and
        `rotation` (gain in F1). Several corpora or models are averaged; a measure that was not
        taken is NaN.
    """
    frames = []
    for cell in cells:
        made = saved.tables_of(cell)
        pairs = made["rank_consistency"]
        turned = pd.concat(
            [
                pairs.rename(columns={"language 1": "from", "language 2": "language"}),
                pairs.rename(columns={"language 2": "from", "language 1": "language"}),
            ]
        )
        rotation, probe = made["rotation"], made["probe"]
        means = {
            "retrieval": made["retrieval"].groupby("language")["points"],
            "margin": made["alignment"].groupby("language")["margin"],
            "rank consistency": turned[turned["from"] == "en"].groupby("language")["corrected"],
            "probe": probe[probe["trained on"] == "en"].groupby("tested on")["accuracy"],
            "rotation": rotation[rotation["language"] != MACRO].groupby("language")["gain"],
        }
        # A measure that was not taken is an empty column without a type.
        table = pd.DataFrame({name: groups.mean() for name, groups in means.items()}).astype(float)
        frames.append(table.rename_axis("language").reset_index().assign(**cell.factors))
    table = pd.concat(frames or [pd.DataFrame(columns=BY_LANGUAGE)], ignore_index=True)
    return table[BY_LANGUAGE]


BY_LANGUAGE = [
    *("encoder", "arm", "seed", "language"),
    *("retrieval", "margin", "rank consistency", "probe", "rotation"),
]
