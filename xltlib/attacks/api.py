"""One call that attacks any span-QA model on any SQuAD-like questions."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import InputError, require_writable
from xltlib.attacks import folder as folders
from xltlib.attacks import identity as identities
from xltlib.attacks import report
from xltlib.attacks.engine import attack_examples, on_device
from xltlib.attacks.recipes import SETTINGS, Build
from xltlib.attacks.resources import CACHE, Resources, Row
from xltlib.attacks.rows import read_rows
from xltlib.attacks.victims import victim
from xltlib.encoders import encoder_folder
from xltlib.evaluation.answer_scoring import f1_in
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EngineSettings, RecipeSettings, WordSettings, explain
from xltlib.text_files import number_of, shown


class CustomSettings(WordSettings):
    """The settings of a custom recipe: those that all word recipes share."""

    kind: Literal["custom"] = "custom"


@dataclass(frozen=True)
class Attacked:
    """Results with one row per example, and a summary with one row per language.

    `left_out` counts the questions that could not be attacked, by reason.
    """

    results: pd.DataFrame
    summary: pd.DataFrame
    left_out: Mapping[str, int] = field(default_factory=dict)


def attack(
    model: Any,
    rows: Any,
    recipe: str | RecipeSettings | Build,
    out: Path | str | None = None,
    *,
    language: str | None = None,
    corpus: str | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    identity: str | None = None,
    limit: int | None = None,
    shard: tuple[int, int] = (1, 1),
    encoder: Path | str | None = None,
    bitext: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    cache: Path | str = CACHE,
    device: str | None = None,
    engine: EngineSettings | None = None,
    progress: bool = True,
    **settings: Any,
) -> Attacked:
    """Attack a model and save the results under `out`; repeating the call resumes.

    Args:
        model: a folder with a Hugging Face span-QA model, a hub repository, a loaded model (with
            `tokenizer`), a `SpanPredictor`, or a function from questions and contexts to answers
            (see `xltlib.attacks.victims.CallablePredictor` for what a function loses).
        rows: a SQuAD file, a Hugging Face data set such as squad, xquad or tydiqa, a pandas frame,
            or any rows with question, context and answers.
        recipe: its name, with `settings` of `xltlib.params.recipes`; the settings themselves; or a
            function (goal, row, settings, resources) that returns a `textattack.Attack`. The
            masked LM of `mlm` is given as `masked_lm`, because `model` is the model under attack.
        out: folder to write to, for the results of one recipe, model, settings and rows; it has
            those of all calls so far. With None nothing is written or resumed.
        language: code of the rows' language, if they do not state it themselves.
        corpus: the corpus whose official F1 scores answers; all except `mlqa` use SQuAD 1.1's.
        identity: a name that distinguishes a function from others, so that attacks on it can be
            resumed.
        limit: the number of questions to attack: the first that can be attacked.
        shard: (k, n): the k-th of n parts of the rows, for n machines; they may share `out`.
        encoder: me5-small, a hub repository or a folder; measures how similar passages stay, and
            some recipes need it.
        bitext: (sentence, English) pairs by language, from which `codemix` can induce lexicons.
        cache: where encoders are kept.
        device: where the model runs; a loaded model stays where it is.

    Raises:
        InputError: a model, row, recipe, setting or language cannot be used, there is nothing to
            attack, or the folder cannot be written or has the results of another attack.
    """
    _require_forms(out=out, encoder=encoder, cache=cache, bitext=bitext)
    build = recipe if callable(recipe) and not isinstance(recipe, RecipeSettings | type) else None
    chosen = _settings(recipe, build, settings)
    k, n = _part(shard)
    if not 1 <= k <= n:
        known = f"1/{n} to {n}/{n}" if n > 0 else "k/n, the k-th of n parts, e.g. 1/2"
        raise InputError(f"shard {k}/{n}: there is no such part; give {known}")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise InputError(f"limit {limit}: nothing would be attacked; give 1 or more")
    questions = read_rows(rows, language, corpus)
    chosen_rows = questions.rows[:limit]
    if not chosen_rows:
        left = ", ".join(f"{count} {why}" for why, count in questions.left_out.items())
        raise InputError(
            f"nothing to attack: no question has an answer in its passage ({left or 'no rows'}). "
            "Give rows whose answers occur in their passages."
        )
    part = chosen_rows[k - 1 :: n]
    if not part:
        many = len(chosen_rows)
        raise InputError(
            f"shard {k}/{n}: empty, since only {number_of(many, 'question')} can be attacked. "
            f"Use at most {number_of(many, 'part')}: 1/{many} to {many}/{many}."
        )
    cache = Path(cache).expanduser()
    # A function's answers are compared as the recipe compares them, in every language alike.
    f1 = f1_in(chosen.f1, "en", None)
    place = tempfile.TemporaryDirectory() if out is None else nullcontext(str(out))
    with _as_it_was(model), place as given:
        folder = Path(given)
        predictor = victim(model, tokenizer, cache=cache, device=device, identity=identity, f1=f1)
        require_writable(folder, "`out`")
        by_language: dict[str, list[Row]] = {}
        for row in questions.rows:
            by_language.setdefault(row["language"], []).append(row)
        resources = Resources(
            predictor,
            by_language,
            encoder_folder(str(encoder), cache=cache) if encoder is not None else None,
            bitext or {},
            cache,
        )
        engine = _engine(engine, resources)
        function = None if build is None else identities.of_function(build)
        made_of = identities.digest(resources.identity(chosen, engine), function)
        folders.claim(folder, chosen.kind, made_of)
        log, others = folders.logs(folder, chosen.kind, (k, n))
        results = attack_examples(
            part,
            resources,
            chosen,
            log,
            others=others,
            build=build,
            engine=engine,
            progress=progress,
        )
        every = folders.everything(folder, chosen.kind, questions.rows)
    if encoder:
        results = report.with_similarity(results, resources.vectors)
    if out is not None:
        if encoder:
            every = report.with_similarity(every, resources.vectors)
        title = f"{chosen.kind} against {model if isinstance(model, str | Path) else 'the model'}"
        report.write(folder, every, title)
    return Attacked(results, report.summary(results), dict(questions.left_out))


def _engine(engine: EngineSettings | None, resources: Resources) -> EngineSettings:
    """The engine's settings for a model, with `auto` resolved.

    Raises:
        InputError: they are none, or not for such a model.
    """
    engine = engine or EngineSettings()
    if not isinstance(engine, EngineSettings):
        raise InputError(
            f"engine: {shown(engine)}; give xltlib.params.EngineSettings(...), e.g. "
            'EngineSettings(precision="bf16")'
        )
    if isinstance(resources.predictor, SpanPredictor):
        return on_device(engine, resources.device)
    if engine.precision == "bf16":
        raise InputError(
            "precision: bf16 needs a model to copy, and a function has none. Leave precision "
            "out, or give the model itself."
        )
    return engine.computing_in("float32")


def _settings(
    recipe: str | RecipeSettings | Build, build: Build | None, values: Mapping[str, Any]
) -> RecipeSettings:
    if isinstance(recipe, str):
        if recipe == "mlm":
            if "masked_lm" not in values:
                raise InputError(
                    "recipe mlm: needs a masked language model; give its folder or hub name as "
                    "masked_lm="
                )
            values = {("model" if key == "masked_lm" else key): v for key, v in values.items()}
        return recipe_settings(recipe, values)
    if isinstance(recipe, RecipeSettings):
        if values:
            raise InputError(f"{', '.join(values)}: set it in the settings passed as `recipe`")
        return recipe
    if build is None:
        raise InputError(
            f"recipe: {type(recipe).__name__} cannot be used; give a name ({', '.join(SETTINGS)}), "
            "settings, or a function (goal, row, settings, resources) that returns an Attack"
        )
    try:
        inspect.signature(build).bind(None, None, None, None)
    except (TypeError, ValueError) as error:  # ValueError: it has no signature
        raise InputError(
            f"recipe: {_name(build)} has to take four arguments, the goal, the row, the "
            f"settings and the resources ({error})"
        ) from error
    return _validated(CustomSettings, f"recipe {_name(build)}", values)


def _name(build: Build) -> str:
    return getattr(build, "__qualname__", type(build).__qualname__)


def _require_forms(*, out: Any, encoder: Any, cache: Any, bitext: Any) -> None:
    """Refuse arguments of another type.

    Raises:
        InputError: says what to give instead.
    """
    if not isinstance(out, str | Path | None):
        raise InputError(f"out {shown(out)}: give a folder, or None to write nothing")
    if not isinstance(encoder, str | Path | None):
        raise InputError(f"encoder {shown(encoder)}: give me5-small, a hub repository or a folder")
    if not isinstance(cache, str | Path):
        raise InputError(f"cache {shown(cache)}: give a folder")
    try:
        for pairs in {} if bitext is None else bitext.values():
            for sentence, english in pairs:
                if not (isinstance(sentence, str) and isinstance(english, str)):
                    raise TypeError("a sentence is not a string")
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"bitext: not pairs of sentences by language ({error}); give "
            '{"sw": [("Habari", "Hello")]}'
        ) from error


def _part(shard: Any) -> tuple[int, int]:
    """The k and n of a part.

    Raises:
        InputError: they are not two whole numbers.
    """
    if not isinstance(shard, tuple | list) or [type(one) for one in shard] != [int, int]:
        raise InputError(f"shard {shown(shard)}: give (k, n), the k-th of n parts, e.g. (1, 2)")
    return shard[0], shard[1]


@contextmanager
def _as_it_was(model: Any) -> Iterator[None]:
    """Leave a loaded model, and each of its parts, in the mode in which it came: training or
    evaluation."""
    own = model[0] if isinstance(model, tuple) and model else model
    parts = list(own.modules()) if isinstance(own, torch.nn.Module) else []
    modes = [part.training for part in parts]
    try:
        yield
    finally:
        for part, training in zip(parts, modes, strict=True):
            part.training = training


def recipe_settings(name: str, values: Mapping[str, Any]) -> RecipeSettings:
    """A recipe's settings, by its name.

    Raises:
        InputError: no such recipe, or one without such a setting.
    """
    if name not in SETTINGS:
        raise InputError(f"recipe {name!r}: no such recipe; known: {', '.join(SETTINGS)}")
    return _validated(SETTINGS[name], f"recipe {name}", values)


def _validated(kind: type[RecipeSettings], where: str, values: Mapping[str, Any]) -> RecipeSettings:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(explain(where, error, kind)) from error
