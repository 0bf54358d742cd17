"""The keys of a params file, for editors (JSON Schema) and for readers (Markdown)."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from xltlib.params.base import Settings
from xltlib.params.profile import Params

INTRODUCTION = """# Params

Every key of a params file, written by `xlt schema --markdown`; do not edit it by hand. Unknown keys
are errors. Numbers are decimal: `"2"`, `yes` and `010` are refused. Paths are relative to the
folder of the params file; if that is a symbolic link, to the folder of the file that it points to.

`null`, or nothing after the colon, stands for the default of a key: `attacks:` means no attacks. A
required key cannot be `null`. Only at `max_edited_words` and `min_window_similarity`, `null` is a
value of its own: no limit.

With `extends: other.yaml` a file adds to another one in the same folder: its sections are merged
into the other's key by key, and its lists and single values replace the other's. `null` in place of
a section, of one of its entries (`targets: {xnli: null}`) or of `claims` drops what the other file
has. The file needs a `profile` of its own; with that of the other file, the two share results.

Editors that know YAML schemas complete and check keys in files that begin with

    # yaml-language-server: $schema=schema.json

`NAME` stands for a name that the profile gives: up to 40 letters, digits, `_`, `+` and `-`."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a params file, in which `claims` names a file or holds the claims.

    A file that extends another may leave out any key but `profile`, and drop sections with null. A
    schema cannot tell such files' sections from those of other files, so it requires keys at the
    top level only.
    """
    whole = Params.model_json_schema()
    schema = _in_parts(whole) | {"required": whole["required"]}
    schema["properties"]["extends"] = {
        "title": "Extends",
        "description": "The params file in the same folder that this one adds to.",
        "type": "string",
    }
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends", "profile"]}]
    claims = schema["properties"]["claims"]
    described = {"title": claims.pop("title"), "description": claims.pop("description")}
    claims.pop("default")
    schema["properties"]["claims"] = described | {"anyOf": [{"type": ["string", "null"]}, claims]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _in_parts(schema: Any) -> Any:
    """A schema that also takes parts of what a schema describes, and null for sections and
    defaults."""
    if isinstance(schema, list):
        return [_in_parts(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    part = {
        # Without its `kind`, a section can be one of several.
        "anyOf" if key == "oneOf" else key: _in_parts(value)
        for key, value in schema.items()
        if key not in ("required", "minProperties") or isinstance(value, dict)
    }
    if part.get("type") == "object" or ("default" in part and isinstance(part.get("type"), str)):
        part["type"] = [part["type"], "null"]
        if "enum" in part:
            part["enum"] = [*part["enum"], None]
    return part


def markdown() -> str:
    """A table of keys for each section, in the order of the file."""
    parts = [INTRODUCTION]
    places: dict[type[BaseModel], list[str]] = {}
    _collect(Params, "", places)
    parts += [_section(model, *found) for model, found in places.items()]
    return "\n\n".join(parts) + "\n"


def _collect(model: type[BaseModel], place: str, places: dict[type[BaseModel], list[str]]) -> None:
    """Note where a section stands: after those whose keys it shares, before those inside it."""
    if model in places:
        places[model].append(place)
        return
    base = model.__mro__[1]
    if base is not Settings and base not in places:
        _collect(base, place, places)
    places[model] = [place]
    for name in _own(model):
        inside = f"{place}.{name}" if place else name
        for suffix, other in _models(model.model_fields[name].annotation):
            _collect(other, inside + suffix, places)


def _models(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """The settings classes in an annotation, with what stands between the key and theirs."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "", annotation
        return
    suffix = {dict: ".NAME", list: "[]"}.get(get_origin(annotation), "")
    for argument in get_args(annotation):
        for inner, model in _models(argument):
            yield suffix + inner, model


def _own(model: type[BaseModel]) -> list[str]:
    """The keys that a class declares itself."""
    return [name for name in model.model_fields if name in model.__annotations__]


def _kinds(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def _title(place: str, model: type[BaseModel]) -> str:
    if _kinds(model):
        return f"`{place}`, kind {', '.join(f'`{kind}`' for kind in _kinds(model))}"
    shared = f" (`{model.__name__}`)" if model.__subclasses__() else ""
    return f"`{place}`{shared}" if place else "The whole file"


def _section(model: type[BaseModel], place: str, *others: str) -> str:
    base = model.__mro__[1]
    own = [name for name in _own(model) if name != "kind" or len(_kinds(model)) > 1]
    lines = [f"## {_title(place, model)}", "", _cell(inspect.getdoc(model) or "")]
    if base is not Settings:
        lines += ["", f"Also has the keys of `{base.__name__}`."]
    if others:
        same = dict.fromkeys(other for other in others if other != place)
        lines += ["", f"Also at {', '.join(f'`{other}`' for other in same)}."]
    if own:
        lines += ["", "| key | value | default | |", "|---|---|---|---|"]
    for name in own:
        about = _cell(model.model_fields[name].description or "")
        lines.append(f"| `{name}` | {_value(model, name)} | {_default(model, name)} | {about} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _value(model: type[BaseModel], name: str) -> str:
    """What a value may be, in a few words."""
    schema = model.model_json_schema()
    if "$ref" in schema:  # a section that can hold itself
        schema = schema["$defs"][model.__name__]
    return _cell(_words(schema["properties"][name]))


def _words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_words(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("format") or schema.get("type", "section")
    if kind == "array":
        return f"list of: {_words(schema['items'])}" if "items" in schema else "list of two names"
    if kind == "object":
        inside = schema.get("additionalProperties") or next(
            iter(schema["patternProperties"].values())
        )
        return f"by name: {_words(inside)}"
    limits = [f"{sign} {schema[key]:,}" for key, sign in BOUNDS.items() if key in schema]
    name = {"string": "text", "boolean": "true or false"}.get(kind, kind)
    return f"{name} {', '.join(limits)}".strip()


BOUNDS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "*required*"
    if isinstance(field.default, BaseModel):
        return "its defaults"
    if field.default is None:
        return ""
    shown = json.dumps(field.default, default=_plain, ensure_ascii=False)
    return _cell(f"`{shown.strip(chr(34))}`") if field.default not in ({}, []) else "none"


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
