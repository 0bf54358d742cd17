"""Data sets from the Hugging Face hub, or from a folder laid out like a hub repository."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Sequence
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
from xltlib.text_files import InputError, shown

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
    source: CorpusSource,
    files: Callable[[Path], list[Path]],
    repository: str,
    hub: tuple[str, str],
    columns: Sequence[str],
) -> Dataset | list[Path]:
    """The input of a corpus's loader: a hub data set's rows, or the publisher's files.

    Args:
        files: finds the local files in the corpus's folder.
        hub: the config and the split of the data set in its repository.
        columns: those that the data set must have.

    Returns:
        Rows from the hub, or from a folder laid out like its repository (as written by `hf download
        --repo-type dataset --local-dir`); otherwise paths.

    Raises:
        InputError: the data set cannot be read, or lacks a column.
    """
    if source.source == "hub":
        rows = load_hub(repository, *hub, source.revision)
    else:
        found = files(source.local_folder)
        if not is_parquet(found):
            return found
        rows = read_parquet(found)
    missing = [name for name in columns if name not in rows.column_names]
    if missing:
        raise InputError(
            f"{source.folder or repository}: config {hub[0]}, split {hub[1]} lacks "
            f"{', '.join(missing)} (it has {shown(', '.join(rows.column_names))}). Give the files "
            f"of {repository}."
        )
    return rows


def tagged(
    rows: Dataset, column: str, names: tuple[str, ...], language: str, split: str, where: Path | str
) -> Dataset:
    """A hub data set's tagged sentences (tokens, and class numbers in `column`) with this project's
    columns.

    Raises:
        InputError: a sentence has no tag, or an unknown one, for a token.
    """
    feature = rows.features[column]
    inner = getattr(feature, "feature", feature)
    tags = inner.names if isinstance(inner, ClassLabel) else list(names)
    named = {key: tag for i, tag in enumerate(tags) if tag in names for key in (i, tag)}
    found = []
    for i, row in enumerate(rows):
        try:
            of_tokens = [named[tag] for tag in row[column]]
            pairs = list(zip(row["tokens"], of_tokens, strict=True))
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{where}: row {i}: {column} must be one of {', '.join(names)} for each token "
                f"(found {shown(row[column])} for {shown(row['tokens'])})."
            ) from None
        found.append(
            {
                "id": f"{language}-{split}-{i:06d}",
                "language": language,
                "tokens": [token for token, _ in pairs],
                "tags": [tag for _, tag in pairs],
            }
        )
    return Dataset.from_list(found, features=TAGGED)
