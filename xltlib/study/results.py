"""Stage 06: from predictions to tables, figures and what may be said."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import pandas as pd

from xltlib.analysis import claims, figures, maps, reading, tables
from xltlib.analysis.mixed_model import mixed_model
from xltlib.analysis.verdict import Verdict, judge
from xltlib.attacks import static_set
from xltlib.params import STANDARD, EngineSettings, Recipe
from xltlib.params.claims import ArmsEstimate
from xltlib.study import attacks, saved
from xltlib.study.cell import AttackCell, EncoderCell, ModelCell
from xltlib.study.design import scope
from xltlib.study.evaluation import predictor
from xltlib.study.stages import transfer_groups


def clean_results(cell: EncoderCell) -> pd.DataFrame:
    """Every evaluated question of every model: factors, corpus, language, id, f1, em in [0, 1]."""
    return _gather(cell, "evaluation")


def attacked_results(cell: EncoderCell) -> pd.DataFrame:
    """Every attacked question of every model, with F1 and EM before and after, in [0, 1]."""
    return _gather(cell, "attacks")


def model_name(cell: ModelCell) -> str:
    """What tables and figures call a model: its arm, and its method where that is not standard."""
    return cell.arm if cell.method == STANDARD else f"{cell.arm} {cell.method}"


def _gather(cell: EncoderCell, stage: str) -> pd.DataFrame:
    frames = []
    for source in cell.of(stage):
        frame = pd.read_parquet(source.artefact("scores.parquet")).assign(**source.factors)
        frames.append(frame.assign(arm=model_name(source)))
    return pd.concat(frames, ignore_index=True)


def attack_transfer(cell: EncoderCell) -> pd.DataFrame:
    """Attacked examples made against one model and tested on the others, pooled over seeds.

    Models are those of standard training. `broken` is a percent of the `n` examples that the tested
    model answers right when clean.
    """
    counts = [pd.DataFrame(columns=TRANSFER_COLUMNS)]
    for (attack, seed), sources in transfer_groups(cell).items():
        found = cell.measured(
            f"attack_transfer.{attack}.{seed}",
            [source.fingerprint for source in sources],
            lambda attack=attack, sources=sources: _transfer_counts(attack, sources),
        )
        counts.append(pd.DataFrame(found, columns=TRANSFER_COLUMNS))
    sums = pd.concat(counts).groupby(TRANSFER_COLUMNS[:3], sort=False)[["broken", "n"]].sum()
    table = sums.astype(float).reset_index()
    return table.assign(broken=100 * table["broken"] / table["n"].where(table["n"] > 0))


def _transfer_counts(attack: str, sources: list[AttackCell]) -> list[dict[str, Any]]:
    """The counts of one attack at one seed, from the attacked texts and the models."""
    if "perturbation_norm" in attacks.results(sources[0]):
        return []
    made = {model_name(source): attacks.results(source) for source in sources}
    models = (
        # In float32, as it was decided that the attacks succeed.
        (model_name(source), predictor(source, EngineSettings()))
        for source in sources
    )
    found = static_set.transfer_matrix(made, models).assign(attack=attack)
    return found.astype({"broken": int, "n": int}).to_dict("records")


TRANSFER_COLUMNS = ["attack", "made against", "tested on", "broken", "n"]


def run(cell: EncoderCell) -> dict[str, Any]:
    """Compute and save all tables, figures and the verdict; a finished cell is read back."""
    return cell.once(lambda: _run(cell))


def _run(cell: EncoderCell) -> None:
    started, params = time.time(), cell.params
    clean, attacked = clean_results(cell), attacked_results(cell)
    settings = params.analysis
    resampling = {
        "samples": settings.bootstrap_samples,
        "seed": settings.seed,
        "level": settings.level,
    }
    contrasts = tables.contrasts(
        clean,
        attacked,
        pairs=_pairs(cell, clean),
        smallest_effect=settings.smallest_effect,
        **resampling,
    )
    made = {
        "scores": tables.scores(clean),
        "under_attack": tables.under_attack(attacked),
        "success_rate": tables.success_rate(attacked),
        "on_common_questions": tables.under_attack(tables.answered_by_all(attacked)),
        "attack_transfer": attack_transfer(cell),
        "contrasts": contrasts,
        "mixed_model": _mixed_model(cell, attacked),
    }
    about = saved.provenance(cell)
    drawn = {
        "scores_by_language": figures.scores_by_language(clean, about=about),
        "clean_and_attacked": figures.clean_and_attacked(made["under_attack"], about=about),
        "drop": figures.drop(made["under_attack"], about=about),
        "success_rate": figures.success_rate(made["success_rate"], about=about),
    }
    if len(made["attack_transfer"]):
        drawn["attack_transfer"] = maps.attack_transfer(made["attack_transfer"], about=about)
    if len(contrasts):
        drawn["contrast"] = figures.contrast(contrasts, about=about)
    saved.save(cell, made, drawn)
    readings = [
        *reading.of_scores(clean),
        *reading.of_attacks(made["under_attack"]),
        *reading.of_success(made["success_rate"]),
        *reading.of_attack_transfer(made["attack_transfer"]),
        *reading.of_contrasts(contrasts, tables.MACRO),
    ]
    verdicts = _verdicts(cell, clean, attacked, resampling)
    metrics = {
        "tables": {name: len(frame) for name, frame in made.items()},
        "questions": len(clean),
        "attacked": len(attacked),
        "readings": [asdict(sentence) for sentence in readings],
        "claims": [verdict.record() for verdict in verdicts],
    }
    cell.finish(metrics, started=started)


def _mixed_model(cell: EncoderCell, attacked: pd.DataFrame) -> pd.DataFrame:
    """The check of the study's first contrast, where both of its arms are attacked."""
    (treated, control), settings = cell.params.analysis.contrasts[0], cell.params.analysis
    zero_shot = attacked[attacked["language"] != "en"]
    return mixed_model(zero_shot, treated, control, level=settings.level)


def _verdicts(
    cell: EncoderCell, clean: pd.DataFrame, attacked: pd.DataFrame, resampling: dict[str, Any]
) -> list[Verdict]:
    """The claims on arms and distractors."""
    params, verdicts = cell.params, []
    both = [name for name, attack in params.attacks.items() if _offers_english(attack.recipe)]
    for name, claim in params.claims_of("arms", "distractor language").items():
        if isinstance(claim.estimate, ArmsEstimate):
            found, unit = claims.of_arms(claim.estimate, clean, attacked, **resampling), F1_UNIT
        else:
            found, unit = claims.of_distractors(attacked, both, **resampling), SHARE_UNIT
        options = {"unit": unit, "smallest_effect": params.analysis.smallest_effect}
        verdicts.append(judge(name, claim, found, scope(params), **options))
    return verdicts


F1_UNIT, SHARE_UNIT = "points of F1", "points of the share of questions"


def _offers_english(recipe: Recipe) -> bool:
    """Whether a distractor may be in the passage's language and in English."""
    return recipe.kind == "distractor" and {"passage", "en"} <= set(recipe.languages)


def _pairs(cell: EncoderCell, clean: pd.DataFrame) -> list[tuple[str, str]]:
    """The contrasts of the profile that its models allow, and each method against standard."""
    models = set(clean["arm"])
    methods = {
        (model_name(source), source.arm)
        for source in cell.of("evaluation")
        if source.method != STANDARD
    }
    wanted = [*cell.params.analysis.contrasts, *sorted(methods)]
    return [pair for pair in wanted if set(pair) <= models]
