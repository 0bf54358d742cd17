"""Checks what loading a model reported: weights that are missing, unused or of the wrong size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from transformers import PreTrainedModel

from xltlib.artifacts import InputError
from xltlib.encoders.files import ModelFiles
from xltlib.text_files import number_of


class MissingHeadError(InputError):
    """The encoder is complete, but the weights lack the requested head."""


# Heads that pretraining leaves in a checkpoint; fine-tuned models do not use them.
_PRETRAINING_HEADS = (
    *("cls.", "lm_head.", "lm_predictions.", "mask_predictions.", "predictions."),
    *("discriminator_predictions.", "generator_predictions.", "generator_lm_head."),
    *("vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "pred_layer.", "decoder."),
)


def check_report(
    files: ModelFiles,
    model: PreTrainedModel,
    report: dict[str, Any],
    *,
    head: str | None,
    new_head: bool,
) -> None:
    """Refuse a model that would compute with weights that are not in its files.

    Poolers are ignored, because nothing here uses them.

    Args:
        report: from transformers' `output_loading_info`.
        head: the head on the model's encoder; None for the encoder alone.
        new_head: whether the head may be missing.

    Raises:
        MissingHeadError: only the head is missing.
        InputError: names the tensors.
    """
    base = model.base_model
    prefix = "" if base is model else f"{model.base_model_prefix}."

    def inside(name: str) -> bool:
        # T5's models have their encoder's parts beside their head, without a prefix.
        return name.startswith(prefix) and not name.startswith("qa_outputs.")

    folder = files.folder
    for name, *shapes in sorted(report["mismatched_keys"]):
        if inside(name) or not new_head:
            stored, wanted = (tuple(shape) for shape in shapes)
            raise InputError(
                f"{folder}: {name} is {stored} in the weights but {wanted} according to "
                "config.json. They belong to different models: copy the folder again."
            )
    missing = [name for name in sorted(report["missing_keys"]) if "pooler" not in name]
    lost = [name for name in missing if inside(name)]
    if lost:
        raise InputError(
            f"{folder}: the weights lack {_some(lost)} of {type(base).__name__}. Copy the folder "
            "again; config.json and weights must belong to one model."
        )
    if missing and not new_head:
        raise MissingHeadError(
            f"{folder}: an encoder without a {head} head (the weights lack {_some(missing)}). Give "
            "a model that was fine-tuned for the task."
        )
    # A new head replaces the old one, but all of the encoder's tensors must be used.
    left = [
        name
        for name in sorted(report["unexpected_keys"])
        if "pooler" not in name
        and (
            _without_place(name, model)
            if _belongs(name, model)
            else head and not new_head and not name.startswith(_PRETRAINING_HEADS)
        )
    ]
    if left:
        raise InputError(
            f"{folder}: {type(model).__name__}, as config.json describes it, has no place for "
            f"{_some(left)} of the weights, so it would not compute what was trained. Correct "
            "config.json, or give a model of this kind."
        )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return f"{number_of(len(names), 'tensor')}, e.g. {names[0]}"


def _inner(name: str, model: PreTrainedModel) -> str:
    return name.removeprefix(f"{model.base_model_prefix}.")


def _belongs(name: str, model: PreTrainedModel) -> bool:
    """Whether a stored tensor belongs to the encoder, with or without the encoder's prefix."""
    children = {child for child, _ in model.base_model.named_children()}
    return (
        name.startswith(f"{model.base_model_prefix}.")
        or _inner(name, model).split(".")[0] in children
    )


def _without_place(name: str, model: PreTrainedModel) -> bool:
    """Whether an encoder's tensor is a layer or a bias that the config leaves out.

    Buffers (position ids) and copies of weights under other names are harmless.
    """
    path, _, last = _inner(name, model).rpartition(".")
    try:
        module = model.base_model.get_submodule(path)
    except AttributeError:
        return True
    return last in module._parameters and module._parameters[last] is None
