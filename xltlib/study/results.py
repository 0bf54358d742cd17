"""Stage 06: from predictions to tables, figures and what may be said."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import pandas as pd
from IPython.display import Markdown

from xltlib.analysis import figures, tables
from xltlib.analysis.verdict import headline
from xltlib.attacks import static_set
from xltlib.evaluation import squad
from xltlib.params import STANDARD, EngineSettings
from xltlib.study import attacks, saved
from xltlib.study.design import attacked_languages
from xltlib.study.evaluation import predictor
from xltlib.study.grid import Cell


def clean_results(cell: Cell) -> pd.DataFrame:
    """Every evaluated question of every model: factors, corpus, language, id, f1, em in [0, 1]."""
    return _gather(cell, "evaluation", "predictions.parquet")


def attacked_results(cell: Cell) -> pd.DataFrame:
    """Every attacked question of every model, with F1 and EM before and after, in [0, 1]."""
    frame = _gather(cell, "attacks", "attacks.parquet")
    for when in ("original", "attacked"):
        frame[f"{when}_em"] = [
            squad.exact_match(prediction, answers["text"])
            for prediction, answers in zip(
                frame[f"{when}_prediction"], frame["answers"], strict=True
            )
        ]
    return frame


def model_name(cell: Cell) -> str:
    """What tables and figures call a model: its arm, and its method where that is not standard."""
    return cell.arm if cell.method == STANDARD else f"{cell.arm} {cell.method}"


def _gather(cell: Cell, stage: str, file: str) -> pd.DataFrame:
    frames = []
    for source in cell.upstream:
        if source.stage.name == stage:
            source.metrics()
            frame = pd.read_parquet(source.path(file)).assign(**source.factors)
            frames.append(frame.assign(arm=model_name(source)))
    return pd.concat(frames, ignore_index=True)


def attack_transfer(cell: Cell) -> pd.DataFrame:
    """Attacked examples made against one model and tested on the others, pooled over seeds.

    Models are those of standard training. `broken` is a percent of the `n` examples that the tested
    model answers right when clean.
    """
    groups: dict[tuple[str, int], list[Cell]] = {}
    for source in cell.upstream:
        if source.stage.name == "attacks" and source.method == STANDARD:
            groups.setdefault((str(source.attack), int(source.seed or 0)), []).append(source)
    frames = [pd.DataFrame(columns=TRANSFER_COLUMNS)]
    for (attack, _), sources in groups.items():
        if len(sources) > 1 and "perturbation_norm" not in attacks.results(sources[0]):
            made = {model_name(source): attacks.results(source) for source in sources}
            models = (
                # In float32, as it was decided that the attacks succeed.
                (model_name(source), predictor(source, EngineSettings()))
                for source in sources
            )
            frames.append(static_set.transfer_matrix(made, models).assign(attack=attack))
    counts = pd.concat(frames).groupby(TRANSFER_COLUMNS[:3], sort=False)[["broken", "n"]].sum()
    table = counts.astype(float).reset_index()
    return table.assign(broken=100 * table["broken"] / table["n"].where(table["n"] > 0))


TRANSFER_COLUMNS = ["attack", "made against", "tested on", "broken", "n"]


def run(cell: Cell) -> dict[str, Any]:
    """Compute and save all tables, figures and the verdict; a finished cell is read back."""
    return cell.once(lambda: _run(cell))


def _run(cell: Cell) -> None:
    started, params = time.time(), cell.params
    clean, attacked = clean_results(cell), attacked_results(cell)
    settings = params.analysis
    resampling = {
        "samples": settings.bootstrap_samples,
        "seed": settings.seed,
        "level": settings.level,
    }
    contrasts = tables.contrasts(clean, attacked, pairs=_pairs(cell, clean), **resampling)
    made = {
        "scores": tables.scores(clean),
        "under_attack": tables.under_attack(attacked),
        "success_rate": tables.success_rate(attacked),
        "on_common_questions": tables.under_attack(tables.answered_by_all(attacked)),
        "attack_transfer": attack_transfer(cell),
        "contrasts": contrasts,
    }
    options = {"profile": f"{params.profile}, {cell.encoder}", "synthetic": params.synthetic}
    drawn = {
        "scores_by_language": figures.scores_by_language(clean, **options),
        "clean_and_attacked": figures.clean_and_attacked(attacked, **options),
        "drop": figures.drop(attacked, **options),
        "success_rate": figures.success_rate(attacked, **options),
    }
    if len(made["attack_transfer"]):
        drawn["attack_transfer"] = figures.attack_transfer(made["attack_transfer"], **options)
    if len(contrasts):
        drawn["contrast"] = figures.contrast(contrasts, **options)
    saved.save(cell, made, drawn)
    verdict = headline(
        tables.headline_intervals(clean, attacked, **resampling),
        languages=attacked_languages(params),
        synthetic=params.synthetic,
        smallest_effect=settings.smallest_effect,
    )
    metrics = {
        "tables": {name: len(frame) for name, frame in made.items()},
        "questions": len(clean),
        "attacked": len(attacked),
        "verdict": asdict(verdict),
    }
    cell.finish(metrics, started=started)


def _pairs(cell: Cell, clean: pd.DataFrame) -> list[tuple[str, str]]:
    """The contrasts of the profile that its models allow, and each method against standard."""
    models = set(clean["arm"])
    methods = {
        (model_name(source), str(source.arm))
        for source in cell.upstream
        if source.stage.name == "evaluation" and source.method != STANDARD
    }
    wanted = [*cell.params.analysis.contrasts, *sorted(methods)]
    return [pair for pair in wanted if set(pair) <= models]


def verdict_kind(metrics: dict[str, Any]) -> str:
    """Supported, contradicted, inconclusive, or not answered by this profile."""
    return metrics["verdict"]["kind"]


def verdict(metrics: dict[str, Any]) -> Markdown:
    """The verdict's sentence and its reasons."""
    return tables.sentences([metrics["verdict"]["sentence"], *metrics["verdict"]["reasons"]])
