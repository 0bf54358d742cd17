"""Words that a masked language model would put in a word's place (as in BAE, Garg and Ramakrishnan
2020), for any script that its vocabulary holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import torch
from textattack.shared import AttackedText
from transformers import AutoModelForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.attacks.swap import CandidateSwap, context_span, in_case_of
from xltlib.encoders.opening import open_model, open_tokenizer

# Context on each side of a gap, well within the windows of the usual models.
MAX_CHARACTERS = 300
# Pieces looked at for each candidate wanted: most are endings, punctuation or other scripts.
_DEPTH = 25


class MaskedLM:
    """A masked language model that proposes words for a gap.

    Args:
        folder: what `save_pretrained` wrote.

    Raises:
        InputError: the folder holds no masked language model, or a tokeniser without a mask.
    """

    def __init__(self, folder: Path | str, device: str = "cpu") -> None:
        folder = Path(folder)
        self.tokenizer: PreTrainedTokenizerBase = open_tokenizer(folder)
        if self.tokenizer.mask_token_id is None:
            raise InputError(f"{folder}: its tokeniser has no mask token; give a masked LM")
        self.model: PreTrainedModel = open_model(
            AutoModelForMaskedLM, folder, self.tokenizer, device=device
        )
        # Vocabularies mark either the pieces that begin a word or those that go on with one.
        self.marks_endings = any(piece.startswith("##") for piece in self.tokenizer.get_vocab())
        self.proposals = lru_cache(maxsize=4096)(self._proposals)

    @torch.inference_mode()
    def _proposals(self, before: str, after: str, n: int) -> tuple[str, ...]:
        """The words among the n likeliest pieces for the gap between two texts."""
        gap = self.tokenizer.mask_token_id
        text = f"{before[-MAX_CHARACTERS:]}{self.tokenizer.mask_token}{after[:MAX_CHARACTERS]}"
        batch = self.tokenizer(text, return_tensors="pt").to(self.model.device)
        place = batch["input_ids"][0].tolist().index(gap)
        logits = self.model(**batch).logits[0, place]
        best = logits.topk(min(n, len(logits))).indices.tolist()
        pieces = self.tokenizer.convert_ids_to_tokens(best)
        return tuple(
            self.tokenizer.convert_tokens_to_string([piece]).strip()
            for piece in pieces
            if self._begins_word(piece)
        )

    def _begins_word(self, piece: str) -> bool:
        if self.marks_endings:
            return not piece.startswith("##")
        return piece.startswith(("▁", "Ġ"))


class MaskedLMSwap(CandidateSwap):
    """Put a word that a masked language model proposes in the place of a word."""

    def __init__(self, language: str, seed: str, model: MaskedLM, **options: int) -> None:
        super().__init__(language, seed, **options)
        self.model = model

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The model's words for the gap, the likeliest first."""
        word, context = text.words[index], text.tokenizer_input[1]
        start, end = context_span(text, index)
        n = _DEPTH * self.candidates_per_word
        for proposal in self.model.proposals(context[:start], context[end:], n):
            yield in_case_of(proposal, word)
