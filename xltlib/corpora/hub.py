"""Data sets from the Hugging Face hub, or from a folder laid out like a hub repository."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

from datasets import ClassLabel, Dataset, load_dataset
from huggingface_hub import HfApi

from xltlib.artifacts import InputError
from xltlib.corpora.corpus import TAGGED
from xltlib.params import CorpusSource

SECONDS = 3.0


def require_network(what: str) -> None:
    """Fail fast where the hub cannot be reached: its client would stall for half a minute.

    Nothing is asked when HF_HUB_OFFLINE is set: then the local cache has to hold the files.

    Raises:
        InputError: says what to set.
    """
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "on", "yes", "true"):
        return
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    if getproxies().get(endpoint.scheme):
        return  # the way leads through a proxy, which alone knows what it reaches
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        socket.create_connection((endpoint.hostname or "", port), timeout=SECONDS).close()
    except OSError as error:
        raise InputError(
            f"{what}: the hub ({endpoint.hostname}) cannot be reached ({error}). Set "
            "HF_HUB_OFFLINE=1 if its files are in the local cache, or use source: local with a "
            "`folder` (for an encoder: a folder as its name)."
        ) from error


def load_hub(repository: str, config: str, split: str, revision: str | None) -> Dataset:
    """One split of a hub data set at a pinned revision (the default is the main branch)."""
    require_network(f"data set {repository}")
    try:
        return load_dataset(repository, config, split=split, revision=revision)
    except (OSError, ValueError, ConnectionError) as error:
        raise InputError(
            f"data set {repository}, config {config}, split {split}, revision {revision}: cannot "
            f"be loaded ({error}). Check the revision, or HF_HUB_OFFLINE and the cache."
        ) from error


def resolve(repository: str, revision: str | None) -> str | None:
    """The commit that a revision of a data set names now, for the record; None when offline."""
    try:
        return HfApi().dataset_info(repository, revision=revision, timeout=SECONDS).sha
    except (OSError, ValueError):
        return revision


def load_published(
    source: CorpusSource, repository: str, config: str, split: str
) -> Dataset | None:
    """One split as the hub has it: from the hub itself, or from a folder laid out like it, as
    `hf download --repo-type dataset --local-dir` writes one.

    Returns:
        None where the folder is not laid out so; it may hold the publisher's files.
    """
    if source.source == "hub":
        return load_hub(repository, config, split, source.revision)
    files = sorted((source.folder / config).glob(f"{split}-*.parquet"))
    return Dataset.from_parquet([str(file) for file in files]) if files else None


def tagged(
    rows: Dataset, column: str, names: tuple[str, ...], language: str, split: str
) -> Dataset:
    """The hub's tagging columns (tokens, and class numbers in `column`) as this project's."""
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
