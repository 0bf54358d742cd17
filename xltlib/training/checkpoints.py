"""Checkpoints of a run: which of them can be trusted to continue from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from xltlib.artifacts import read_sealed, sha256, write_sealed

SEAL = "files.json"
"""Names a checkpoint's files and their hashes; written last."""


class Sealing(TrainerCallback):
    """Seals each checkpoint once it is written."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Seal the checkpoint of the present step."""
        del control, kwargs
        seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")


def seal(checkpoint: Path) -> None:
    """Record the hash of every file of a checkpoint."""
    write_sealed(checkpoint / SEAL, {"files": _hashes(checkpoint)})


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that is whole; None if there is none."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda one: -int(one.name.split("-")[1]))
    return next((str(one) for one in found if _is_whole(one)), None)


def _is_whole(checkpoint: Path) -> bool:
    sealed = read_sealed(checkpoint / SEAL)
    return sealed is not None and sealed["files"] == _hashes(checkpoint)


def _hashes(checkpoint: Path) -> dict[str, str]:
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
    return {
        path.relative_to(checkpoint).as_posix(): sha256(path) for path in files if path.name != SEAL
    }
