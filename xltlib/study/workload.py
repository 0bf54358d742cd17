"""How much a cell computes, from its params alone: what an estimate of its time needs before any
cell of its kind has finished.

It is right within a factor of about three: texts are not tokenised, and attacks may end early.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from xltlib import corpora
from xltlib.params import (
    AdversarialSettings,
    DistractorSettings,
    EmbeddingSettings,
    Params,
    Recipe,
    TestSet,
)
from xltlib.study import revisions
from xltlib.study.cell import ArmCell, AttackCell, Cell, ModelCell
from xltlib.study.splits import Split, dev_splits, splits_of
from xltlib.study.target_tasks import is_qa

FILLED = 0.5
"""The share of `max_length` that texts fill: 0.48 in mini, 0.5 in TyDi QA."""
TRAINING = 3
"""Passes of a training step: the backward pass costs twice the forward pass. ADV takes as many
before each step, to find its perturbation."""

ASKED = 0.4
"""The share of an attack's budget of queries that is used: it ends with the first success, and a
question that is answered wrongly takes one query."""


class UnknownError(Exception):
    """This machine does not have what a cell reads."""


def operations(cell: Cell) -> float | None:
    """The floating-point operations of a cell's encoder; None if its data or encoder are not here.

    A token takes two for each weight of a layer. Attention between tokens and everything outside
    the encoder are left out, so stages that run no encoder have none.
    """
    count = _TOKENS.get(cell.stage.name)
    try:
        tokens = count(cell) if count else 0.0
        return 2 * tokens * _weights(cell) if tokens else 0.0
    except UnknownError:
        return None


def _weights(cell: Cell) -> int:
    """The number of weights in the layers of a cell's encoder."""
    config = _config(cell)
    width = config.hidden_size
    inner = getattr(config, "intermediate_size", 4 * width)
    return int(config.num_hidden_layers * (4 * width**2 + 2 * width * inner))


def _config(cell: Cell) -> Any:
    """The configuration of a cell's encoder."""
    name = cell.factors["encoder"]
    found = _read_config(cell.params.encoders[name].name, revisions.of_encoder(cell.params, name))
    if found is None:
        raise UnknownError
    return found


@cache
def _read_config(name: str, revision: str | None) -> Any | None:
    # Imported here because importing transformers takes seconds.
    from xltlib import encoders

    return encoders.config(name, revision)


def _rows(params: Params, split: Split) -> int:
    """The number of rows in a split."""
    corpus, part, language = split
    source = params.corpora[corpus]
    here = source.source == "mini" or (source.folder is not None and source.folder.is_dir())
    if not here:
        raise UnknownError  # counting must not download anything
    return len(corpora.load(corpus, source, language, part))


def _tested(params: Params, test_set: TestSet) -> int:
    """The number of texts in a test set, over its languages or pairs of languages."""
    most = test_set.max_examples
    sizes = [_rows(params, split) for split in splits_of(test_set)]
    sizes = sizes if most is None else [min(size, most) for size in sizes]
    return sum(sizes) * (len(sizes) if test_set.pairs else 1)


def _length(params: Params, task: str) -> float:
    """Tokens in a text of a target task."""
    qa = is_qa(params, task)
    return FILLED * (params.span_qa.max_length if qa else params.targets[task].max_length)


def _passes(cell: ArmCell | ModelCell, method: str, frozen_layers: int | None) -> float:
    """Forward passes that a training step costs. Nothing goes backward through frozen layers, but
    the gradient by which ADV finds its perturbation does."""
    frozen = (frozen_layers or 0) / _config(cell).num_hidden_layers
    adversarial = isinstance(cell.params.methods.get(method), AdversarialSettings)
    return TRAINING - (TRAINING - 1) * frozen + (TRAINING if adversarial else 0)


def _intermediate(cell: ArmCell) -> float:
    params, settings = cell.params, cell.params.intermediate
    arm, budget = settings.arms[cell.arm], settings.budget(cell.arm)
    trained = dev = 0.0
    for name, used in arm.tasks.items():
        qa = corpora.corpus(used.corpus).kind == "qa"
        length = FILLED * (params.span_qa.max_length if qa else budget.max_length)
        trained += budget.examples[name] * length
        dev += sum(_rows(params, split) for split in dev_splits(params, used)) * length
    frozen = budget.optimisation.frozen_layers
    return budget.epochs * trained * _passes(cell, arm.method, frozen) + dev


def _target(cell: ModelCell) -> float:
    params, target = cell.params, cell.params.targets[cell.task]
    rows = min(_rows(params, splits_of(target.data)[0]), target.max_examples or sys.maxsize)
    passes = _passes(cell, cell.method, target.optimisation.frozen_layers)
    return target.epochs * rows * passes * _length(params, cell.task)


def _evaluation(cell: ModelCell) -> float:
    texts = sum(_tested(cell.params, one) for one in cell.params.targets[cell.task].test_sets)
    return texts * _length(cell.params, cell.task)


def _attacks(cell: AttackCell) -> float:
    attack = cell.params.attacks[cell.attack]
    examples = attack.examples_per_language * sum(len(one.languages) for one in attack.test_sets)
    return examples * ASKED * _most_passes(attack.recipe) * _length(cell.params, cell.task)


def _most_passes(recipe: Recipe) -> int:
    """Forward passes for one example, if nothing ends its attack early."""
    if isinstance(recipe, EmbeddingSettings):
        return recipe.steps * recipe.restarts * TRAINING
    if isinstance(recipe, DistractorSettings):
        texts = len(recipe.languages) * recipe.answers * len(recipe.templates) * len(recipe.places)
        return min(texts, recipe.max_queries)
    return recipe.max_queries


def _representation(cell: ArmCell) -> float:
    texts = sum(
        _tested(cell.params, one) for one in cell.params.representation.test_sets().values()
    )
    return texts * FILLED * cell.params.span_qa.max_length


_TOKENS: dict[str, Callable[[Any], float]] = {
    "intermediate": _intermediate,
    "target": _target,
    "evaluation": _evaluation,
    "attacks": _attacks,
    "representation": _representation,
}
"""The tokens that a stage's cell puts through its encoder, each counted once per forward pass."""
