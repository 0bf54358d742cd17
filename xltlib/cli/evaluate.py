"""`xlt evaluate`: score any span-QA model on any file of questions."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xltlib.cli.terminal import console, print_json


class Metric(StrEnum):
    """The corpus whose official rule normalises answers."""

    squad = "squad"
    mlqa = "mlqa"


METRICS = "squad: SQuAD 1.1's rule, also for TyDi QA and XQuAD; mlqa: MLQA's own"


def evaluate(
    model: Annotated[Path, typer.Option(help="Folder of a Hugging Face span-QA model")],
    data: Annotated[Path, typer.Option(help="SQuAD JSON, or rows as JSON or JSON lines")],
    lang: Annotated[str, typer.Option(help="Language code of the file")] = "en",
    metric: Annotated[Metric, typer.Option(help=METRICS)] = Metric.squad,
    max_length: Annotated[
        int | None,
        typer.Option(
            min=32,
            max=4096,
            help="Tokens per window [default: 384, or fewer if the model reads fewer]",
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows per forward pass")] = 32,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")] = False,
) -> None:
    """Score any span-QA model on any file of questions: F1 and exact match (EM)."""
    from xltlib.evaluation import span_qa

    found = span_qa.evaluate(
        model,
        data,
        language=lang,
        metric=metric.value,
        max_length=max_length,
        batch_size=batch_size,
        device=device,
        progress=not (as_json or os.environ.get("CI")),
    )
    if as_json:
        print_json(found, indent=None)
        return
    lines = [
        f"{data.name} ({lang}): F1 {found['f1']:.2f}, EM {found['em']:.2f}, n = {found['n']}",
        f"metric: {found['metric']} (--metric); windows of {found['max_length']} tokens",
    ]
    if found["unanswerable_left_out"]:
        lines.append(f"left out, without an answer: {found['unanswerable_left_out']}")
    if found["wrong_offsets"]:
        lines.append(
            f"answers not at their answer_start: {found['wrong_offsets']} (scored all the same: "
            "scores compare texts)"
        )
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)
