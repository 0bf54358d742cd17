"""`xlt evaluate`: score any span-QA model on any file of questions."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xltlib.artifacts import InputError
from xltlib.cli.terminal import console


class Metric(StrEnum):
    """Whose official rule makes answers comparable."""

    squad = "squad"
    mlqa = "mlqa"


METRICS = "squad: SQuAD 1.1's, for TyDi QA and XQuAD too; mlqa: MLQA's own"


def evaluate(
    model: Annotated[Path, typer.Option(help="Folder of a Hugging Face span-QA model")],
    data: Annotated[Path, typer.Option(help="SQuAD JSON, or rows as JSON or JSON lines")],
    lang: Annotated[str, typer.Option(help="Language code of the file")] = "en",
    metric: Annotated[Metric, typer.Option(help=METRICS)] = Metric.squad,
    max_length: Annotated[
        int | None,
        typer.Option(
            min=32, max=4096, help="Tokens in a window; 384, or fewer where the model reads fewer"
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for programs to read")
    ] = False,
) -> None:
    """F1 and EM of any span-QA model on any file of questions."""
    from xltlib.corpora.squad_files import is_answerable, read_squad
    from xltlib.evaluation.predictor import SpanPredictor, window_settings
    from xltlib.evaluation.span_qa import answer, summarize
    from xltlib.languages import find_language

    find_language(lang)
    every = read_squad(data, lang, unanswerable="keep")
    rows = every.filter(is_answerable)
    if not len(rows):
        raise InputError(
            f"{data}: none of its {len(every)} questions has an answer, so there is nothing to "
            "score. Give a file with answers."
        )
    predictor = SpanPredictor.load(
        model,
        device=device,
        settings=None if max_length is None else window_settings(max_length),
        batch_size=batch_size,
        progress=not (as_json or os.environ.get("CI")),
    )
    scores = summarize(answer(predictor, metric.value, rows))[metric.value]["languages"][lang]
    found = {
        "model": str(model),
        "data": str(data),
        "language": lang,
        "metric": metric.value,
        **scores,
        "unanswerable_left_out": len(every) - len(rows),
        "wrong_offsets": sum(rows["wrong_offsets"]),
        "max_length": predictor.settings.max_length,
    }
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    lines = [
        f"{data.name} ({lang}): F1 {scores['f1']:.2f}, EM {scores['em']:.2f}, "
        f"n = {scores['n']} questions",
        f"metric: {metric.value} (--metric); windows of {found['max_length']} tokens",
    ]
    if found["unanswerable_left_out"]:
        lines.append(f"left out: {found['unanswerable_left_out']} questions without an answer")
    if found["wrong_offsets"]:
        lines.append(
            f"wrong offsets: {found['wrong_offsets']} answers do not stand at their answer_start; "
            "scores compare texts and need none"
        )
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
