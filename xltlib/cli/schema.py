"""`xlt schema`: the keys of a params file, for editors and readers."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from xltlib.params import reference


def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as in docs/params.md")
    ] = False,
) -> None:
    """Print the JSON Schema of a params file, as in params/schema.json."""
    found = json.dumps(reference.json_schema(), indent=1, ensure_ascii=False) + "\n"
    typer.echo(reference.markdown() if markdown else found, nl=False)
