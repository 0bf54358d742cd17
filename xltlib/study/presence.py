"""What a profile names and this machine lacks: folders of corpora, files, models, layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xltlib.artifacts import InputError
from xltlib.encoders.files import model_files, require_tokenizer
from xltlib.params import Params, PerturbedFile
from xltlib.study import revisions
from xltlib.study.named_models import named_models
from xltlib.text_files import number_of


def absent(params: Params) -> Iterator[str]:
    """The key and the problem of everything that is not on this machine, or not whole."""
    for name, source in params.corpora.items():
        if source.source == "local" and not (source.folder and source.folder.is_dir()):
            yield f"corpora.{name}.folder: {source.folder} is not a folder"
    for where, file in _files(params):
        if not file.is_file():
            yield f"{where}: {file} is not a file"
    encoders = ((f"encoders.{name}.name", one.name) for name, one in params.encoders.items())
    for where, model in (*encoders, *named_models(params)):
        if Path(model).is_absolute() and (problem := _not_a_model(Path(model))):
            yield f"{where}: {problem}"
    yield from _too_few_layers(params)


def _too_few_layers(params: Params) -> Iterator[str]:
    """Layers that a training run is to freeze and its encoder does not have."""
    plans = {f"targets.{task}": one.optimisation for task, one in params.targets.items()}
    budgets = {"": params.intermediate} | params.intermediate.budgets
    for name, budget in budgets.items():
        plans["intermediate" + (name and f".budgets.{name}")] = budget.optimisation
    frozen = {where: one.frozen_layers for where, one in plans.items() if one.frozen_layers}
    if not frozen:
        return
    from xltlib.encoders import config  # imports transformers

    for encoder, one in params.encoders.items():
        layers = None
        with suppress(InputError):  # a folder that is no model is a problem of its own
            layers = getattr(
                config(one.name, revisions.of_encoder(params, encoder)), "num_hidden_layers", None
            )
        for where, count in frozen.items():
            if layers is not None and count > layers:
                yield (
                    f"{where}.optimisation.frozen_layers: {count}, but encoders.{encoder} has "
                    f"{number_of(layers, 'layer')}; freeze no more than it has"
                )


def _not_a_model(folder: Path) -> str | None:
    """What a model folder lacks, found without opening the model."""
    if not folder.is_dir():
        return f"{folder} is not a folder"
    from xltlib.encoders.configs import read_config  # imports transformers

    try:
        require_tokenizer(model_files(folder).folder)
        read_config(folder)
    except InputError as error:
        return str(error)
    return None


def _files(params: Params) -> Iterator[tuple[str, Path]]:
    """Every file that a profile names, with its key."""
    for where, used in params.data_used():
        how = getattr(used, "perturbation", None)
        if isinstance(how, PerturbedFile):
            yield f"{where}.perturbation.file", how.file
        for language, lexicons in getattr(how, "lexicons", {}).items():
            for file in lexicons:
                yield f"{where}.perturbation.lexicons.{language}", file
    for name, method in params.methods.items():
        for language, file in getattr(method, "neighbours", {}).items():
            yield f"methods.{name}.neighbours.{language}", file
    for name, attack in params.attacks.items():
        for language, file in getattr(attack.recipe, "neighbours", {}).items():
            yield f"attacks.{name}.recipe.neighbours.{language}", file
        for language, lexicons in getattr(attack.recipe, "lexicons", {}).items():
            for file in lexicons:
                yield f"attacks.{name}.recipe.lexicons.{language}", file
