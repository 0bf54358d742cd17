"""What every section of a profile is made of."""

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
    """A name that is a string to YAML, to papermill and to a reader of CSV tables alike."""
    if not isinstance(yaml.safe_load(name), str) or name in MISREAD or _is_number(name):
        raise ValueError(
            f"{name!r} is read as a number, a date, a truth value or nothing by YAML, by notebooks "
            "or in tables; choose another name"
        )
    return name


MISREAD = ("None", "True", "False", "NA", "NULL", "null", "NaN", "nan")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


# Arms, methods, attacks, target tasks and encoders are named by the profile; names are parts of
# file names.
Name = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$"), AfterValidator(_reads_as_itself)
]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
"""A seed that every generator of random numbers takes."""
Precision = Literal["float32", "bf16", "auto"]
"""What a model computes in; `auto` is bf16 where the hardware has units for it, else float32."""
Fraction = Annotated[float, Field(ge=0, le=1)]
IS_MODEL = "a folder or a name"  # marks fields whose value may be a path
ModelName = Annotated[str, IS_MODEL]
"""A model: me5-small, a hub repository, or a folder (which begins with `.`, `/` or `~`)."""


class Settings(BaseModel):
    """Base of every section: unknown keys are errors, values never change after loading.

    The text below a key is its description, in docs/params.md and in editors.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def resolved(self, base: Path) -> Self:
        """The same settings with every path in them absolute, relative ones taken from `base`."""
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
    """Seeds as they are, if none is there twice."""
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is listed twice")
    return seeds


def _expanded(path: Path | str) -> Path:
    """A path with its `~` replaced by a home folder.

    Raises:
        InputError: there is no such user, or no file can have this name.
    """
    if "\0" in str(path):
        raise InputError(f"{shown(str(path))}: a path cannot hold NUL. Correct the params file.")
    try:
        found = Path(path).expanduser()
        found.exists()
    except RuntimeError as error:
        raise InputError(
            f"{path}: there is no such user. Write the folder out in the params file."
        ) from error
    except OSError as error:
        raise InputError(
            f"{shown(str(path))}: no file can have this name ({error.strerror}). Correct it in the "
            "params file."
        ) from error
    return found


def known_languages(languages: list[str]) -> list[str]:
    """Codes of languages as they are, if the project knows them all and none is there twice."""
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise ValueError(f"unknown language {', '.join(unknown)}; known: {' '.join(LANGUAGES)}")
    if len(set(languages)) < len(languages):
        raise ValueError("a language is listed twice")
    return languages


def files_by_language(files: dict[str, Any]) -> dict[str, Any]:
    """A mapping from languages to files, if CLDR knows the languages."""
    for code in files:
        try:
            find_language(code)
        except InputError as error:
            raise ValueError(str(error)) from error
    return files


class Noise(Settings):
    """Random edits of a share of each passage's words, none of them in an answer."""

    kind: Literal["typo", "homoglyph", "imperceptible", "misspelling"]
    """What is done to a word."""
    severity: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the words to edit (rounded, at least one word)."""
    seed: Seed = 0
    """Another seed gives other edits."""


class CodeMixing(Settings):
    """A share of each passage's words replaced by their translations."""

    kind: Literal["codemix"]
    """The kind of settings that the other keys belong to."""
    severity: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the words to replace (rounded, at least one word)."""
    seed: Seed = 0
    """Another seed gives other edits."""
    lexicons: dict[str, list[Path]] = {}
    """Files in MUSE's format by the passage's language."""
    parallel: TestSet | None = None
    """Text from which a lexicon is induced instead."""
    encoder: ModelName = "me5-small"
    """The encoder that aligns the words of `parallel`."""

    _languages = field_validator("lexicons")(files_by_language)

    @model_validator(mode="after")
    def _a_source(self) -> CodeMixing:
        if not self.lexicons and self.parallel is None:
            raise ValueError("codemix needs `lexicons` by language, or `parallel` text")
        return self


class AddOneSentence(Settings):
    """One false sentence at the end of each passage, chosen without a model (AddOneSent)."""

    kind: Literal["addonesent"]
    """The kind of settings that the other keys belong to."""
    seed: Seed = 0
    """Another seed gives other sentences."""


class PerturbedFile(Settings):
    """Passages from a file, such as that of an attack on another model.

    Only questions that the file holds are asked.
    """

    kind: Literal["file"]
    """The kind of settings that the other keys belong to."""
    name: Name
    """What tables call the test set."""
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
    """Use only this many rows, the first ones."""
    pairs: bool = False
    """Generalised transfer: sentence 1 in one language and sentence 2 in another, in all ordered
    pairs of the languages, rows aligned by id.
    """
    perturbation: Perturbation | None = None
    """Makes it a static set: every model reads the same perturbed passages."""

    _languages = field_validator("languages")(known_languages)

    @property
    def suffix(self) -> str:
        """What its name has after the corpus's: how it is perturbed."""
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
