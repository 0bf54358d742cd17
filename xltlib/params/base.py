"""The base of all sections of a profile, and types that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    field_validator,
    model_validator,
)

from xltlib.languages import LANGUAGES, find_language
from xltlib.text_files import InputError, shown


def _reads_as_itself(name: str) -> str:
    """A name that YAML, papermill and readers of CSV tables all take for a string."""
    if not isinstance(yaml.safe_load(name), str) or name in MISREAD or _is_number(name):
        raise ValueError(
            f"{name!r} is read as a number, a date, a boolean or null by YAML, by notebooks or in "
            "tables; choose another name"
        )
    return name


MISREAD = ("None", "True", "False", "NA", "NULL", "null", "NaN", "nan")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


# The profile names its arms, methods, attacks, target tasks and encoders; the names become parts of
# file names.
Name = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$"), AfterValidator(_reads_as_itself)
]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
"""A seed that every random number generator accepts."""
Precision = Literal["float32", "bf16", "auto"]
"""Precision; `auto` is bf16 if the hardware has units for it, otherwise float32."""
Fraction = Annotated[float, Field(ge=0, le=1)]
IS_MODEL = "a folder or a name"  # marks fields whose value may be a path
ModelName = Annotated[str, IS_MODEL]
"""A model: me5-small, a hub repository, or a folder (which begins with `.`, `/` or `~`)."""


class Settings(BaseModel):
    """Base of every section: unknown keys are errors, and values never change after loading.

    The text below a key is its description in docs/params.md and in editors.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def resolved(self, base: Path) -> Self:
        """The same settings with absolute paths; relative paths start from `base`."""
        changes = {
            name: _absolute(getattr(self, name), base, IS_MODEL in field.metadata)
            for name, field in type(self).model_fields.items()
        }
        return self.model_copy(update=changes)


def _absolute(value: Any, base: Path, is_model: bool = False) -> Any:
    if isinstance(value, Settings):
        return value.resolved(base)
    if isinstance(value, Path) or (is_model and str(value).startswith((".", "/", "~"))):
        path = _expanded(value)
        return type(value)(path if path.is_absolute() else (base / path).resolve())
    if isinstance(value, list):
        return [_absolute(item, base) for item in value]
    if isinstance(value, dict):
        return {key: _absolute(item, base) for key, item in value.items()}
    return value


def without_repeats(seeds: list[int]) -> list[int]:
    """The seeds unchanged, if none is listed twice."""
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is listed twice")
    return seeds


def _expanded(path: Path | str) -> Path:
    """A path with `~` replaced by a home folder.

    Raises:
        InputError: there is no such user, or the path is not valid.
    """
    if "\0" in str(path):
        raise InputError(f"{shown(str(path))}: a path cannot contain NUL. Correct the params file.")
    try:
        found = Path(path).expanduser()
        found.exists()
    except RuntimeError as error:
        raise InputError(
            f"{path}: there is no such user. Give the full path in the params file."
        ) from error
    except OSError as error:
        raise InputError(
            f"{shown(str(path))}: no file can have this name ({error.strerror}). Correct it in the "
            "params file."
        ) from error
    return found


def known_languages(languages: list[str]) -> list[str]:
    """The language codes unchanged, if the project knows them all and none is listed twice."""
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise ValueError(f"unknown language {', '.join(unknown)}; known: {' '.join(LANGUAGES)}")
    if len(set(languages)) < len(languages):
        raise ValueError("a language is listed twice")
    return languages


def files_by_language(files: dict[str, Any]) -> dict[str, Any]:
    """A mapping from languages to files, if CLDR knows all of them."""
    for code in files:
        try:
            find_language(code)
        except InputError as error:
            raise ValueError(str(error)) from error
    return files


class Noise(Settings):
    """Random edits of a share of each passage's words, but not of words in an answer."""

    kind: Literal["typo", "homoglyph", "imperceptible", "misspelling"]
    """The edit of each word."""
    severity: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the words to edit (rounded, at least one word)."""
    seed: Seed = 0
    """Another seed gives other edits."""


class CodeMixing(Settings):
    """Replaces a share of each passage's words by their translations."""

    kind: Literal["codemix"]
    """Selects which of the other keys apply."""
    severity: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the words to replace (rounded, at least one word)."""
    seed: Seed = 0
    """Another seed gives other edits."""
    lexicons: dict[str, list[Path]] = {}
    """Files in MUSE's format by the passage's language."""
    parallel: TestSet | None = None
    """Parallel text from which a lexicon is induced instead."""
    encoder: ModelName = "me5-small"
    """The encoder that aligns the words of `parallel`."""

    _languages = field_validator("lexicons")(files_by_language)

    @model_validator(mode="after")
    def _a_source(self) -> CodeMixing:
        if not self.lexicons and self.parallel is None:
            raise ValueError("codemix needs `lexicons` by language, or `parallel` text")
        return self


class AddOneSentence(Settings):
    """Adds one false sentence to the end of each passage, chosen without a model (AddOneSent)."""

    kind: Literal["addonesent"]
    """Selects which of the other keys apply."""
    seed: Seed = 0
    """Another seed gives other sentences."""


class PerturbedFile(Settings):
    """Passages from a file, such as the one that an attack on another model wrote.

    Only questions in the file are asked.
    """

    kind: Literal["file"]
    """Selects which of the other keys apply."""
    name: Name
    """The name of the test set in tables."""
    file: Path
    """A SQuAD file, or the edits of one (`xlt edits`)."""


Perturbation = Annotated[
    Noise | CodeMixing | AddOneSentence | PerturbedFile, Field(discriminator="kind")
]


class TestSet(Settings):
    """One test set: a split of a corpus in some languages."""

    __test__ = False  # not a test case, whatever its name

    corpus: str
    """A key of `corpora`."""
    split: str = "test"
    """The split to read; docs/data.md lists those of each corpus."""
    languages: Annotated[list[str], Field(min_length=1)]
    """Language codes."""
    max_examples: PositiveInt | None = None
    """Use only the first rows, up to this number."""
    pairs: bool = False
    """Generalised transfer: sentence 1 and sentence 2 in all ordered pairs of the languages, with
    rows aligned by id.
    """
    perturbation: Perturbation | None = None
    """Makes it a static set: every model reads the same perturbed passages."""

    _languages = field_validator("languages")(known_languages)

    @property
    def suffix(self) -> str:
        """The part of its name after the corpus's: how it is perturbed."""
        how = self.perturbation
        if how is None:
            return ""
        if isinstance(how, PerturbedFile):
            return f"+{how.name}"
        severity = f"-{100 * how.severity:g}" if hasattr(how, "severity") else ""
        return f"+{how.kind}{severity}" + (f"-seed{how.seed}" if how.seed else "")


# A perturbation may name parallel text, which is a test set.
CodeMixing.model_rebuild()
TestSet.model_rebuild()
