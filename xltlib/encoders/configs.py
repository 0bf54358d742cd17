"""The config of a model's folder, which says what transformers builds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig
from transformers.utils import logging

from xltlib.artifacts import InputError

_MOST = 300
"""The most characters of another library's message to quote."""


def read_config(folder: Path) -> PreTrainedConfig:
    """The config of a model's folder.

    Raises:
        InputError: transformers does not know it.
    """
    try:
        with without_load_report():
            return AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        raise InputError(
            f"{folder / 'config.json'}: not the config of a model that transformers knows "
            f"({quoted(error)}). Models with custom code are not supported."
        ) from error


def require_buildable(folder: Path, config: PreTrainedConfig, auto_class: Any) -> None:
    """Refuse a config from which no model can be built, whatever its weights.

    Raises:
        InputError: the config has a value that the architecture cannot have.
    """
    try:
        with torch.device("meta"):
            auto_class.from_config(config)
    except Exception as error:
        raise InputError(
            f"{folder / 'config.json'}: transformers cannot build a model from it "
            f"({type(error).__name__}: {quoted(error)}). Correct the value, or copy the file again."
        ) from error


@contextmanager
def without_load_report() -> Iterator[None]:
    """Suppress transformers' messages on loading; what matters in them is checked here."""
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def quoted(error: Exception) -> str:
    """Another library's message, on one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= _MOST else f"{text[:_MOST]} ..."
