"""Tokenizers of the three usual kinds, whole enough to read any Latin text, made on the spot."""

from collections.abc import Callable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from xltlib.encoders import me5

LETTERS = [chr(c) for c in range(ord("!"), ord("~") + 1)] + [*"äöüéèýốóñ"]
MARKS = ["\u0301", "\u0308", "\u0302", "\u0303", "\u0323"]
SHORT_NAMES = ["input_ids", "attention_mask"]
LONG_NAMES = ["input_ids", "token_type_ids", "attention_mask"]


def wordpiece(*, strip_accents: bool = False) -> PreTrainedTokenizerFast:
    """BERT's: `[CLS] A [SEP] B [SEP]`, with token types."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = special + [f"{mark}{char}" for mark in ("", "##") for char in LETTERS + MARKS]
    core = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=strip_accents)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **{"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"},
        **{"cls_token": "[CLS]", "sep_token": "[SEP]"},
        model_input_names=LONG_NAMES,
    )


def unigram() -> PreTrainedTokenizerFast:
    """XLM-R's, which composes characters before it looks them up."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *LETTERS, *MARKS, "<mask>"]
    return me5.tokenizer([(piece, -1.0) for piece in pieces])


def byte_level() -> PreTrainedTokenizerFast:
    """RoBERTa's: bytes, `<s> A </s> </s> B </s>`."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = special + sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({p: i for i, p in enumerate(pieces)}, [], unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **{"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"},
        **{"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"},
        model_input_names=SHORT_NAMES,
    )


KINDS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "wordpiece": wordpiece,
    "wordpiece without accents": lambda: wordpiece(strip_accents=True),
    "unigram": unigram,
    "byte-level": byte_level,
}
