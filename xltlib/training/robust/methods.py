"""Turns the settings of a robust method into what training does."""

from __future__ import annotations

from collections.abc import Callable

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.corpora import texts
from xltlib.encoders.parts import word_embeddings
from xltlib.languages.codes import closest
from xltlib.params import (
    AdversarialSettings,
    DataAugmentationSettings,
    Method,
    RandomPerturbationSettings,
)
from xltlib.training.robust import RobustMethod, RobustTraining
from xltlib.training.robust.adv import Adversarial
from xltlib.training.robust.neighbours import Neighbours, embedding_neighbours, read_neighbours
from xltlib.training.robust.rs_da import smoothed
from xltlib.training.robust.rs_rp import RandomPerturbation


def robust_training(
    settings: Method | None, tokenizer: PreTrainedTokenizerBase
) -> RobustTraining | None:
    """The perturbation of representations in training; None for RS-DA, which changes the data
    instead."""
    method: RobustMethod
    if isinstance(settings, AdversarialSettings):
        method = Adversarial(settings.radius, settings.step_size, settings.steps)
    elif isinstance(settings, RandomPerturbationSettings):
        method = RandomPerturbation(settings.radius, settings.draws)
    else:
        return None
    # An unknown word is a word of the text.
    special = [one for one in tokenizer.all_special_ids if one != tokenizer.unk_token_id]
    return RobustTraining(method, special, settings.where)


def copies(
    rows: Dataset,
    settings: Method | None,
    tokenizer: PreTrainedTokenizerBase,
    encoder: PreTrainedModel,
    seed: int,
) -> Callable[[int], Dataset]:
    """Maps a number to a copy of the data: with newly drawn words for RS-DA, else the data itself.

    Only the copies that training reads are made.

    Args:
        encoder: provides neighbours in languages without a list.

    Raises:
        InputError: no word in any language has a neighbour, so RS-DA would have no effect.
    """
    if not isinstance(settings, DataAugmentationSettings):
        return lambda number: rows
    neighbours = {
        language: _neighbours(rows, language, settings, tokenizer, encoder)
        for language in sorted(set(rows["language"]))
    }
    if not any(neighbours.values()):
        raise InputError(
            f"rs-da: no word of the training texts in {', '.join(neighbours)} has a neighbour; "
            "give lists in methods.<name>.neighbours or lower methods.<name>.min_cosine"
        )
    return lambda number: smoothed(rows, neighbours, seed, number)


def _neighbours(
    rows: Dataset,
    language: str,
    settings: DataAugmentationSettings,
    tokenizer: PreTrainedTokenizerBase,
    encoder: PreTrainedModel,
) -> Neighbours:
    """One language's neighbours, from its list if it has one."""
    given = closest(language, settings.neighbours)
    if given is not None:
        return read_neighbours(settings.neighbours[given])
    own = rows.select([i for i, code in enumerate(rows["language"]) if code == language])
    return embedding_neighbours(
        texts(own),
        tokenizer,
        word_embeddings(encoder).weight,
        nearest=settings.nearest,
        min_cosine=settings.min_cosine,
        language=language,
    )
