"""`xlt agreement`: annotators' judgements of attacked texts, and their agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xltlib.cli.terminal import print_table


def agreement(
    sheets: Annotated[list[Path], typer.Argument(help="Filled-in sheets, one per annotator")],
    key: Annotated[Path, typer.Option(help="The key written with the sheet")],
) -> None:
    """Summarise annotators' judgements, from sheets that `xlt attack --for-annotators` wrote."""
    from xltlib.attacks import annotation
    from xltlib.evaluation import squad

    table = annotation.agreement(annotation.read_sheets(sheets, key), squad.f1)
    print_table("Clean and attacked texts, judged by annotators", table)
