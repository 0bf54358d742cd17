"""Encoders and models that earlier cells prepared or trained, opened for a cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xltlib import corpora, encoders
from xltlib.artifacts import InputError
from xltlib.params import Params
from xltlib.study import data, revisions
from xltlib.study.cell import ArmCell, Cell
from xltlib.study.contents import AbsentError, Contents, neighbour_lists, vocabulary_splits
from xltlib.training.robust.neighbours import read_neighbours


def encoder_folder(cell: Any) -> Path:
    """The folder of the prepared encoder that a cell starts from; made again if it is gone."""
    return prepared(cell.params, cell.encoder, cell.grid.contents)


def prepared(params: Params, name: str, contents: Contents) -> Path:
    """The folder of a profile's encoder in the cache; made if absent.

    Raises:
        InputError: the pretrained model, or a text that its vocabulary is trimmed to, is absent.
    """
    options = params.encoders[name]
    trimmed = options.trim_vocabulary
    try:
        vocabulary = contents.trimmed(name) if trimmed else None
    except AbsentError as error:
        raise InputError(
            f"encoders.{name}: its vocabulary is trimmed to texts that are not here ({error}). "
            "Correct the folders under `corpora`."
        ) from error
    return encoders.encoder_folder(
        options.name,
        cache=params.cache,
        revision=revisions.of_encoder(params, name),
        vocabulary_texts=_texts(params, name) if trimmed else None,
        vocabulary_name=vocabulary,
        extra_pieces=options.extra_pieces,
    )


def _texts(params: Params, name: str) -> Iterator[str]:
    """The texts whose pieces a trimmed vocabulary keeps, including words from lists."""
    for split in vocabulary_splits(params, name):
        corpus, part, language = split
        yield from corpora.texts(data.load(params, corpus, part, language))
    for file in neighbour_lists(params, name):
        for word, near in read_neighbours(file).items():
            yield from (word, *near)


def starting_encoder(cell: ArmCell) -> Path:
    """The encoder after the arm's intermediate training, or the pretrained one if the arm has
    none."""
    before: Cell = cell.reads("intermediate")
    trained = before.metrics()["steps"] > 0
    return before.artefact("encoder") if trained else encoder_folder(cell)
