"""`xlt evaluate`: score any span-QA model on any SQuAD-format file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from xltlib.artifacts import InputError
from xltlib.cli.terminal import console


def evaluate(
    model: Annotated[Path, typer.Option(help="Folder of a Hugging Face span-QA model")],
    data: Annotated[Path, typer.Option(help="A SQuAD 1.1 JSON file")],
    lang: Annotated[str, typer.Option(help="Language code of the file")] = "en",
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """F1 and EM of any span-QA model on any SQuAD-format file."""
    from xltlib.corpora.squad_files import read_squad
    from xltlib.evaluation.predictor import SpanPredictor
    from xltlib.evaluation.span_qa import answer, summarize
    from xltlib.languages import LANGUAGES

    if lang not in LANGUAGES:
        raise InputError(f"--lang {lang}: unknown language; known: {' '.join(LANGUAGES)}")
    rows = read_squad(data, lang, on_bad_offset="error")
    quiet = bool(os.environ.get("CI"))
    predictor = SpanPredictor.load(model, device=device, batch_size=batch_size, progress=not quiet)
    scores = summarize(answer(predictor, data.stem, rows))[data.stem]["languages"][lang]
    console.print(
        f"{data.name} ({lang}): F1 {scores['f1']:.2f}, EM {scores['em']:.2f}, "
        f"n = {scores['n']} questions"
    )
