"""Pretrained encoders by name: the offline me5-small, a hub repository, or a folder."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock
from huggingface_hub import snapshot_download

from xltlib.artifacts import InputError, fingerprint
from xltlib.corpora.hub import require_network
from xltlib.encoders import me5, vocabulary
from xltlib.encoders.files import model_files, require_tokenizer

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
        InputError: there is no such encoder, the folder is not one, or the hub cannot be reached.
    """
    folder = _pretrained(name, cache, revision)
    if vocabulary_texts is None:
        return folder
    if vocabulary_name is not None:
        return _made_once(
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
    return _made_once(target, lambda path: vocabulary.trim(folder, keep, path))


def _pretrained(name: str, cache: Path, revision: str | None) -> Path:
    if name == "me5-small":
        return _made_once(cache / name, lambda path: me5.convert(me5.weights_file(), path))
    if Path(name).is_absolute() or Path(name).is_dir():
        folder = model_files(Path(name)).folder
        require_tokenizer(folder)
        return folder
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise InputError(f"encoder {name!r}: neither me5-small, nor a folder, nor a hub repository")
    require_network(f"encoder {name}")
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=HUB_FILES))
    except OSError as error:
        raise InputError(
            f"encoder {name}, revision {revision}: not in the local cache and not to be had from "
            f"the hub ({error}). Check the name, HF_HUB_OFFLINE and the cache, or give a folder."
        ) from error


def _made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder atomically: under its own name it is always complete.

    If two processes want it, one makes it and the other waits.
    """
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock"):
            _sweep(target)
            if not target.is_dir():
                temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
                try:
                    make(temporary)
                    temporary.chmod(0o755)  # caches are shared, but mkdtemp makes private folders
                    temporary.rename(target)
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror or error}). Choose another `cache` in "
            "the params file."
        ) from error
    return target


def _sweep(target: Path) -> None:
    """Remove what killed processes left behind when making a folder; the caller holds its lock."""
    temporary = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}")
    for left in target.parent.iterdir():
        if temporary.fullmatch(left.name) and left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
