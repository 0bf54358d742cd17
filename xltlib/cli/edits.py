"""`xlt edits`: a static set without the text of its corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xltlib.cli.terminal import console
from xltlib.text_files import number_of


def edits(
    static_set: Annotated[Path, typer.Argument(help="The static_set.json that an attack wrote")],
    out: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write an attack's passages as edits of the corpus, to publish them without its text."""
    from xltlib.attacks import edits as edited

    count = edited.save(static_set, out)
    console.print(f"{out}: edits of {number_of(count, 'passage')}", soft_wrap=True)
