"""The parameters of a stage's notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from xltlib.params.base import Settings


class ProfileCell(Settings):
    """Notebook parameters of a stage that runs once per profile."""

    params: Annotated[Path, Field(strict=False)]
    """The params file."""


class EncoderCell(ProfileCell):
    """Notebook parameters of a stage that runs once per encoder, over all its arms."""

    encoder: str
    """A key of `encoders`."""


class ArmCell(EncoderCell):
    """Notebook parameters of a stage that runs once per encoder, arm and seed."""

    arm: str
    """A key of `intermediate.arms`."""
    seed: int
    """One of the seeds."""


class ModelCell(ArmCell):
    """Notebook parameters of a stage that runs once per fine-tuned model."""

    task: str
    """A key of `targets`."""
    method: str
    """`standard` or a key of `methods`."""


class AttackCell(ModelCell):
    """Notebook parameters of one attack on one fine-tuned model."""

    attack: str
    """A key of `attacks`."""
