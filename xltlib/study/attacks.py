"""Stage 05: attack a fine-tuned model on the examples that every model gets."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from datasets import Dataset
from IPython.display import HTML, Image, Markdown
from pandas.api.types import is_numeric_dtype
from transformers import PreTrainedTokenizerBase

from xltlib.analysis.tables import success_rate
from xltlib.artifacts import fingerprint
from xltlib.attacks import Resources, attack_examples, report, static_set, validity
from xltlib.attacks.pair import PairPredictor
from xltlib.encoders.opening import open_tokenizer
from xltlib.evaluation import squad
from xltlib.evaluation.answer_scoring import normalizer
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EngineSettings
from xltlib.params.recipes import takes_gradients
from xltlib.reporting import cell_findings, figures
from xltlib.reporting.shown import ordered, style
from xltlib.study import data, revisions, saved, work
from xltlib.study.cell import AttackCell
from xltlib.study.evaluation import labelled_model, predictor, require_room
from xltlib.study.models import encoder_folder
from xltlib.study.target_tasks import is_qa


def run(cell: AttackCell, *, progress: bool = True) -> dict[str, Any]:
    """Attack all chosen examples; those that an earlier, killed run finished are kept."""
    return work.once(cell, lambda: _run(cell, progress))


def _run(cell: AttackCell, progress: bool) -> None:
    started, settings = time.time(), cell.params.attacks[cell.attack]
    model, frames = _model(cell, settings.engine), []
    bitext = data.bitext(cell.params, settings)
    commits = revisions.of_models(cell.params)
    everything = data.attacked_sets(cell.params, settings)
    chosen = data.to_attack(cell.params, settings)
    for corpus, sets in everything.items():
        rows = {language: list(part) for language, part in sets.items()}
        resources = Resources(model, rows, encoder_folder(cell), bitext, cell.params.cache, commits)
        require_room(
            cell,
            model.model,
            settings.engine,
            f"attacks.{cell.attack}.engine.batch_size",
            gradients=takes_gradients(settings.recipe),
            beside=[encoder_folder(cell), *resources.named(settings.recipe)],
        )
        for language in rows:
            log = cell.work(f"logs/{corpus.replace('/', '.')}.{language}.jsonl")
            frame = attack_examples(
                [row | {"corpus": data.corpus_of(corpus)} for row in chosen[corpus, language]],
                resources,
                settings.recipe,
                log,
                engine=settings.engine,
                progress=progress,
            )
            frames.append(report.with_similarity(frame, resources.vectors).assign(corpus=corpus))
    results = pd.concat(frames, ignore_index=True)
    saved.write_scores(cell.path("scores.parquet"), scores(results))
    title = f"{cell.params.profile}: {cell.key}"
    summary = report.write(cell.folder, results, title)
    if is_qa(cell.params, cell.task):  # SQuAD files hold no pairs of sentences
        static_set.save(
            cell.path("static_set.json"),
            results,
            profile=cell.params.profile,
            synthetic=cell.params.synthetic,
            recipe=settings.recipe.model_dump(mode="json"),
            **cell.factors,
        )
    tokenizer = open_tokenizer(encoder_folder(cell))
    metrics = {
        "languages": _records(summary),
        "validity": _records(_validity(results, tokenizer, everything)),
    }
    work.finish(cell, metrics, started=started)


def scores(results: pd.DataFrame) -> pd.DataFrame:
    """The outcome of an attack for each question, without any text. Later stages read nothing else.

    It has F1, exact match and probability before and after, the cost, a hash of the passage, the
    places of the edits, and the language of an inserted sentence.
    """
    numbers = [name for name in results if is_numeric_dtype(results[name])]
    found = results[[*NAMES, *numbers]].copy()
    for when in ("original", "attacked"):
        found[f"{when}_em"] = [
            squad.exact_match(
                getattr(row, f"{when}_prediction"),
                row.answers["text"],
                normalizer(row.language, row.corpus),
            )
            for row in results.itertuples()
        ]
    return found.assign(
        passage=[fingerprint(context) for context in results["context"]],
        edit_starts=[[int(edit["start"]) for edit in edits] for edits in results["edits"]],
        inserted=results["distractor_language"],
    )


NAMES = ["corpus", "language", "id", "outcome"]


def _validity(
    results: pd.DataFrame,
    tokenizer: PreTrainedTokenizerBase,
    everything: dict[str, dict[str, Dataset]],
) -> pd.DataFrame:
    """How much of the originals attacked texts keep. The known words of a language are those of its
    passages."""
    passages: dict[str, list[str]] = {}
    for sets in everything.values():
        for language, rows in sets.items():
            passages.setdefault(language, []).extend(rows["context"])
    known = {language: validity.known_words(texts) for language, texts in passages.items()}
    measured = validity.kept(results, known)
    found = report.validity(results, tokenizer)
    return found.merge(measured, on="language", how="left") if len(measured) else found


def _model(cell: AttackCell, engine: EngineSettings) -> SpanPredictor | PairPredictor:
    """The model under attack, for span QA or for sentence pairs."""
    if is_qa(cell.params, cell.task):
        return predictor(cell, engine)
    model, tokenizer = labelled_model(cell)
    return PairPredictor(model, cell.task, tokenizer, engine.batch_size)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table for JSON, which has no NaN."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def findings(cell: AttackCell) -> Markdown:
    """On how many examples the attack succeeded."""
    targeted = cell.params.attacks[cell.attack].recipe.goal == "targeted"
    found = cell_findings.of_attack(cell.metrics()["languages"], targeted=targeted)
    return saved.found(cell, found)


def success_figure(cell: AttackCell) -> Image:
    """The success rate by language."""
    outcomes = pd.read_parquet(cell.artefact("scores.parquet"))
    table = success_rate(outcomes.assign(attack=cell.attack, arm=cell.arm, seed=cell.seed))
    return saved.drawn(figures.success_rate(table, about=saved.provenance(cell)))


def results(cell: AttackCell) -> pd.DataFrame:
    """The attacked examples of a finished cell."""
    return pd.read_parquet(cell.artefact("attacks.parquet"))


def examples(cell: AttackCell, per_language: int = 1) -> HTML:
    """A few attacks of each language, successful ones first: passage, edits, both predictions."""
    return HTML(report.examples(results(cell), per_language))


def settings_table(cell: AttackCell) -> pd.DataFrame:
    """The attack's budget and rules."""
    settings = cell.params.attacks[cell.attack].model_dump(mode="json", exclude={"test_sets"})
    flat = settings.pop("recipe") | settings.pop("engine") | settings
    return pd.DataFrame({"setting": flat.keys(), "value": map(str, flat.values())})


def outcome_table(metrics: dict[str, Any]) -> HTML:
    """One row per corpus and language: outcomes, F1 in points, cost and size of the edits."""
    return style(ordered(metrics["languages"], OUTCOMES).astype({"success rate": float}))


def count_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row per corpus and language: how many examples were attacked."""
    return pd.DataFrame(metrics["languages"])[["corpus", "language", "n"]]


def validity_table(metrics: dict[str, Any]) -> HTML:
    """One row per language: are attacked texts still what they should be?"""
    return style(ordered(metrics["validity"], ["language", "n", "changed", "edits"]))


OUTCOMES = [
    *("corpus", "language", "n", "skipped", "no_candidates", "error", "succeeded", "failed"),
    *("success rate", "f1", "attacked f1", "queries"),
]


def violations(cell: AttackCell) -> dict[str, int]:
    """Violations of the attack's rules, counted again from the saved texts. All must be 0."""
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
            for text, start in zip(row.answers["text"], row.answers["answer_start"], strict=True)
            if start >= 0  # the class of a sentence pair is no part of the text
        )
    return counts
