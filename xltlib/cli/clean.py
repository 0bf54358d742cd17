"""`xlt clean`: list and remove outputs that are no longer needed."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer
from rich.table import Table

from xltlib.cli.terminal import ParamsFile, checked, console


def clean(
    params: ParamsFile,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is listed")] = False,
    cache: Annotated[
        bool, typer.Option("--cache", help="Include the cache, which other profiles may share")
    ] = False,
) -> None:
    """List outputs no longer needed (stale cells, checkpoints, logs); --yes removes them."""
    from xltlib.execution.leftovers import leftovers
    from xltlib.execution.lock import only_run
    from xltlib.study import Grid

    loaded = checked(params)
    folder = loaded.outputs / loaded.profile
    if not folder.is_dir() and not (cache and loaded.cache.is_dir()):
        console.print(f"{folder}: nothing there.", soft_wrap=True)
        return
    with only_run(folder) if yes and folder.is_dir() else nullcontext():
        found = leftovers(Grid(loaded), cache=cache)
        if not found:
            console.print(f"{folder}: nothing to remove.", soft_wrap=True)
            return
        table = Table(title=f"{loaded.profile}: what can be removed")
        for column, justify in (("what", "left"), ("why", "left"), ("MB", "right")):
            table.add_column(column, overflow="fold", justify=justify)  # type: ignore[arg-type]
        for one in found:
            within = one.path.is_relative_to(loaded.outputs)
            shown = one.path.relative_to(loaded.outputs) if within else one.path
            table.add_row(str(shown), one.why, f"{one.bytes / 1e6:.1f}")
        console.print(table)
        megabytes = sum(one.bytes for one in found) / 1e6
        if not yes:
            console.print(
                f"{megabytes:.1f} MB would be freed; nothing was removed. Add --yes to remove it.",
                highlight=False,
            )
            return
        kept = [one.path for one in found if not one.remove()]
        console.print(f"{megabytes:.1f} MB freed.", highlight=False)
        for path in kept:
            console.print(f"{path}: kept, with files that the study did not make.", soft_wrap=True)
