"""Corpora, encoders, and how span QA is cut into windows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from xltlib.params.base import Fraction, ModelName, Seed, Settings, TestSet, known_languages


class MiniSettings(Settings):
    """Size and seed of the synthetic, parallel corpora: items in each split."""

    seed: Seed = 0
    train: PositiveInt = 240
    dev: PositiveInt = 60
    test: PositiveInt = 60


class CorpusSource(Settings):
    """Where one corpus comes from: made here, a local folder, or the hub at a pinned revision.

    `cut_after` says where a split that is published whole is cut in two: after so many of XQuAD's
    or SQuADShifts' articles, of XNLI's premises, or of PAWS-X's groups of pairs that share English
    sentences.
    """

    source: Literal["mini", "local", "hub"]
    folder: Path | None = None
    revision: str | None = None
    mini: MiniSettings = MiniSettings()
    cut_after: PositiveInt | None = None

    @model_validator(mode="after")
    def _complete(self) -> CorpusSource:
        if self.source == "local" and self.folder is None:
            raise ValueError("source: local needs `folder`, the folder with the corpus's files")
        return self

    @property
    def local_folder(self) -> Path:
        """The folder with a local corpus's files; only for `source: local`."""
        if self.folder is None:
            raise ValueError(f"source: {self.source} has no folder")
        return self.folder


class EncoderSettings(Settings):
    """A pretrained encoder: me5-small, a hub name, or a folder.

    `trim_vocabulary` keeps the pieces of all texts that the profile trains and is tested on, so a
    corpus or language more makes another encoder. `vocabulary` names the texts instead: then what
    else the profile reads leaves the encoder, and all that was trained from it, as it is.
    """

    name: ModelName = "me5-small"
    revision: str | None = None
    trim_vocabulary: bool = False
    vocabulary: Annotated[list[TestSet], Field(min_length=1)] | None = None
    extra_pieces: Annotated[int, Field(ge=0)] = 30_000
    freeze_word_embeddings: bool = False
    attention_dropout: Fraction | None = None

    @model_validator(mode="after")
    def _trims(self) -> EncoderSettings:
        if self.vocabulary is not None and not self.trim_vocabulary:
            raise ValueError("vocabulary names texts to trim to: set trim_vocabulary: true")
        return self


class TaskData(Settings):
    """Training data: which split of which corpus, in which languages, and its dev split."""

    corpus: str
    split: str = "train"
    dev_split: str | None = None
    languages: Annotated[list[str], Field(min_length=1)]

    _languages = field_validator("languages")(known_languages)


class SpanQASettings(Settings):
    """Windows and n-best decoding of span QA; the defaults are XTREME's.

    A window begins `doc_stride` tokens of the context after the one before, as in XTREME. (The
    `stride` of a Hugging Face tokenizer is something else: the tokens that two windows share.)
    """

    max_length: Annotated[int, Field(ge=32, le=4096)] = 384
    doc_stride: PositiveInt = 128
    max_query_length: PositiveInt = 64
    max_answer_length: PositiveInt = 30
    n_best: PositiveInt = 20

    @model_validator(mode="after")
    def _room(self) -> SpanQASettings:
        # Four special tokens at most stand around a question and its context (XLM-R's).
        room = self.max_length - self.max_query_length - 4
        if self.doc_stride >= room:
            raise ValueError(
                f"doc_stride must be less than max_length - max_query_length - 4 = {room}: windows "
                "must overlap, or an answer at their border is in none of them"
            )
        return self
