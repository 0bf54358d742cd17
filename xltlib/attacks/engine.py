"""Attacks on many examples, run concurrently in batches and resumed after an interruption.

Order, interruptions and the number of concurrent attacks change no outcome: each example is seeded
by its id, has its own random numbers, and gets the same answers as if it were alone.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from xltlib.artifacts import InputError
from xltlib.attacks import identity
from xltlib.attacks.example import OUTCOMES, attack_example, failed_with, prepare
from xltlib.attacks.journal import append_lines
from xltlib.attacks.query import (
    Output,
    Predictor,
    Query,
    Reading,
    Scorer,
    UnusableAnswer,
    ask,
    nearby,
)
from xltlib.attacks.random_state import kept_random_state
from xltlib.attacks.recipes import Build
from xltlib.attacks.resources import Resources, Row, standard
from xltlib.attacks.side_by_side import side_by_side
from xltlib.attacks.synonym import Noted
from xltlib.encoders.device import resolve
from xltlib.encoders.linear import kernel
from xltlib.params import EngineSettings, RecipeSettings
from xltlib.text_files import recovered_json_lines

# Windows whose logits are kept: an edit leaves other windows unchanged.
KEPT_WINDOWS = 20_000
FINISHED = set(OUTCOMES) - {"error"}
"""Outcomes that a resumed attack keeps; an example that raised is tried again."""
# If the first examples all end with an unusable answer, the others are not attacked.
ENOUGH = 20


def attack_examples(
    rows: Iterable[Row],
    resources: Resources,
    settings: RecipeSettings,
    log: Path,
    *,
    others: Iterable[Path] = (),
    build: Build | None = None,
    engine: EngineSettings | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Attack each example; those already in the log are taken from there.

    Records of another model, recipe, engine or example are never reused: each line of the log has a
    digest of everything its outcome depends on, with files and weights by content. An example that
    raises, or to which the model gives an unusable answer, becomes a record with the outcome
    `error`, is reported at the end, and is tried again in the next run. However the attack ends,
    the caller's random numbers are as before.

    Args:
        rows: QA rows whose answers are in the context; a row may name its `corpus`, whose official
            F1 then scores it.
        log: a file of JSON lines, one per finished example, that is appended to. A file beside it
            has the model's answers for unfinished examples, so that a kill loses only the present
            batch.
        others: logs that are only read, such as those of other parts of the rows.
        build: a custom recipe, with the arguments of those in `xltlib.attacks.recipes`. It is
            identified by its name, code and settings. Rename it when a function that it calls
            changes.

    Returns:
        One row per example, in the order of `rows`; the columns are those of
        `xltlib.attacks.example.attack_example`.

    Raises:
        InputError: the log cannot be written, the recipe lacks something, the engine cannot run
            it, or no example got a usable answer.
    """
    engine, rows = engine or EngineSettings(), list(rows)
    try:
        engine.check(settings)
    except ValueError as error:
        raise InputError(str(error)) from error
    engine = on_device(engine, resources.device)
    custom = None if build is None else identity.of_function(build)
    made_of = identity.digest(resources.identity(settings, engine), custom)
    known = (record for file in (*others, log) for record in recovered_json_lines(file))
    keys = [identity.digest(made_of, dict(row)) for row in rows]
    logged = {str(record.pop("key", None)): record for record in known}
    tried_before = {key for key, one in logged.items() if one.get("outcome") in FINISHED}
    finished = {key: logged[key] for key in keys if key in tried_before}
    # A function's answers are compared with the gold ones in the recipe's unit of F1.
    victim = f"{resources.victim} {engine.guide_words} {settings.f1}"
    answers = Answers(resources, engine, log.with_name(f"{log.name}.queries"), victim)

    unusable: list[UnusableAnswer] = []

    def job(key: str, row: Row) -> Callable[[Scorer], tuple[str, dict[str, Any]]]:
        def run(scorer: Scorer) -> tuple[str, dict[str, Any]]:
            try:
                return key, attack_example(
                    row, scorer, settings, resources, build=build, guide=engine.guide
                )
            except UnusableAnswer as error:
                unusable.append(error)
                return key, failed_with(error, row)
            except InputError:
                raise
            except Exception as error:  # the other examples are unaffected
                return key, failed_with(error, row)

        return run

    todo = dict(zip(keys, rows, strict=True))
    if build is None:
        _require_languages(rows, resources, settings)
    left = [job(key, row) for key, row in todo.items() if key not in finished]
    # The project's recipes have their own generators; custom recipes may not.
    running = side_by_side(
        left, answers, engine.at_once, engine.batch_size, isolated=build is not None
    )
    with (
        tqdm(total=len(todo), desc=settings.kind, unit="example", disable=not progress) as bar,
        kept_random_state(),
        closing(running),
    ):
        bar.update(len(finished))
        for key, record in running:
            finished[key] = record
            append_lines(log, [{"key": key} | record], sync=True)
            tried = [r for r in finished.values() if r["outcome"] in ("succeeded", "failed")]
            won = sum(one["outcome"] == "succeeded" for one in tried)
            rate = answers.asked / max(bar.format_dict["elapsed"], 1e-9)
            bar.set_postfix_str(f"{won}/{len(tried)} succeeded, {rate:.1f} queries/s")
            bar.update()
            if len(unusable) == len(finished) >= min(len(todo), ENOUGH):
                raise unusable[0]
    answers.forget()
    _warn_of_errors(finished.values())
    _warn_of_words(resources.notes)
    # Rows may name a corpus while others do not.
    return pd.DataFrame([finished[key] for key in keys]).fillna({"corpus": ""})


def on_device(engine: EngineSettings, device: str) -> EngineSettings:
    """The engine's settings with `auto` replaced by the faster precision on a device.

    With `equal`, many texts are read in both precisions, which pays only where float32 is slow.
    """
    fast_float32 = kernel(device) == "oneDNN"
    precision = resolve(engine.precision, device)
    return engine.computing_in("float32" if engine.equal and fast_float32 else precision)


def _require_languages(rows: Iterable[Row], resources: Resources, settings: RecipeSettings) -> None:
    """Refuse a language that the recipe cannot attack before anything is asked.

    Raises:
        InputError: names the language.
    """
    for row in {row["language"]: row for row in rows}.values():
        prepare(row, settings, resources)


def _warn_of_errors(records: Iterable[dict[str, Any]]) -> None:
    raised = [record for record in records if record["outcome"] == "error"]
    if raised:
        first = raised[0]
        warnings.warn(
            f"{len(raised)} of the examples raised an error and count as not attacked, e.g. "
            f"{first['language']} {first['id']}: {first['error']}",
            stacklevel=3,
        )


def _warn_of_words(notes: Iterable[tuple[str, Noted]]) -> None:
    for language, one in notes:
        if not one.lacking:
            continue
        some, total = sorted(one.lacking), len(one.lacking) + len(one.known)
        warnings.warn(
            f"{len(some)} of {total} words in {language} have no neighbour and were not replaced, "
            f"e.g. {', '.join(some[:3])}. Give a list (`neighbours`), or lower `min_cosine`.",
            stacklevel=3,
        )


@dataclass
class Answers:
    """The model's answers to merged queries, taken from a journal if an earlier run left them
    there.

    Args:
        victim: identifies what the answers depend on besides the query and its reading.
    """

    resources: Resources
    settings: EngineSettings
    journal: Path
    victim: str = ""
    asked: int = 0
    _known: dict[str, Output] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for line in recovered_json_lines(self.journal):
            with suppress(KeyError):
                self._known[line["query"]] = Output(line["answer"], line["log_odds"])
        exact = self._reader(self.resources.predictor)
        guide = exact if self.settings.guide == "none" else self._reader(self.resources.fast)
        self._models: dict[Reading, Predictor] = {"exact": exact, "whole": guide, "guide": guide}

    def __call__(self, queries: list[Query]) -> list[Output]:
        """Answer queries; those of one reading go to their model together."""
        names = {query: self._digest(query) for query in queries}
        found = {q: self._known[name] for q, name in names.items() if name in self._known}
        new = [query for query in names if query not in found]
        reach = self.settings.guide_words
        for reading, model in self._models.items():
            chosen = [query for query in new if query.reading == reading]
            put = chosen
            if reading == "guide" and reach is not None:
                put = [nearby(query, reach) for query in chosen]
            if chosen:
                found |= dict(zip(chosen, ask(model, put), strict=True))
        self.asked += len(new)
        lines = [
            {"query": names[query], "answer": found[query].answer}
            | {"log_odds": found[query].log_odds}
            for query in new
        ]
        append_lines(self.journal, lines)
        return [found[query] for query in queries]

    def _reader(self, model: Predictor) -> Predictor:
        """A model, with the engine's batches."""
        if not standard(model):
            return model
        size = self.settings.batch_size
        return replace(model, precision="float32", batch_size=size, remember=KEPT_WINDOWS)

    def forget(self) -> None:
        """Remove the journal, when every example is finished."""
        self.journal.unlink(missing_ok=True)

    def _digest(self, query: Query) -> str:
        found = hashlib.blake2b(digest_size=16)
        for part in (self.victim, query.question, query.context, query.spans, query.reading):
            found.update(f"{part}\0".encode("utf-8", "surrogatepass"))
        return found.hexdigest()
