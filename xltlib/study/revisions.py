"""The commits at which a profile reads data sets, encoders and other models from the hub.

Branches on the hub move. When the profile first runs, stage 01 looks up the commit behind each
revision and keeps it in `outputs/PROFILE/revisions.json`. All stages and later runs read that
commit, and fingerprints include it. Remove the file to move the profile to the newest commits.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator

from xltlib.artifacts import InputError, write_json
from xltlib.params import CorpusSource, Params
from xltlib.study.named_models import named_models, on_hub

COMMIT = re.compile(r"[0-9a-f]{40}")


class Kept(BaseModel):
    """A commit, and the repository and revision that it was looked up for."""

    asked: str
    commit: str

    @field_validator("commit")
    @classmethod
    def _whole(cls, commit: str) -> str:
        if not COMMIT.fullmatch(commit):
            raise ValueError(f"{commit!r} is not a commit (40 hex digits)")
        return commit


def file_of(params: Params) -> Path:
    """Where a profile's commits are kept."""
    return params.outputs / params.profile / "revisions.json"


def source(params: Params, corpus: str) -> CorpusSource:
    """A corpus's source; a hub corpus is at its recorded commit."""
    found = params.corpora[corpus]
    if found.source != "hub":
        return found
    asked = _asked(corpus, found.revision)
    return found.model_copy(
        update={"revision": _commit(params, f"corpora.{corpus}", asked) or found.revision}
    )


def of_encoder(params: Params, name: str) -> str | None:
    """The commit at which a pretrained encoder is read, or its own `revision` if none is
    recorded."""
    options = params.encoders[name]
    asked = _asked(options.name, options.revision)
    return _commit(params, f"encoders.{name}", asked) or options.revision


def of_model(params: Params, name: str) -> str | None:
    """The commit at which a model that a recipe or a perturbation names is read, if it is kept."""
    return _commit(params, f"models.{name}", _asked(name, None))


def of_models(params: Params) -> dict[str, str]:
    """The commits that are kept for such models, by name."""
    found = {name: of_model(params, name) for _, name in named_models(params)}
    return {name: commit for name, commit in found.items() if commit is not None}


def record(params: Params) -> None:
    """Look up and record the commit of every hub data set and model that has none yet.

    If the hub does not answer, nothing is recorded.
    """
    from xltlib.corpora import corpus, hub

    wanted: dict[str, tuple[str, str, str | None, str | None]] = {
        f"corpora.{name}": ("dataset", name, corpus(name).repository, found.revision)
        for name, found in params.corpora.items()
        if found.source == "hub"
    }
    wanted |= {
        f"encoders.{name}": ("model", options.name, options.name, options.revision)
        for name, options in params.encoders.items()
        if on_hub(options.name)
    }
    wanted |= {
        f"models.{name}": ("model", name, name, None)
        for _, name in named_models(params)
        if on_hub(name)
    }
    kept = _kept(params)
    before = dict(kept)
    for key, (kind, name, repository, revision) in wanted.items():
        if revision is not None and COMMIT.fullmatch(revision):
            continue
        asked = _asked(name, revision)
        if key not in kept or kept[key].asked != asked:
            commit = hub.resolve(repository or name, revision, kind)
            if commit is not None and COMMIT.fullmatch(commit):
                kept[key] = Kept(asked=asked, commit=commit)
    if kept != before:
        write_json(file_of(params), {key: one.model_dump() for key, one in kept.items()})


def _asked(name: str, revision: str | None) -> str:
    return f"{name}@{revision or 'main'}"


def _commit(params: Params, key: str, asked: str) -> str | None:
    """The commit recorded under a key, if it was looked up for the same repository and revision."""
    found = _kept(params).get(key)
    return found.commit if found is not None and found.asked == asked else None


def _kept(params: Params) -> dict[str, Kept]:
    """The file's content.

    Raises:
        InputError: it is damaged.
    """
    file = file_of(params)
    try:
        return TypeAdapter(dict[str, Kept]).validate_json(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValidationError) as error:
        raise InputError(
            f"{file}: not a list of the hub's commits. Restore it, or remove it to read the newest."
        ) from error
