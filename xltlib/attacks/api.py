"""One call that attacks any span-QA model on any SQuAD-like rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from xltlib.artifacts import InputError, fingerprint
from xltlib.attacks import report
from xltlib.attacks.engine import attack_examples
from xltlib.attacks.recipes import SETTINGS
from xltlib.attacks.resources import CACHE, Resources, Row
from xltlib.encoders import encoder_folder
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EngineSettings, RecipeSettings, explain


@dataclass(frozen=True)
class Attacked:
    """Results, one row an example, and their summary, one row a language."""

    results: pd.DataFrame
    summary: pd.DataFrame


def attack(
    model: Path | str,
    rows: Iterable[Row],
    recipe: str | RecipeSettings,
    out: Path | str,
    *,
    limit: int | None = None,
    shard: tuple[int, int] = (1, 1),
    encoder: str | None = None,
    bitext: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    cache: Path | str = CACHE,
    device: str = "cpu",
    engine: EngineSettings | None = None,
    progress: bool = True,
    **settings: Any,
) -> Attacked:
    """Attack a model and save what came of it under `out`; the same call resumes.

    Args:
        model: a folder with a Hugging Face span-QA model, or a hub repository.
        rows: questions as `xltlib.corpora.squad_files.read_squad` gives them.
        recipe: its name, with `settings` of `xltlib.params.attacks`, or the settings themselves.
        limit: only the first so many that can be attacked: an answer needs a place in its passage.
        shard: (k, n): the k-th of n parts of the rows, for n machines.
        encoder: me5-small, a hub repository or a folder; measures how alike passages stay, and some
            recipes need it.
        bitext: (sentence, English) pairs by language, from which `codemix` can induce lexicons.
        cache: where encoders are kept.

    Raises:
        InputError: no such model, recipe or setting, nothing to attack, or no place to write to.
    """
    chosen = recipe_settings(recipe, settings) if isinstance(recipe, str) else recipe
    rows, (k, n) = list(rows), shard
    if not 1 <= k <= n:
        raise InputError(f"shard {k}/{n}: there is no such part; give 1/{n} to {n}/{n}")
    placed = [row for row in rows if min(row["answers"]["answer_start"]) >= 0]
    part = placed[:limit][k - 1 :: n]
    if not part:
        raise InputError("no question to attack: none has an answer with a place in its passage")
    by_language: dict[str, list[Row]] = {}
    for row in rows:
        by_language.setdefault(row["language"], []).append(row)
    cache, out = Path(cache).expanduser(), Path(out)
    folder = encoder_folder(str(model), cache=cache)
    resources = Resources(
        SpanPredictor.load(folder, device=device),
        by_language,
        encoder_folder(encoder, cache=cache) if encoder else None,
        bitext or {},
        cache,
    )
    # Lines of another model, of other data or settings are never taken for these.
    weights = [
        [file.name, file.stat().st_mtime_ns] for file in sorted(folder.glob("*.safetensors"))
    ]
    precision = (engine or EngineSettings()).precision
    made_of = [str(folder), weights, rows, chosen.model_dump(mode="json"), precision]
    log = out / "log" / f"{chosen.kind}.{fingerprint(made_of)}.{k}of{n}.jsonl"
    results = attack_examples(part, resources, chosen, log, engine=engine, progress=progress)
    if encoder:
        results = report.with_similarity(results, resources.vectors)
    return Attacked(results, report.write(out, results, f"{chosen.kind} against {model}"))


def recipe_settings(name: str, values: Mapping[str, Any]) -> RecipeSettings:
    """A recipe's settings by its name.

    Raises:
        InputError: no such recipe, or a setting that it does not have.
    """
    if name not in SETTINGS:
        raise InputError(f"recipe {name!r}: no such recipe; known: {', '.join(SETTINGS)}")
    try:
        return SETTINGS[name].model_validate(dict(values))
    except ValidationError as error:
        raise InputError(explain(f"recipe {name}", error, SETTINGS[name])) from error
