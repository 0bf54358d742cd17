"""Types of values that several sections share."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from xltlib.languages import LANGUAGES, find_language
from xltlib.text_files import InputError, shown

Item = TypeVar("Item")

MISREAD = ("None", "True", "False", "NA", "NULL", "null", "NaN", "nan")


def _reads_as_itself(name: str) -> str:
    """A name that YAML, papermill and readers of CSV tables all take for a string."""
    if not isinstance(yaml.safe_load(name), str) or name in MISREAD or _is_number(name):
        raise ValueError(
            f"{name!r} is read as a number, a date, a boolean or null by YAML, by notebooks or in "
            "tables; choose another name"
        )
    return name


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


# The profile names its arms, methods, attacks, target tasks and encoders. Up to five of these names
# are parts of one file name, which file systems limit to 255 bytes.
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$", max_length=40),
    AfterValidator(_reads_as_itself),
]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed that every random number generator accepts."""
MOST = 10_000_000
"""More of anything than a profile has a use for; it would only hang or exhaust memory."""
Count = Annotated[int, Field(gt=0, le=MOST)]
"""A number of things."""
Repetitions = Annotated[int, Field(gt=0, le=1000)]
"""How often something slow is done."""
Epochs = Annotated[float, Field(gt=0, le=1000)]
"""Passes over data."""
Dropout = Annotated[float, Field(ge=0, lt=1)]
"""A probability below 1, at which nothing would be left."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Precision = Literal["float32", "bf16", "auto"]
"""Precision; `auto` is bf16 if the hardware has units for it, otherwise float32."""
Revision = Annotated[str, Field(pattern=r"^\w[\w./+-]*$")]
"""A commit, branch or tag on the hub."""


def without_repeats(items: list[Item]) -> list[Item]:
    """A list unchanged, if nothing is in it twice."""
    seen: set[str] = set()
    for item in items:
        if str(item) in seen:
            raise ValueError(f"{shown(item)} is listed twice; remove one")
        seen.add(str(item))
    return items


Distinct = AfterValidator(without_repeats)
"""Marks a list in which nothing may be repeated."""


def _two_arms(contrast: tuple[str, str]) -> tuple[str, str]:
    if contrast[0] == contrast[1]:
        raise ValueError(f"compares {contrast[0]} with itself; name two arms")
    return contrast


Contrast = Annotated[tuple[Name, Name], Field(strict=False), AfterValidator(_two_arms)]
"""Treated and control arm."""


def folder_of(file: Path) -> Path:
    """The folder from which relative paths in a params file start: where the file really is."""
    return Path(os.path.realpath(file)).parent


def local(path: str, file: Path | None) -> str:
    """A path with `~` replaced, and absolute if it is from a params file.

    Raises:
        ValueError: nothing can have this path.
    """
    if not path.strip():
        raise ValueError("empty; give a path")
    if "\0" in path:
        raise ValueError("a path cannot contain NUL; correct it")
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise ValueError("there is no such user; give the full path")
    if file is not None:
        absolute = os.path.isabs(found)
        found = str(Path(found)) if absolute else os.path.realpath(folder_of(file) / found)
    try:
        os.stat(found)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise ValueError(f"cannot be opened ({error.strerror}); correct it") from error
    return found


def _path(value: Any, info: ValidationInfo) -> Any:
    return Path(local(str(value), info.context)) if isinstance(value, str | Path) else value


LocalPath = Annotated[Path, Field(strict=False), BeforeValidator(_path)]
"""A file or folder. The context of the validation is the params file, if there is one."""

IS_MODEL = "a folder or a name"  # marks fields whose value may be a path
# Marks fields that once did not exist. Unset, they are no part of a cell's fingerprint, so that
# cells from before stay done.
IS_LATER = "added later"


def hub_name(name: str) -> str:
    """The name of a hub repository unchanged, if the hub accepts it.

    Raises:
        ValueError: it does not; says what to give instead.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    address = re.match(r"(?:\w+://[^/]*|huggingface\.co|hf\.co)/*([^/?]*/?[^/?]*)", name)
    if address:
        raise ValueError(f"a web address; give the name alone, {address[1] or 'OWNER/NAME'}")
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ValueError(
            "not the name of a hub repository (OWNER/NAME: letters, digits, `-`, `_` and `.`); the "
            "path of a folder begins with ./ or /"
        ) from error
    return name


def _model(name: str, info: ValidationInfo) -> str:
    if name.startswith((".", "/", "~")):
        return local(name, info.context)
    if info.context is None and os.path.isdir(name):  # given on the command line or in Python
        return name
    return name if name == "me5-small" else hub_name(name)


ModelName = Annotated[str, IS_MODEL, AfterValidator(_model)]
"""A model: me5-small, a hub repository, or a folder (which begins with `.`, `/` or `~`)."""


def known_languages(languages: list[str]) -> list[str]:
    """The language codes unchanged, if the project knows them all and none is listed twice."""
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise ValueError(f"unknown language {', '.join(unknown)}; known: {' '.join(LANGUAGES)}")
    return without_repeats(languages)


def files_by_language(files: dict[str, Any]) -> dict[str, Any]:
    """A mapping from languages to files, if CLDR knows all of them."""
    for code in files:
        try:
            find_language(code)
        except InputError as error:
            raise ValueError(str(error)) from error
    return files
