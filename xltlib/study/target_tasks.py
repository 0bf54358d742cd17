"""The target tasks of a profile, grouped by what is done with their models."""

from __future__ import annotations

from xltlib.params import Params


def tested_tasks(params: Params) -> list[str]:
    """The span-QA tasks of stage 06: their models are attacked or read perturbed test sets.

    Attacks on sentence pairs have no F1: stage 05 shows their outcomes.
    """
    attacked = {attack.target for attack in params.attacks.values()}
    perturbed = {
        name
        for name, target in params.targets.items()
        if any(test_set.perturbation is not None for test_set in target.test_sets)
    }
    return [name for name in params.targets if name in attacked | perturbed and is_qa(params, name)]


def transfer_tasks(params: Params) -> list[str]:
    """The target tasks with a generalised test set."""
    return [
        name
        for name, target in params.targets.items()
        if any(test_set.pairs for test_set in target.test_sets)
    ]


def measured_tasks(params: Params) -> list[str]:
    """The target tasks whose models stage 08 measures: span QA, if a measure needs a model."""
    if not params.representation.asks_models:
        return []
    return [name for name in params.targets if is_qa(params, name)]


def is_qa(params: Params, task: str) -> bool:
    """Whether a target task is span QA, which has windows, n-best spans and attacks."""
    return is_qa_corpus(params.targets[task].data.corpus)


def is_qa_corpus(name: str) -> bool:
    """Whether a corpus is span QA."""
    from xltlib import corpora

    return corpora.corpus(name).kind == "qa"
