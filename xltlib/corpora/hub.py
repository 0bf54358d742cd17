"""Data sets from the Hugging Face hub, or from a folder laid out like a hub repository."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from datasets import ClassLabel, Dataset, DownloadConfig, load_dataset
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi

from xltlib.corpora.corpus import TAGGED
from xltlib.corpora.local import is_parquet, read_parquet
from xltlib.params import CorpusSource
from xltlib.text_files import InputError

SECONDS = 3.0


def require_network(what: str) -> None:
    """Fail fast if the hub cannot be reached; its client would stall for half a minute.

    If HF_HUB_OFFLINE is set, nothing is checked, and the files must be in the local cache.

    Raises:
        InputError: says what to set.
    """
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "on", "yes", "true"):
        return
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    if getproxies().get(endpoint.scheme):
        return  # behind a proxy, only the proxy knows what it can reach
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        socket.create_connection((endpoint.hostname or "", port), timeout=SECONDS).close()
    except OSError as error:
        raise InputError(
            f"{what}: the hub ({endpoint.hostname}) cannot be reached ({error}). Set "
            "HF_HUB_OFFLINE=1 if its files are in the local cache, or use source: local with a "
            "`folder` (for a model: its folder as the name)."
        ) from error


def load_hub(repository: str, config: str, split: str, revision: str | None) -> Dataset:
    """One split of a hub data set at a pinned revision (the default is the main branch).

    At a commit it is read from the local cache if it is there, without the hub.
    """
    what = f"data set {repository}, config {config}, split {split}, revision {revision}"
    try:
        if revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision):
            with suppress(OSError, ValueError, RuntimeError, DatasetsError):
                local = DownloadConfig(local_files_only=True)
                return load_dataset(
                    repository, config, split=split, revision=revision, download_config=local
                )
        require_network(f"data set {repository}")
        return load_dataset(repository, config, split=split, revision=revision)
    except InputError:
        raise
    except (OSError, ValueError, ConnectionError) as error:
        raise InputError(
            f"{what}: cannot be loaded ({str(error)[:300]}). Check the revision, or HF_HUB_OFFLINE "
            "and the cache."
        ) from error
    except (RuntimeError, DatasetsError) as error:  # RuntimeError: the repository holds a script
        raise InputError(
            f"{what}: cannot be loaded ({str(error)[:300]}). Use source: local with the "
            "publisher's files, or a revision that holds Parquet files (refs/convert/parquet)."
        ) from error


def resolve(repository: str, revision: str | None, kind: str = "dataset") -> str | None:
    """The commit that a revision of a data set or model now points to; the revision itself if the
    hub does not answer."""
    try:
        return HfApi().repo_info(repository, repo_type=kind, revision=revision, timeout=SECONDS).sha
    except (OSError, ValueError):
        return revision


def published(
    source: CorpusSource, files: Callable[[Path], list[Path]], repository: str, hub: tuple[str, str]
) -> Dataset | list[Path]:
    """The input of a corpus's loader: a hub data set's rows, or the publisher's files.

    Args:
        files: finds the local files in the corpus's folder.
        hub: the config and the split of the data set in its repository.

    Returns:
        Rows from the hub, or from a folder laid out like its repository (as written by `hf download
        --repo-type dataset --local-dir`); otherwise paths.
    """
    if source.source == "hub":
        return load_hub(repository, *hub, source.revision)
    found = files(source.local_folder)
    return read_parquet(found) if is_parquet(found) else found


def tagged(
    rows: Dataset, column: str, names: tuple[str, ...], language: str, split: str
) -> Dataset:
    """A hub data set's tagged sentences (tokens, and class numbers in `column`) with this project's
    columns."""
    feature = rows.features[column]
    inner = getattr(feature, "feature", feature)
    tags = inner.names if isinstance(inner, ClassLabel) else list(names)
    return (
        rows.map(
            lambda row, i: {
                "id": f"{language}-{split}-{i:06d}",
                "language": language,
                "tags": [tags[tag] if isinstance(tag, int) else tag for tag in row[column]],
            },
            with_indices=True,
        )
        .select_columns(list(TAGGED))
        .cast(TAGGED)
    )
