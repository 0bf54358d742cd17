"""The only place that opens models and tokenizers.

Transformers silently initialises weights that a folder lacks. Here a folder is refused unless it
has everything that the model computes with, and unless a test text shows that padding does not
change the model's output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from xltlib.artifacts import InputError
from xltlib.encoders.configs import (
    quoted,
    read_config,
    require_buildable,
    without_load_report,
)
from xltlib.encoders.device import usable_device
from xltlib.encoders.files import model_files, require_tokenizer
from xltlib.encoders.loading_report import check_report
from xltlib.encoders.normalization import keep_normalization
from xltlib.encoders.parts import takes_token_types
from xltlib.text_files import shown

HEADS = {AutoModelForQuestionAnswering: "span-QA", AutoModelForMaskedLM: "masked-LM"}
_PROOF = [
    ("Where?", "It is in the old town."),
    ("Where is the tower?", "The tower is in the town, near the river and the old bridge."),
]
_PROOF_TOKENS = 32
_TOLERANCE = 1e-3


def open_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A folder's tokenizer, which pads and truncates on the right and has a padding token.

    A tokenizer without a padding token (GPT-2's, Llama's) pads with its end of text, which the
    attention mask hides.

    Raises:
        InputError: the model or the tokenizer is absent, or its files are damaged.
    """
    folder = model_files(Path(folder)).folder
    require_tokenizer(folder)
    config = read_config(folder)
    try:
        with without_load_report():
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            vocabulary = tokenizer.get_vocab()
            keep_normalization(folder, tokenizer)
            longest = tokenizer.model_max_length
            if isinstance(longest, bool) or not isinstance(longest, int | float) or longest < 1:
                raise InputError(
                    f"{folder / 'tokenizer_config.json'}: model_max_length is {shown(longest)}; it "
                    "must be a number of tokens, or absent."
                )
            for pair in _PROOF:
                tokenizer(*pair)
    except InputError:
        raise
    # The Rust library raises plain Exceptions.
    except Exception as error:
        raise InputError(
            f"{folder}: the tokenizer cannot be loaded ({quoted(error)}). Copy its files again, or "
            "save it again with save_pretrained."
        ) from error
    if len(vocabulary) <= len(tokenizer.all_special_tokens):
        raise InputError(f"{folder}: the tokenizer has no vocabulary. Copy its files again.")
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    if tokenizer.pad_token_id is None:
        stand_in = tokenizer.eos_token or tokenizer.sep_token or tokenizer.unk_token
        if stand_in is None:
            raise InputError(
                f"{folder}: the tokenizer has no padding token, and no other special token to use "
                "instead. Set pad_token in tokenizer_config.json."
            )
        tokenizer.pad_token = stand_in
    # Padding needs masks; token types are only needed if the model has two.
    wanted = [*dict.fromkeys([*tokenizer.model_input_names, "attention_mask"])]
    if "token_type_ids" in wanted and not takes_token_types(config):
        wanted.remove("token_type_ids")
    tokenizer.model_input_names = wanted
    return tokenizer


# A model made in inference mode could not give gradients later.
@torch.inference_mode(False)
def open_model(
    auto_class: Any,
    folder: Path,
    tokenizer: PreTrainedTokenizerBase | None = None,
    *,
    new_head: bool = False,
    device: str = "cpu",
    attention_dropout: float | None = None,
) -> PreTrainedModel:
    """A folder's model in float32 and evaluation mode, with everything checked.

    Args:
        auto_class: one of transformers' Auto classes.
        tokenizer: the result of `open_tokenizer` for the same folder, if already opened.
        new_head: initialise a head that the folder lacks, in order to train it.
        attention_dropout: replaces the config's in training.

    Raises:
        MissingHeadError: the folder has an encoder without the head that `auto_class` needs.
        InputError: anything else that would make the model's output wrong; says what to do.
    """
    folder = Path(folder)
    target = usable_device(device)
    files = model_files(folder)
    tokenizer = open_tokenizer(folder) if tokenizer is None else tokenizer
    config = read_config(folder)
    if attention_dropout is not None:
        # BERT and XLM-R use one name for it, XLM another.
        for name in ("attention_probs_dropout_prob", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, attention_dropout)
    if auto_class is AutoModelForQuestionAnswering:
        if new_head:
            config.num_labels = 2
        elif config.num_labels != 2:
            raise InputError(
                f"{folder / 'config.json'}: num_labels is {config.num_labels}; a span-QA head has "
                "2, start and end. Give a model that was fine-tuned on span QA."
            )
    try:
        with without_load_report():
            model, report = auto_class.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # the report names them, and they are refused below
                output_loading_info=True,
            )
    except Exception as error:
        require_buildable(folder, config, auto_class)
        raise InputError(
            f"{folder}: the model cannot be loaded ({quoted(error)}). Copy or download it again, "
            "or give another model."
        ) from error
    head = HEADS.get(auto_class)
    check_report(files, model, report, head=head, new_head=new_head)
    for name, weights in model.named_parameters():
        if not torch.isfinite(weights).all():
            raise InputError(
                f"{folder}: the weights contain NaN or infinity, e.g. in {name}. Training diverged "
                "or the file is damaged: give other weights."
            )
    _check_fit(folder, tokenizer, model)
    _prove(folder, tokenizer, model)
    return model.to(target)


def max_tokens(model: PreTrainedModel) -> int | None:
    """How many tokens the model can read at once; None if its positions are unlimited."""
    sizes = [
        len(table.weight) - (0 if table.padding_idx is None else table.padding_idx + 1)
        for _, table in _position_tables(model)
    ]
    stated = getattr(model.config, "max_position_embeddings", None)
    if isinstance(stated, int) and stated > 0:
        sizes.append(stated)
    return min(sizes, default=None)


def require_positions(model: PreTrainedModel, tokens: int, key: str) -> None:
    """Refuse windows longer than the model's positions.

    Raises:
        InputError: names the key to change and how many tokens the model reads.
    """
    limit = max_tokens(model)
    if limit is not None and tokens > limit:
        raise InputError(
            f"{key}: {tokens} tokens, but {type(model).__name__} reads {limit} at most. Set {key} "
            f"to {limit} or less."
        )


def _check_fit(folder: Path, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Refuse a tokenizer that does not belong to the model."""
    largest = max(tokenizer.get_vocab().values())
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, torch.Tensor)
    rows = len(weight)
    # Models often have a few spare rows.
    if not rows // 2 <= largest < rows:
        raise InputError(
            f"{folder}: the tokenizer's ids go up to {largest}, but the model has {rows} word "
            "embeddings. They belong to different models: copy the model's own tokenizer."
        )
    for name, table in _position_tables(model):
        # Models like RoBERTa count positions from the padding id.
        if table.padding_idx is not None and table.padding_idx != tokenizer.pad_token_id:
            raise InputError(
                f"{folder}: the padding token is {tokenizer.pad_token_id} for the tokenizer and "
                f"{table.padding_idx} for the model ({name}). They belong to different models: "
                "copy the model's own tokenizer."
            )


@torch.inference_mode()
def _prove(folder: Path, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Refuse a model that cannot read a text, or that reads it differently in a padded batch."""
    if model.config.model_type == "big_bird":
        raise InputError(
            f"{folder}: BigBird reads whole blocks, so padding changes its answers. Choose another "
            "model."
        )
    limit = min(_PROOF_TOKENS, max_tokens(model) or _PROOF_TOKENS)
    try:
        rows = [tokenizer(*pair, truncation="longest_first", max_length=limit) for pair in _PROOF]
        alone = _output(model, tokenizer.pad([rows[0]], padding_side="right", return_tensors="pt"))
        batch = tokenizer.pad(
            rows, padding="max_length", max_length=limit, padding_side="right", return_tensors="pt"
        )
        together = _output(model, batch)[:1, : alone.shape[1]]
    except (IndexError, RuntimeError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise InputError(
            f"{folder}: {type(model).__name__} cannot read its tokenizer's output "
            f"({type(error).__name__}: {quoted(error)}). Copy the model's own tokenizer, or give "
            "another model."
        ) from error
    if not (torch.isfinite(alone).all() and torch.isfinite(together).all()):
        raise InputError(f"{folder}: the model's output has NaN or infinity. Give other weights.")
    scale = max(1.0, float(alone.abs().max()))
    if alone.shape != together.shape or (alone - together).abs().max() > _TOLERANCE * scale:
        raise InputError(
            f"{folder}: {type(model).__name__} reads a text differently in a padded batch "
            "than alone, so its scores would depend on the batch size. Choose another model."
        )


def _output(model: PreTrainedModel, batch: Any) -> torch.Tensor:
    """A model's output for each token: [B, T, ...]."""
    output = model(**batch)
    if "start_logits" in output:
        return torch.stack((output.start_logits, output.end_logits), dim=-1)
    return output.logits if "logits" in output else output.last_hidden_state


def _position_tables(model: PreTrainedModel) -> list[tuple[str, Any]]:
    """The model's learnt absolute position embeddings, by name."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if hasattr(module, "padding_idx")  # I-BERT's are no nn.Embedding
        and name.rpartition(".")[2] in ("position_embeddings", "embed_positions", "wpe")
    ]
