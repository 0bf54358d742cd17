"""`xlt schema`: the keys of a params file, for editors and readers."""

from __future__ import annotations

from typing import Annotated

import typer

from xltlib.cli.terminal import console, print_json
from xltlib.params import reference


def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as in docs/params.md")
    ] = False,
) -> None:
    """Print the JSON Schema of a params file, as in params/schema.json."""
    if markdown:
        console.out(reference.markdown(), end="", highlight=False)
    else:
        print_json(reference.json_schema())
