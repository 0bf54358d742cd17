"""How a tokenizer normalises, splits and joins texts: as its own files say.

For the classes that it knows, transformers takes the vocabulary from tokenizer.json and builds the
rest from defaults: BERT's would lower-case, DeBERTa's would lose its map of characters.
"""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase

from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import InputError, read_json
from xltlib.encoders.files import TOKENIZER_CONFIG

_BERT = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
_ADDED = {"add_bos_token", "add_eos_token"}


def keep_normalization(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Let a tokenizer treat text as tokenizer.json says.

    As in transformers, what tokenizer_config.json states has priority.

    Raises:
        InputError: there is no tokenizer.json, and nothing says whether a cased vocabulary goes
            with lower-cased text.
    """
    config, file = folder / TOKENIZER_CONFIG, folder / "tokenizer.json"
    stated = read_json(config) if config.is_file() else {}
    if file.is_file():
        saved, own = Tokenizer.from_file(str(file)), tokenizer.backend_tokenizer
        normalizer, splitter = saved.normalizer, saved.pre_tokenizer
        if isinstance(normalizer, BertNormalizer):
            for key in _BERT.keys() & stated.keys():
                setattr(normalizer, _BERT[key], stated[key])
        if isinstance(splitter, ByteLevel) and "add_prefix_space" in stated:
            splitter.add_prefix_space = stated["add_prefix_space"]
        own.normalizer, own.pre_tokenizer = normalizer, splitter
        if saved.post_processor is not None and not stated.keys() & {
            "add_bos_token",
            "add_eos_token",
        }:
            own.post_processor = saved.post_processor
    elif (
        "do_lower_case" not in stated
        and tokenizer.get_vocab().keys() >= set(ascii_uppercase)
        and tokenizer.tokenize("A") == ["a"]
    ):
        raise InputError(
            f"{config}: do_lower_case is not stated, so capitals would be lost, but the vocabulary "
            "has them. Copy the model's own file, or state do_lower_case: false (or true)."
        )
