"""Corpora, encoders, and how span QA is cut into windows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from xltlib.params.base import Settings, TestSet
from xltlib.params.values import (
    MOST,
    Count,
    Distinct,
    Dropout,
    LocalPath,
    ModelName,
    Revision,
    Seed,
    known_languages,
)

Items = Annotated[int, Field(gt=0, le=10_000)]


class MiniSettings(Settings):
    """Size and seed of the synthetic, parallel corpora."""

    seed: Seed = 0
    """Seed; another one gives other items."""
    train: Items = 240
    """Items in the training split."""
    dev: Items = 60
    """Items in the dev split."""
    test: Items = 60
    """Items in the test split."""


class CorpusSource(Settings):
    """Where a corpus comes from."""

    source: Literal["mini", "local", "hub"]
    """`mini` is synthetic text made by the project, `local` a folder, `hub` the Hugging Face hub.
    """
    folder: LocalPath | None = None
    """The folder with a local corpus's files."""
    revision: Revision | None = None
    """The commit of a hub corpus; by default the newest."""
    mini: MiniSettings = MiniSettings()
    """Size and seed of a `mini` corpus."""
    cut_after: Count | None = None
    """Where to cut a split that is published whole: after this many articles of XQuAD, NoiseQA or
    SQuADShifts, premises of XNLI, or groups of PAWS-X's pairs that share English sentences.
    """

    @model_validator(mode="after")
    def _complete(self) -> CorpusSource:
        if self.source == "local" and self.folder is None:
            raise ValueError("source: local needs `folder`, the folder with the corpus's files")
        return self

    @model_validator(mode="after")
    def _nothing_idle(self) -> CorpusSource:
        own = {"mini": {"mini"}, "local": {"folder", "cut_after"}, "hub": {"revision", "cut_after"}}
        idle = sorted(self.model_fields_set - {"source"} - own[self.source])
        for key in (key for key in idle if getattr(self, key) is not None):
            raise ValueError(
                f"{key} has no effect with source {self.source}; leave it out, or set it to null"
            )
        return self

    @property
    def local_folder(self) -> Path:
        """The folder with a local corpus's files; only for `source: local`."""
        if self.folder is None:
            raise ValueError(f"source: {self.source} has no folder")
        return self.folder


class EncoderSettings(Settings):
    """A pretrained encoder."""

    name: ModelName = "me5-small"
    """me5-small, a hub name, or a folder."""
    revision: Revision | None = None
    """The commit of a hub encoder."""
    trim_vocabulary: bool = False
    """Keep only the pieces of the texts that the profile trains and tests on. Adding a corpus or a
    language then changes the encoder; `vocabulary` avoids that.
    """
    vocabulary: Annotated[list[TestSet], Field(min_length=1), Distinct] | None = None
    """The texts to trim to, instead of all texts that the profile reads."""
    extra_pieces: Annotated[int, Field(ge=0, le=MOST)] = 30_000
    """Number of frequent pieces to keep in addition to those of the texts."""
    freeze_word_embeddings: bool = False
    """Do not train the word embeddings, which saves memory."""
    attention_dropout: Dropout | None = None
    """Dropout of attention weights; by default the encoder's own."""

    @model_validator(mode="after")
    def _trims(self) -> EncoderSettings:
        if self.vocabulary is not None and not self.trim_vocabulary:
            raise ValueError("vocabulary names texts to trim to: set trim_vocabulary: true")
        return self


class TaskData(Settings):
    """Training data."""

    corpus: str
    """A key of `corpora`."""
    split: str = "train"
    """The split to train on."""
    dev_split: str | None = None
    """The split for dev scores and early stopping."""
    languages: Annotated[list[str], Field(min_length=1)]
    """Language codes."""

    _languages = field_validator("languages")(known_languages)


class SpanQASettings(Settings):
    """Windows and n-best decoding of span QA; the defaults are XTREME's.

    As in XTREME, each window begins `doc_stride` tokens of the context after the previous one. (The
    `stride` of a Hugging Face tokenizer is the number of tokens that two windows share.)
    """

    max_length: Annotated[int, Field(ge=32, le=4096)] = 384
    """Tokens per window."""
    doc_stride: Count = 128
    """Tokens of the context from the beginning of one window to the next."""
    max_query_length: Count = 64
    """The largest number of question tokens that are read."""
    max_answer_length: Count = 30
    """The longest answer, in tokens."""
    n_best: Count = 20
    """Number of best starts and of best ends that are combined into answers."""

    @model_validator(mode="after")
    def _room(self) -> SpanQASettings:
        # At most four special tokens surround a question and its context (XLM-R's).
        room = self.max_length - self.max_query_length - 4
        if self.doc_stride >= room:
            raise ValueError(
                f"doc_stride must be less than max_length - max_query_length - 4 = {room}: windows "
                "must overlap, or an answer at their border is in none of them"
            )
        return self
