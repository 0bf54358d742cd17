"""Trimming a unigram vocabulary to a run's texts: fewer weights, the same states."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoConfig

from xltlib.artifacts import InputError
from xltlib.encoders.opening import open_tokenizer
from xltlib.text_files import shown

WEIGHTS = "model.safetensors"
PER_PIECE = ("word_embeddings", "embed_tokens", "shared", "lm_head", "predictions")
"""Parts of the names of tensors that have a row for each piece: embeddings, and heads that predict
pieces."""


def unigram(folder: Path) -> list[tuple[str, float]]:
    """Pieces and scores of a folder's tokenizer, in the order of their ids.

    Raises:
        InputError: it is of another kind (WordPiece, BPE), not in the usual two files, or has
            tokens added after its pieces.
    """
    for name in ("tokenizer.json", WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: trim_vocabulary needs {name}, which is missing. Set "
                "trim_vocabulary: false for this encoder."
            )
    core = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    if core["model"]["type"] != "Unigram":
        raise InputError(
            f"{folder}: trim_vocabulary needs a unigram (SentencePiece) tokenizer, but this one is "
            f"{core['model']['type']}. Set trim_vocabulary: false for this encoder."
        )
    pieces = core["model"]["vocab"]
    added = [token["content"] for token in core["added_tokens"] if token["id"] >= len(pieces)]
    if added:
        raise InputError(
            f"{folder}: trim_vocabulary cannot keep tokens that were added after the pieces, e.g. "
            f"{shown(added[0])}. Set trim_vocabulary: false for this encoder."
        )
    return [(piece, score) for piece, score in pieces]


def pieces_to_keep(folder: Path, texts: Iterable[str], extra_pieces: int) -> list[int]:
    """The ids of the pieces that a run needs, in ascending order.

    They are the pieces of its texts, the special pieces, every single character (otherwise unseen
    text would become unknown), and the `extra_pieces` likeliest others, for texts that attacks
    change.
    """
    pieces = unigram(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()  # which some folders enable, along with padding
    tokenizer.no_padding()
    keep = set(tokenizer.get_added_tokens_decoder())
    keep |= {i for i, (piece, _) in enumerate(pieces) if len(piece.removeprefix("▁")) <= 1}
    stream = iter(texts)
    while batch := list(islice(stream, 1000)):
        for encoding in tokenizer.encode_batch_fast(batch):
            keep.update(encoding.ids)
    likeliest = sorted(range(len(pieces)), key=lambda i: (-pieces[i][1], i))
    keep.update(likeliest[:extra_pieces])
    return sorted(i for i in keep if i < len(pieces))


def trim(folder: Path, keep: list[int], target: Path) -> None:
    """Write the encoder with only the kept pieces and their embeddings."""
    core = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    new = {old: i for i, old in enumerate(keep)}
    core["model"]["vocab"] = [core["model"]["vocab"][i] for i in keep]
    core["model"]["unk_id"] = new[core["model"]["unk_id"]]
    for token in core["added_tokens"]:
        token["id"] = new[token["id"]]
    for special in core["post_processor"]["special_tokens"].values():
        special["ids"] = [new[i] for i in special["ids"]]
    tokenizer = open_tokenizer(folder)
    tokenizer.save_pretrained(target)
    (target / "tokenizer.json").write_text(json.dumps(core, ensure_ascii=False), encoding="utf-8")
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    config.vocab_size = len(keep)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        old_id = getattr(config, name, None)
        setattr(config, name, None if old_id is None else new.get(old_id))
    config.save_pretrained(target)
    with safe_open(folder / WEIGHTS, framework="pt") as weights:
        state = {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118
    rows = next(len(state[name]) for name in state if any(part in name for part in PER_PIECE[:3]))
    for name, tensor in state.items():
        if any(part in name for part in PER_PIECE) and tensor.shape[:1] == (rows,):
            state[name] = tensor[keep]
    save_file(state, target / WEIGHTS, metadata={"format": "pt"})
