"""Stage 06: from predictions to tables, figures and findings."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict
from functools import partial
from typing import Any

import pandas as pd

from xltlib.analysis import calibration, conditions, contrasts, recipe, tables
from xltlib.analysis.answer_types import by_type
from xltlib.analysis.mixed_model import mixed_model
from xltlib.analysis.robustness import answered_by_all, points
from xltlib.attacks import static_set
from xltlib.params import STANDARD, EngineSettings, Params
from xltlib.reporting import (
    answers,
    error_findings,
    figures,
    findings,
    glance,
    heat_maps,
    reliability,
)
from xltlib.study import attacks, error_analysis, saved, work
from xltlib.study.arm_claims import seen_by_model, untrained_arm, verdicts_of
from xltlib.study.cell import AttackCell, EncoderCell
from xltlib.study.evaluation import predictor
from xltlib.study.stages import transfer_groups, transfer_key
from xltlib.study.target_tasks import is_qa


def clean_results(cell: EncoderCell) -> pd.DataFrame:
    """Every evaluated question of every model: factors, corpus, language, id, f1 and em in [0,
    1]."""
    return _gather(cell, "evaluation")


def attacked_results(cell: EncoderCell) -> pd.DataFrame:
    """Every attacked question of every model, with F1 and EM before and after, in [0, 1]. If all
    models met several attacks, the worst one for each question is added as the attack "ensemble".
    """
    frame = _gather(cell, "attacks")
    if not len(frame):
        return pd.DataFrame(columns=ATTACKED_COLUMNS)
    return pd.concat([frame, conditions.ensemble(frame)], ignore_index=True)


ATTACKED_COLUMNS = [
    "attack",
    *conditions.KEYS,
    *conditions.SCORES,
    "outcome",
    "queries",
    "inserted",
]


def _gather(cell: EncoderCell, stage: str) -> pd.DataFrame:
    frames = [pd.DataFrame()]
    for source in cell.of(stage):
        if stage == "attacks" and not is_qa(cell.params, source.task):
            continue  # attacks on sentence pairs have no F1; stage 05 shows them
        frame = pd.read_parquet(source.artefact("scores.parquet")).assign(**source.factors)
        frames.append(frame.assign(arm=source.model_name))
    return pd.concat(frames, ignore_index=True)


def attack_transfer(cell: EncoderCell) -> pd.DataFrame:
    """Attacked examples made against one model and tested on the others, pooled over seeds.

    Only models of standard training count. `broken` is a percentage of the `n` examples that the
    tested model answers correctly without the attack.
    """
    counts = [pd.DataFrame(columns=TRANSFER_COLUMNS)]
    for (attack, seed), sources in transfer_groups(cell).items():
        found = cell.measured(
            f"attack_transfer.{attack}.{seed}",
            transfer_key(sources),
            partial(_transfer_counts, cell.params, attack, sources),
        )
        counts.append(pd.DataFrame(found, columns=TRANSFER_COLUMNS))
    sums = pd.concat(counts).groupby(TRANSFER_COLUMNS[:3], sort=False)[["broken", "n"]].sum()
    table = sums.astype(float).reset_index()
    return table.assign(broken=100 * table["broken"] / table["n"].where(table["n"] > 0))


def _transfer_counts(
    params: Params, attack: str, sources: list[AttackCell]
) -> list[dict[str, Any]]:
    """The counts for one attack and one seed, from the attacked texts and the models."""
    if "perturbation_norm" in attacks.results(sources[0]):
        return []
    made = {source.model_name: attacks.results(source) for source in sources}
    models = (
        # In float32, the precision in which an attack's success was decided.
        (source.model_name, predictor(source, EngineSettings()))
        for source in sources
    )
    settings = params.attacks[attack].recipe
    found = static_set.transfer_matrix(made, models, settings).assign(attack=attack)
    return found.astype({"broken": int, "n": int}).to_dict("records")


TRANSFER_COLUMNS = ["attack", "made against", "tested on", "broken", "n"]


def run(cell: EncoderCell) -> dict[str, Any]:
    """Compute and save all tables, figures and verdicts; a finished cell is read back."""
    return work.once(cell, lambda: _run(cell))


def _run(cell: EncoderCell) -> None:
    started = time.time()
    answered, adaptive = clean_results(cell), attacked_results(cell)
    clean = answered[~conditions.is_static(answered)]
    static = conditions.static(answered)
    tested = conditions.together(static, adaptive)
    types, absent = error_analysis.types(cell)
    made = _tables(cell, clean, adaptive, tested)
    published = [
        one
        for one in cell.params.analysis.published
        if one.encoders is None or cell.encoder in one.encoders
    ]
    made |= {
        "by_type": by_type(tested, types),
        "calibration": calibration.errors(answered),
        "published": recipe.beside_published(clean, published, untrained_arm(cell.params)),
    }
    records = [answers.record(one) for one in verdicts_of(cell, clean, static, adaptive)]
    drawn = _figures(cell, clean, tested, made, records)
    about = saved.provenance(cell)
    if sure := reliability.figure(calibration.reliability(answered), about=about):
        drawn["reliability"] = sure
    saved.save(cell, made, drawn)
    said = [
        *findings.of_scores(clean, seen_by_model(cell, clean)),
        *findings.of_published(made["published"], {one.source: one.within for one in published}),
        *findings.of_attacks(made["under_attack"], seen_by_model(cell, clean)),
        *findings.of_success(made["success_rate"]),
        *findings.of_attack_transfer(made["attack_transfer"]),
        *findings.of_contrasts(made["contrasts"], tables.MACRO),
        *error_findings.of_types(made["by_type"], absent),
        *error_findings.of_calibration(made["calibration"]),
    ]
    metrics = {
        "tables": {name: len(frame) for name, frame in made.items()},
        "questions": len(clean),
        "attacked": len(tested),
        "answer": [asdict(one) for one in answers.answer(answers.primary(records))],
        "findings": [asdict(sentence) for sentence in said],
        "claims": records,
    }
    work.finish(cell, metrics, started=started)


def _tables(
    cell: EncoderCell, clean: pd.DataFrame, adaptive: pd.DataFrame, tested: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    settings, params = cell.params.analysis, cell.params
    level, p_values = settings.level, not params.synthetic
    pairs = _pairs(cell, clean)
    seen = seen_by_model(cell, clean)
    return {
        "scores": tables.scores(clean),
        "under_attack": tables.under_attack(tested),
        "success_rate": tables.success_rate(adaptive),
        "on_common_questions": tables.under_attack(answered_by_all(tested)),
        "attack_transfer": attack_transfer(cell),
        "contrasts": contrasts.table(
            clean,
            tested,
            pairs=pairs,
            seen=seen,
            smallest=settings.smallest_effects.model_dump(),
            level=level,
            p_values=p_values,
        ),
        "mixed_model": mixed_model(
            _unseen(tested, seen, settings.contrasts[0]),
            *settings.contrasts[0],
            level=level,
            p_values=p_values,
        ),
        "clean_against_attacked": _in_points(_points(_unseen(tested, seen, seen))),
    }


def _points(tested: pd.DataFrame) -> pd.DataFrame:
    """Every model's clean and attacked F1 in [0, 1], by condition, corpus and language."""
    columns = ["attack", "arm", "seed", "corpus", "language", "original_f1", "attacked_f1", "n"]
    parts = [points(part).assign(attack=name) for name, part in tested.groupby("attack")]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _in_points(table: pd.DataFrame) -> pd.DataFrame:
    names = {"original_f1": "clean f1", "attacked_f1": "attacked f1"}
    return table.assign(**{old: 100 * table[old] for old in names}).rename(columns=names)


def _figures(
    cell: EncoderCell,
    clean: pd.DataFrame,
    tested: pd.DataFrame,
    made: dict[str, pd.DataFrame],
    records: list[dict[str, Any]],
) -> dict[str, Any]:
    about, settings = saved.provenance(cell), cell.params.analysis
    seen = seen_by_model(cell, clean)
    drawn = {"scores_by_language": figures.scores_by_language(clean, about=about)}
    if len(made["contrasts"]):
        smallest = settings.smallest_effects.model_dump()
        drawn["answer"] = glance.answer(
            made["contrasts"], answers.primary(records), smallest=smallest, about=about
        )
        drawn["contrast"] = figures.contrast(made["contrasts"], smallest=smallest, about=about)
    if len(tested):
        drawn["effective_robustness"] = glance.effective_robustness(
            _points(_unseen(tested, seen, seen)), about=about
        )
        drawn["clean_and_attacked"] = figures.clean_and_attacked(made["under_attack"], about=about)
    if len(made["success_rate"]):
        drawn["success_rate"] = figures.success_rate(made["success_rate"], about=about)
    if len(made["attack_transfer"]):
        drawn["attack_transfer"] = heat_maps.attack_transfer(made["attack_transfer"], about=about)
    return drawn


def _unseen(tested: pd.DataFrame, seen: dict[str, set[str]], arms: Collection[str]) -> pd.DataFrame:
    """The answers in languages other than English that none of some arms has trained on; if there
    are none, in all other languages."""
    other = tested[tested["language"] != "en"]
    trained = set().union(*(seen.get(arm, set()) for arm in arms))
    unseen = other[~other["language"].isin(trained)]
    return unseen if len(unseen) else other


def _pairs(cell: EncoderCell, clean: pd.DataFrame) -> list[tuple[str, str]]:
    """The contrasts of the profile that its models allow, and each method against standard
    training."""
    models = set(clean["arm"])
    methods = {
        (source.model_name, source.arm)
        for source in cell.of("evaluation")
        if source.method != STANDARD
    }
    wanted = [*cell.params.analysis.contrasts, *sorted(methods)]
    return [pair for pair in wanted if set(pair) <= models]
