"""The base of all sections of a profile, and sections that others share."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from xltlib.languages.codes import require_misspellings
from xltlib.params.values import (
    Count,
    Distinct,
    LocalPath,
    ModelName,
    Name,
    Seed,
    files_by_language,
    known_languages,
)


class Settings(BaseModel):
    """Base of every section: unknown keys are errors, and values never change after loading.

    Numbers and booleans are not converted from anything else, except whole numbers to floats. The
    text below a key is its description in docs/params.md and in editors.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, raw: Any) -> Any:
        """Null at a key that cannot be null stands for the default."""
        if not isinstance(raw, dict):
            return raw
        known = {
            key
            for key, field in cls.model_fields.items()
            if not field.is_required() and type(None) not in get_args(field.annotation)
        }
        return {key: value for key, value in raw.items() if value is not None or key not in known}


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
    lexicons: dict[str, Annotated[list[LocalPath], Distinct]] = {}
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
    file: LocalPath
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
    max_examples: Count | None = None
    """Use only the first rows, up to this number."""
    pairs: bool = False
    """Generalised transfer: sentence 1 and sentence 2 in all ordered pairs of the languages, with
    rows aligned by id.
    """
    perturbation: Perturbation | None = None
    """Makes it a static set: every model reads the same perturbed passages."""

    _languages = field_validator("languages")(known_languages)

    @model_validator(mode="after")
    def _can_be_perturbed(self) -> TestSet:
        if getattr(self.perturbation, "kind", None) == "misspelling":
            require_misspellings(self.languages)
        return self

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
