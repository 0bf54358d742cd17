"""What a profile names and this machine lacks: folders of corpora, files, models, layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.encoders.files import model_files, require_tokenizer
from xltlib.params import MaskedLMSettings, Params, PerturbedFile
from xltlib.study import revisions
from xltlib.study.named_models import named_models
from xltlib.text_files import number_of


def absent(params: Params) -> Iterator[str]:
    """The key and the problem of everything that is not on this machine, or not whole."""
    for name, source in params.corpora.items():
        if source.source == "local" and not (source.folder and source.folder.is_dir()):
            yield f"corpora.{name}.folder: {source.folder} is not a folder"
    for one in named_files(params):
        if not one.file.is_file():
            yield f"{one.key}: {one.file} is not a file"
    encoders = ((f"encoders.{name}.name", one.name) for name, one in params.encoders.items())
    for where, model in (*encoders, *named_models(params)):
        if Path(model).is_absolute() and (problem := _not_a_model(Path(model))):
            yield f"{where}: {problem}"
    for name, attack in params.attacks.items():
        if isinstance(attack.recipe, MaskedLMSettings):
            head = _other_head(attack.recipe.model, "ForMaskedLM")
            if head is not None:
                yield f"attacks.{name}.recipe.model: a {head}; give a masked language model"
    yield from _beyond_encoders(params)


def _beyond_encoders(params: Params) -> Iterator[str]:
    """Layers that a training run is to freeze and its encoder does not have, and texts longer than
    it reads."""
    budgets = {"intermediate": params.intermediate} | {
        f"intermediate.budgets.{name}": one for name, one in params.intermediate.budgets.items()
    }
    targets = {f"targets.{task}": one for task, one in params.targets.items()}
    frozen = {
        f"{where}.optimisation.frozen_layers": one.optimisation.frozen_layers
        for where, one in (targets | budgets).items()
        if one.optimisation.frozen_layers
    }
    known = {used.corpus for _, used in params.data_used()} & corpora.CORPORA.keys()
    qa = {name for name in known if corpora.corpus(name).kind == "qa"}
    lengths = {f"{where}.max_length": one.max_length for where, one in budgets.items()}
    lengths |= {
        f"targets.{task}.max_length": one.max_length
        for task, one in params.targets.items()
        if one.data.corpus not in qa
    }
    if qa:
        lengths["span_qa.max_length"] = params.span_qa.max_length
    for encoder, one in params.encoders.items():
        # Reading a config takes seconds, and every encoder by name reads 512 tokens.
        if not (frozen or max(lengths.values()) > 512 or Path(one.name).is_absolute()):
            continue
        from xltlib.encoders import config  # imports transformers

        found = None
        with suppress(InputError):  # a folder that is no model is a problem of its own
            found = config(one.name, revisions.of_encoder(params, encoder))
        layers = getattr(found, "num_hidden_layers", None)
        for key, count in frozen.items():
            if layers is not None and count > layers:
                yield (
                    f"{key}: {count}, but encoders.{encoder} has {number_of(layers, 'layer')}; "
                    "freeze no more than it has"
                )
        most = getattr(found, "max_position_embeddings", None)
        for key, tokens in lengths.items():
            if isinstance(most, int) and 0 < most < tokens:
                yield (
                    f"{key}: {tokens} tokens, but encoders.{encoder} reads {most} at most; set it "
                    f"to {most} or less"
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


def _other_head(model: str, wanted: str) -> str | None:
    """The architecture of a model folder, if it states one with another head than it should."""
    if not Path(model).is_absolute():
        return None
    from xltlib.encoders.configs import read_config  # imports transformers

    with suppress(InputError):  # a folder that is no model is a problem of its own
        stated = read_config(Path(model)).architectures or [wanted]
        return None if any(name.endswith(wanted) for name in stated) else stated[0]
    return None


class NamedFile(NamedTuple):
    """A file that a profile names: its key, what it holds, and of what language."""

    key: str
    kind: Literal["passages", "lexicon", "neighbours"]
    language: str | None
    file: Path


def named_files(params: Params) -> Iterator[NamedFile]:
    """Every file of a profile besides those of its corpora and models."""
    for where, used in params.data_used():
        how = getattr(used, "perturbation", None)
        if isinstance(how, PerturbedFile):
            yield NamedFile(f"{where}.perturbation.file", "passages", None, how.file)
        yield from _lexicons(f"{where}.perturbation", how)
    for name, method in params.methods.items():
        yield from _neighbours(f"methods.{name}", method)
    for name, attack in params.attacks.items():
        yield from _neighbours(f"attacks.{name}.recipe", attack.recipe)
        yield from _lexicons(f"attacks.{name}.recipe", attack.recipe)


def _neighbours(where: str, section: object) -> Iterator[NamedFile]:
    for language, file in getattr(section, "neighbours", {}).items():
        yield NamedFile(f"{where}.neighbours.{language}", "neighbours", language, file)


def _lexicons(where: str, section: object) -> Iterator[NamedFile]:
    for language, files in getattr(section, "lexicons", {}).items():
        for file in files:
            yield NamedFile(f"{where}.lexicons.{language}", "lexicon", language, file)
