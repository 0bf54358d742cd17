"""Pretrained encoders by name: the offline me5-small, a hub repository, or a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from huggingface_hub import snapshot_download, try_to_load_from_cache
from transformers import PreTrainedConfig

from xltlib.artifacts import InputError, fingerprint
from xltlib.corpora.hub import require_network
from xltlib.encoders import me5, vocabulary
from xltlib.encoders.cache import made_once
from xltlib.encoders.configs import read_config
from xltlib.encoders.files import model_files, require_tokenizer
from xltlib.params.values import hub_name
from xltlib.text_files import shown

HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model"]


def encoder_folder(
    name: str,
    *,
    cache: Path,
    revision: str | None = None,
    vocabulary_texts: Iterable[str] | None = None,
    vocabulary_name: str | None = None,
    extra_pieces: int = 30_000,
) -> Path:
    """A local folder that the Auto classes of transformers can load.

    Args:
        name: "me5-small", a hub repository, or an existing folder.
        cache: the folder of converted and trimmed encoders.
        vocabulary_texts: trim the vocabulary to these texts (and `extra_pieces` more).
        vocabulary_name: identifies the trimmed weights, so that an existing folder is found without
            reading the texts.

    Raises:
        InputError: there is no such encoder, the folder is not one, the hub cannot be reached, or
            a damaged folder in the cache cannot be made again.
    """
    folder = _pretrained(name, cache, revision)
    if vocabulary_texts is None:
        return folder
    if vocabulary_name is not None:
        return made_once(
            cache / f"{folder.name}-trimmed-{vocabulary_name}",
            lambda path: vocabulary.trim(
                folder, vocabulary.pieces_to_keep(folder, vocabulary_texts, extra_pieces), path
            ),
        )
    keep = vocabulary.pieces_to_keep(folder, vocabulary_texts, extra_pieces)
    weights = [[path.name, path.stat().st_size] for path in sorted(folder.glob("*.safetensors"))]
    # A folder of the same name may have another model's weights.
    source = [name] if name == "me5-small" else [str(folder), weights, folder.stat().st_mtime_ns]
    target = cache / f"{folder.name}-trimmed-{fingerprint([source, keep])}"
    return made_once(target, lambda path: vocabulary.trim(folder, keep, path))


def config(name: str, revision: str | None = None) -> PreTrainedConfig | None:
    """The architecture of a pretrained encoder; None if it is not on this machine.

    Raises:
        InputError: transformers does not know its config.
    """
    if name == "me5-small":
        return me5.config(me5.weights_file())
    folder = Path(name)
    if not folder.is_absolute() and not folder.is_dir():
        file = try_to_load_from_cache(name, "config.json", revision=revision)
        if not isinstance(file, str):
            return None
        folder = Path(file).parent
    return read_config(folder) if folder.is_dir() else None


def _pretrained(name: str, cache: Path, revision: str | None) -> Path:
    if name == "me5-small":
        return made_once(cache / name, lambda path: me5.convert(me5.weights_file(), path))
    if name.strip() and (os.path.isabs(name) or os.path.isdir(name)):
        folder = model_files(Path(name)).folder
        require_tokenizer(folder)
        return folder
    try:
        hub_name(name)
    except ValueError as error:
        raise InputError(
            f"{shown(name)}: no such model: neither an existing folder nor me5-small, and {error}."
        ) from error
    if revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision):
        with suppress(OSError, ValueError):  # already in the local cache
            return Path(
                snapshot_download(
                    name, revision=revision, allow_patterns=HUB_FILES, local_files_only=True
                )
            )
    require_network(f"model {name}, which is not a folder here but may be on the hub")
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=HUB_FILES))
    except OSError as error:
        raise InputError(
            f"model {name}, revision {revision}: not in the local cache and not available from "
            f"the hub ({error}). Check the name, HF_HUB_OFFLINE and the cache, or give a folder."
        ) from error
