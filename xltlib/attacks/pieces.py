"""The pieces of a vocabulary that are whole words, for any kind of vocabulary.

SentencePiece marks pieces that begin a word ("▁house"), and so does byte-level BPE, in its own
alphabet for bytes ("Ġhouse"). WordPiece marks pieces that continue a word ("##s"). Other BPE marks
pieces that end one ("house</w>"), which does not distinguish words from endings. In scripts without
spaces words begin and end anywhere, so pieces without these marks are words too, and so are
WordPiece's continuations.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

from transformers import PreTrainedTokenizerBase

from xltlib.attacks.swap import is_whole_word
from xltlib.languages import UNSPACED_SCRIPTS, script_of

Kind = Literal["byte-level", "end-of-word", "sentencepiece", "wordpiece", "unmarked"]
_END = "</w>"  # of XLM, whose tokenizer does not say so


class Pieces:
    """The pieces of a tokenizer's vocabulary as words."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.vocabulary: dict[str, int] = tokenizer.get_vocab()
        self.special = set(tokenizer.all_special_tokens)
        core = getattr(tokenizer, "backend_tokenizer", None)
        self._normalizer = core.normalizer if core is not None else None
        state = json.loads(core.to_str()) if core is not None else {}
        self._end = _end_of_word(state, self.vocabulary)
        self.kind = _kind(state, self.vocabulary, self._end)

    def word(self, piece: str) -> str | None:
        """The word that a piece represents as a whole word in its script, in composed form, or
        None."""
        if piece in self.special:
            return None
        whole, text = piece.endswith(self._end), piece.removesuffix(self._end)
        if self.kind == "byte-level":
            decoded = _decoded(text)
            if decoded is None:
                return None
            whole, text = whole if self._end else decoded.startswith(" "), decoded.removeprefix(" ")
        elif self.kind == "sentencepiece":
            whole, text = piece.startswith("▁"), piece.removeprefix("▁")
        elif self.kind == "wordpiece":
            whole, text = not piece.startswith("##"), piece.removeprefix("##")
        text = unicodedata.normalize("NFC", text)
        script = script_of(text)
        if script is None or not (whole or script in UNSPACED_SCRIPTS):
            return None
        return text if text.isalpha() or _letters_and_marks(text) else None

    def written(self, word: str) -> str:
        """A word as `words` has it: as the tokenizer normalises it, in composed form.

        An uncased vocabulary has "cafe" for "Café".
        """
        if self._normalizer is not None:
            word = self._normalizer.normalize_str(word).strip("▁ ")
        return unicodedata.normalize("NFC", word)

    def words(self) -> Iterator[tuple[str, int]]:
        """All words that are a single piece, with the piece's id, in the order of pieces."""
        seen = set()
        for piece, number in sorted(self.vocabulary.items()):
            word = self.word(piece)
            if word is not None and word not in seen and is_whole_word(word):
                seen.add(word)
                yield word, number


def _kind(state: Mapping[str, Any], pieces: Iterable[str], end: str) -> Kind:
    if '"ByteLevel"' in json.dumps([state.get("pre_tokenizer"), state.get("decoder")]):
        return "byte-level"
    if end:
        return "end-of-word"
    if any(piece.startswith("▁") and len(piece) > 1 for piece in pieces):
        return "sentencepiece"
    if any(piece.startswith("##") and len(piece) > 2 for piece in pieces):
        return "wordpiece"
    return "unmarked"


def _end_of_word(state: Mapping[str, Any], pieces: Iterable[str]) -> str:
    """What marks the end of a word; "" if nothing does."""
    if "model" in state:
        return state["model"].get("end_of_word_suffix") or ""
    return _END if any(piece.endswith(_END) for piece in pieces) else ""


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
