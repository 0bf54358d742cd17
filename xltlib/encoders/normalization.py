"""How a tokenizer normalises, splits and joins texts: as its own files say.

For the classes that it knows, transformers takes the vocabulary from tokenizer.json and builds the
rest from defaults: BERT's would lower-case, DeBERTa's would lose its map of characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

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
        whole = type(tokenizer) is PreTrainedTokenizerFast  # it reads the whole file
        if isinstance(tokenizer, PreTrainedTokenizerFast) and not whole:
            _restore(Tokenizer.from_file(str(file)), tokenizer.backend_tokenizer, stated)
    elif (
        "do_lower_case" not in stated
        and tokenizer.get_vocab().keys() >= set(ascii_uppercase)
        and tokenizer.tokenize("A") == ["a"]
    ):
        raise InputError(
            f"{config}: do_lower_case is not stated, so capitals would be lost, but the vocabulary "
            "has them. Copy the model's own file, or state do_lower_case: false (or true)."
        )


def _restore(saved: Tokenizer, rebuilt: Tokenizer, stated: Mapping[str, Any]) -> None:
    """Give a rebuilt tokenizer the parts of the saved one."""
    normalizer, splitter = saved.normalizer, saved.pre_tokenizer
    if isinstance(normalizer, BertNormalizer):
        for key in _BERT.keys() & stated.keys():
            setattr(normalizer, _BERT[key], stated[key])
    if isinstance(splitter, ByteLevel) and "add_prefix_space" in stated:
        splitter.add_prefix_space = stated["add_prefix_space"]
    rebuilt.normalizer, rebuilt.pre_tokenizer = normalizer, splitter
    if saved.post_processor is not None and not stated.keys() & _ADDED:
        rebuilt.post_processor = saved.post_processor
    # Some classes add pieces to the vocabulary.
    if len({one.get_vocab_size(with_added_tokens=False) for one in (saved, rebuilt)}) == 1:
        rebuilt.model = saved.model
