"""The parameters of a stage's notebook."""

from __future__ import annotations

from pathlib import Path

from xltlib.params.base import Settings


class ProfileCell(Settings):
    """Notebook parameters of a stage that runs once a profile."""

    params: Path


class EncoderCell(ProfileCell):
    """Notebook parameters of a stage that runs once an encoder, over all its arms."""

    encoder: str


class ArmCell(EncoderCell):
    """Notebook parameters of a stage that runs once an arm's encoder."""

    arm: str
    seed: int


class ModelCell(ArmCell):
    """Notebook parameters of a stage that runs once a fine-tuned model."""

    task: str
    method: str


class AttackCell(ModelCell):
    """Notebook parameters of one attack on one fine-tuned model."""

    attack: str
