"""The pretrained models that recipes and perturbations name, in addition to the encoders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xltlib.params import Params
from xltlib.params.values import IS_MODEL


def named_models(params: Params) -> Iterator[tuple[str, str]]:
    """Key paths and their models: me5-small, folders and hub names."""
    for section in ("targets", "attacks", "representation"):
        yield from _within(section, getattr(params, section))


def on_hub(model: str) -> bool:
    """Whether a model comes from the hub; in a loaded profile, paths of folders are absolute."""
    return model != "me5-small" and not Path(model).is_absolute()


def _within(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        for key, about in type(value).model_fields.items():
            inner = getattr(value, key)
            if IS_MODEL not in about.metadata:
                yield from _within(f"{where}.{key}", inner)
            elif inner is not None:
                yield f"{where}.{key}", inner
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _within(f"{where}.{key}", inner)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _within(f"{where}.{i}", inner)
