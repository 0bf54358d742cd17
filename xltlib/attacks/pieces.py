"""The pieces of a vocabulary that are whole words, for any kind of vocabulary.

SentencePiece marks pieces that begin a word ("▁house"), and so does byte-level BPE, in its own
alphabet for bytes ("Ġhouse"). WordPiece marks pieces that continue a word ("##s"). In scripts
without spaces words begin anywhere, so pieces without a mark of the beginning are words too, and so
are WordPiece's continuations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Literal

from transformers import PreTrainedTokenizerBase

from xltlib.attacks.swap import is_whole_word
from xltlib.languages import UNSPACED_SCRIPTS, script_of

Kind = Literal["sentencepiece", "wordpiece", "byte-level", "unmarked"]


class Pieces:
    """The pieces of a tokenizer's vocabulary as words."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.vocabulary: dict[str, int] = tokenizer.get_vocab()
        self.special = set(tokenizer.all_special_tokens)
        self.kind = _kind(tokenizer)

    def word(self, piece: str) -> str | None:
        """The word that a piece represents at the beginning of a word in its script, or None."""
        if piece in self.special:
            return None
        begins = True
        if self.kind == "sentencepiece":
            begins, text = piece.startswith("▁"), piece.removeprefix("▁")
        elif self.kind == "wordpiece":
            begins, text = not piece.startswith("##"), piece.removeprefix("##")
        elif self.kind == "byte-level":
            decoded = _decoded(piece)
            if decoded is None:
                return None
            begins, text = decoded.startswith(" "), decoded.removeprefix(" ")
        else:
            text = piece
        script = script_of(text)
        if script is None or not (begins or script in UNSPACED_SCRIPTS):
            return None
        return text if text.isalpha() or _letters_and_marks(text) else None

    def words(self) -> Iterator[tuple[str, int]]:
        """All words that are a single piece, with the piece's id, in the order of pieces."""
        seen = set()
        for piece, number in sorted(self.vocabulary.items()):
            word = self.word(piece)
            if word is not None and word not in seen and is_whole_word(word):
                seen.add(word)
                yield word, number


def _kind(tokenizer: PreTrainedTokenizerBase) -> Kind:
    pieces = tokenizer.get_vocab()
    core = getattr(tokenizer, "backend_tokenizer", None)
    state = json.loads(core.to_str()) if core is not None else {}
    if '"ByteLevel"' in json.dumps([state.get("pre_tokenizer"), state.get("decoder")]):
        return "byte-level"
    if any(piece.startswith("▁") and len(piece) > 1 for piece in pieces):
        return "sentencepiece"
    if any(piece.startswith("##") and len(piece) > 2 for piece in pieces):
        return "wordpiece"
    return "unmarked"


def _letters_and_marks(text: str) -> bool:
    return is_whole_word(text) and not any(char.isdigit() or char == "_" for char in text)


def _decoded(piece: str) -> str | None:
    """A byte-level piece as text; None if its bytes are not whole characters."""
    table = _bytes_by_char()
    try:
        return bytes(table[char] for char in piece).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None


@cache
def _bytes_by_char() -> dict[str, int]:
    """The characters with which byte-level BPE writes bytes (GPT-2, Radford et al. 2019)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): b for i, b in enumerate(others)}
