"""Reading a params file, and saying what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from xltlib.artifacts import InputError
from xltlib.params.base import Name, Settings
from xltlib.params.claims import Claim
from xltlib.params.profile import Params


def explain(file: Path | str, error: ValidationError, schema: type[Settings] = Params) -> str:
    """One line an error: file, key path, what was found, what is allowed."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(whole file)"
        found = item["input"]
        shown = "" if isinstance(found, dict | list | BaseModel) else f" (found {found!r})"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message, shown = f"unknown key. {_allowed(item['loc'], schema)}", ""
        lines.append(f"  {key}: {message}{shown}")
    count = len(lines)
    return f"{file}: {count} error{'s' if count > 1 else ''}, nothing was started\n" + "\n".join(
        lines
    )


def _allowed(location: tuple[int | str, ...], schema: type[Settings]) -> str:
    """Name the keys that the section around an unknown key does have."""
    models = [schema]
    for part in location[:-1]:
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        if fields:
            models = list(_models_inside(fields[0].annotation))
        else:  # a key of a mapping, an index, or the kind that tells the members of a union apart
            models = [model for model in models if part in _kinds(model)] or models
    keys = ", ".join(models[0].model_fields) if models else ""
    return f"Allowed here: {keys}" if keys else "Remove it"


def _kinds(model: type[BaseModel]) -> tuple[str, ...]:
    """The values of `kind` that a settings class stands for."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def _models_inside(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings classes that an annotation such as dict[str, CorpusSource] | None holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_inside(argument)


def load(path: Path | str) -> Params:
    """Read and check a params file and the claims file that it names; paths come back absolute.

    Raises:
        InputError: no such file, not YAML, or one line for each key that is wrong.
    """
    file = Path(path)
    raw = _read(file)
    if isinstance(raw, dict) and isinstance(raw.get("claims"), str):
        claims = file.parent / raw["claims"]
        try:
            known = TypeAdapter(dict[Name, Claim]).validate_python(_read(claims))
        except ValidationError as error:
            raise InputError(explain(claims, error, Claim)) from error
        raw = raw | {"claims": known}
    try:
        return Params.model_validate(raw).resolved(file.resolve().parent)
    except ValidationError as error:
        raise InputError(explain(file, error)) from error


def _read(file: Path) -> Any:
    """What a YAML file holds."""
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}). Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not valid YAML: {error}") from error
