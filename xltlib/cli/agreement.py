"""`xlt agreement`: annotators' judgements of attacked texts, and their agreement."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xltlib.cli.terminal import print_table


class Unit(StrEnum):
    words = "words"
    characters = "characters"
    segmented = "segmented"


def agreement(
    sheets: Annotated[list[Path], typer.Argument(help="Filled-in sheets, one per annotator")],
    key: Annotated[Path, typer.Option(help="The key written with the sheet")],
    f1: Annotated[
        Unit, typer.Option(help="The tokens of the F1 that decides whether an answer is right")
    ] = Unit.segmented,
) -> None:
    """Summarise annotators' judgements on sheets that `xlt attack --for-annotators` wrote."""
    from xltlib.attacks import annotation

    table = annotation.agreement(annotation.read_sheets(sheets, key), f1.value)
    print_table("Clean and attacked texts as judged by annotators", table)
