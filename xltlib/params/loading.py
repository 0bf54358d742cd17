"""Reading a params file, and explaining what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from xltlib.params.base import Settings
from xltlib.params.claims import Claim
from xltlib.params.profile import Params
from xltlib.params.values import Name, folder_of, local
from xltlib.text_files import InputError, shown, shown_path
from xltlib.yaml_files import read_yaml

MOST_CHARACTERS = 900
_CLAIMS = TypeAdapter(dict[Name, Claim])


def explain(file: Path | str, error: ValidationError, schema: type[Settings] = Params) -> str:
    """One line per error: key path, value found, what is allowed."""
    count = error.error_count()
    lines = [f"{shown_path(file)}: {count} error{'s' if count > 1 else ''}; nothing was started"]
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(whole file)"
        found = item["input"]
        value = "" if isinstance(found, dict | list | BaseModel) else f" (found {shown(found)})"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message, value = f"unknown key. {_allowed(item['loc'], schema)}", ""
        elif item["type"] in ("model_type", "model_attributes_type", "dict_type"):
            message = "Input should be a mapping of keys to values"
        line = f"  {_cut(key, 120)}: {_cut(message, 400)}{value}"
        if sum(map(len, lines)) + len(line) > MOST_CHARACTERS:
            lines.append(f"  and {count - len(lines) + 1} more")
            break
        lines.append(line)
    return "\n".join(lines)


def _cut(text: str, most: int) -> str:
    """A text shortened for a message, without lone surrogates."""
    text = text if len(text) <= most else text[: most - 3] + "..."
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _allowed(location: tuple[int | str, ...], schema: type[Settings]) -> str:
    """The keys that the section of an unknown key allows."""
    models: list[type[BaseModel]] = [schema]
    for part in location[:-1]:
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        if fields:
            models = list(_models_inside(fields[0].annotation))
        else:  # a key of a mapping, an index, or the kind that distinguishes the members of a union
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
    """Read and check a params file and the files that it names under `extends` and `claims`; makes
    paths absolute.

    Raises:
        InputError: no such file, not YAML, or one line for each key that is wrong.
    """
    file = Path(path)
    raw = read_raw(file)
    if isinstance(raw, dict) and isinstance(raw.get("claims"), str):
        try:
            raw = raw | {"claims": load_claims(claims_file(file, raw["claims"]))}
        except ValueError as error:
            raise InputError(f"{shown_path(file)}: claims: {error}") from error
    try:
        return Params.model_validate(raw, context=file)
    except ValidationError as error:
        raise InputError(explain(_and_base(file), error)) from error


def claims_file(file: Path, name: str) -> Path:
    """The path of the claims file that a params file names.

    Raises:
        ValueError: nothing can have this path.
    """
    return Path(local(name, file))


def _and_base(file: Path) -> str:
    """A params file's path, and the name of the file that it extends."""
    raw = read_yaml(file)
    extends = isinstance(raw, dict) and raw.get("extends")
    return f"{shown_path(file)} (extends {extends})" if extends else shown_path(file)


def read_raw(file: Path, below: tuple[str, ...] = ()) -> Any:
    """The content of a params file, merged into that of the file that it extends.

    Sections are merged key by key; lists and single values replace those of the other file, and
    null in place of a section drops it. Elsewhere null stands for the default, as in any file.

    Args:
        below: the names of the files that extend this one.
    """
    raw = read_yaml(file)
    if not isinstance(raw, dict) or "extends" not in raw:
        return raw
    name, folder = raw["extends"], folder_of(file)
    if (
        not isinstance(name, str)
        or Path(name).name != name
        or not name.strip(".")
        or not name.isprintable()
        or folder_of(folder / name) != folder
    ):
        # Paths in a params file are relative to its folder, so both must have the same.
        raise InputError(
            f"{shown_path(file)}: extends: give the name of a params file in the same folder "
            f"(found {shown(name)})"
        )
    if name in (file.resolve().name, *below):
        raise InputError(
            f"{shown_path(file)}: extends: {shown(name)} extends this file in turn. Remove one "
            "`extends`."
        )
    try:
        base = read_raw(folder / name, (file.resolve().name, *below))
    except InputError as error:
        raise InputError(f"{shown_path(file)}: extends: {error}") from error
    if "profile" not in raw:
        raise InputError(
            f"{shown_path(file)}: profile: missing, so this file would make the results of "
            f"{shown(name)} again, in place of the old ones. Give it a profile name of its own, or "
            "the same name if both files are to share results."
        )
    own = {key: value for key, value in raw.items() if key != "extends"}
    return _merged(base, own) if isinstance(base, dict) else base


def _merged(base: dict[Any, Any], own: dict[Any, Any]) -> dict[Any, Any]:
    sections = {key for key in base.keys() & own.keys() if isinstance(base[key], dict)}
    both = {key: _merged(base[key], own[key]) for key in sections if isinstance(own[key], dict)}
    dropped = {key for key in sections if own[key] is None}
    return {key: value for key, value in (base | own | both).items() if key not in dropped}


def load_claims(file: Path) -> dict[str, Claim]:
    """Read and check a claims file.

    Raises:
        InputError: no such file, not YAML, or one line for each key that is wrong.
    """
    try:
        return _CLAIMS.validate_python(read_yaml(file))
    except ValidationError as error:
        raise InputError(explain(file, error, Claim)) from error
