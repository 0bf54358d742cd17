"""`xlt bundle`: pack a profile for a machine without internet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xltlib.cli.run import project_root
from xltlib.cli.terminal import ParamsFile, checked, console


def bundle(
    params: ParamsFile,
    file: Annotated[
        Path, typer.Argument(help="The archive to write: NAME.tar, NAME.tar.gz or NAME.tgz")
    ],
) -> None:
    """Pack the project, a profile, its data and its models for a machine without internet."""
    from xltlib.execution.bundle import pack

    checked(params, to_run=True)
    packed = pack(params, project_root(params), file)
    console.print(
        f"{file}: {file.stat().st_size / 1e6:.1f} MB, with {', '.join(packed) or 'no data'}. "
        "Unpack it on the other machine, set up the environment, and run in its folder: "
        f"xlt run params/{params.name}",
        soft_wrap=True,
        highlight=False,
    )
