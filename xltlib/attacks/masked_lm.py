"""Replacements proposed by a masked language model (as in BAE, Garg and Ramakrishnan 2020), in any
script of its vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

import torch
from textattack.shared import AttackedText
from transformers import (
    AutoModelForMaskedLM,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from xltlib.artifacts import InputError
from xltlib.attacks.pieces import Pieces
from xltlib.attacks.swap import CandidateSwap, context_span, in_case_of
from xltlib.encoders.opening import max_tokens, open_model, open_tokenizer
from xltlib.encoders.reading import reading
from xltlib.languages import UNSPACED_SCRIPTS, script_of

# Context on each side of a gap, well within the windows of common models.
MAX_CHARACTERS = 300
# Pieces considered per wanted candidate: most are endings, punctuation or in other scripts.
_DEPTH = 25
Edit = Literal["replace", "insert", "merge"]


class MaskedLM:
    """A masked language model that proposes words for a gap.

    Args:
        folder: what `save_pretrained` wrote.

    Raises:
        InputError: the folder has no masked language model, or its tokenizer has no mask.
    """

    def __init__(self, folder: Path | str, device: str = "cpu") -> None:
        folder = Path(folder)
        self.tokenizer: PreTrainedTokenizerBase = open_tokenizer(folder)
        if self.tokenizer.mask_token_id is None:
            raise InputError(f"{folder}: its tokenizer has no mask token; give a masked LM")
        self.model: PreTrainedModel = open_model(
            AutoModelForMaskedLM, folder, self.tokenizer, device=device
        )
        self.pieces = Pieces(self.tokenizer)
        self.proposals = lru_cache(maxsize=4096)(self._proposals)

    @torch.inference_mode()
    def _proposals(self, question: str, before: str, after: str, n: int) -> tuple[str, ...]:
        """The words among the n likeliest pieces for the gap between two texts."""
        gap, mask = self.tokenizer.mask_token_id, self.tokenizer.mask_token
        for reach in self._reaches():
            text = f"{before[len(before) - reach :] if reach < len(before) else before}"
            text += f"{mask}{after[:reach]}"
            batch = self.tokenizer(question[:reach], text, return_tensors="pt")
            if self._fits(batch):
                break
        ids = batch["input_ids"][0].tolist()
        place = ids.index(gap, self._passage_from(batch, ids))
        with reading(self.model, "float32"):
            logits = self.model(**batch.to(self.model.device)).logits[0, place]
        best = logits.topk(min(n, len(logits))).indices.tolist()
        # Embeddings are often padded beyond the vocabulary; such ids are not pieces.
        pieces = (p for p in self.tokenizer.convert_ids_to_tokens(best) if p is not None)
        return tuple(word for word in map(self.pieces.word, pieces) if word is not None)

    @cached_property
    def most(self) -> int | None:
        """The most tokens that the model reads at once; None if it states no limit."""
        return max_tokens(self.model) if hasattr(self.model, "config") else None

    def _reaches(self) -> Iterator[int]:
        """Numbers of characters to read on each side, until the model can read them all."""
        reach = MAX_CHARACTERS
        while reach:
            yield reach
            reach //= 2
        yield 0

    def _fits(self, batch: BatchEncoding) -> bool:
        return self.most is None or len(batch["input_ids"][0]) <= self.most

    def _passage_from(self, batch: BatchEncoding, ids: list[int]) -> int:
        """The token at which the second text begins."""
        parts = batch.sequence_ids(0)
        return parts.index(1) if 1 in parts else ids.index(self.tokenizer.mask_token_id)

    @torch.inference_mode()
    def surprise(self, text: str, start: int, end: int) -> float:
        """The mean negative log probability of the pieces in [start, end), each masked alone; NaN
        if the span alone is too long for the model.

        A proxy for fluency (pseudo-perplexity, Salazar et al. 2020) at a single place.
        """
        for reach in self._reaches():
            first = max(0, start - reach)
            part = text[first : end + reach]
            coded = self.tokenizer(part, return_offsets_mapping=True, return_tensors="pt")
            if self._fits(coded):
                break
        else:
            return float("nan")
        offsets = coded.pop("offset_mapping")[0].tolist()
        places = [
            i for i, (a, b) in enumerate(offsets) if a < end - first and b > start - first and b > a
        ]
        if not places:
            return 0.0
        batch = {name: value.repeat(len(places), 1) for name, value in coded.items()}
        gold = batch["input_ids"][0, places].clone()
        rows = torch.arange(len(places))
        batch["input_ids"][rows, places] = self.tokenizer.mask_token_id
        on_device = {name: value.to(self.model.device) for name, value in batch.items()}
        with reading(self.model, "float32"):
            logits = self.model(**on_device).logits[rows, places].float().cpu()
        found = torch.log_softmax(logits, dim=-1)[rows, gold]
        return -float(found.mean())


class MaskedLMSwap(CandidateSwap):
    """Replace, insert or merge words with those that a masked language model proposes.

    The model reads the question too, so that its proposals fit both texts.

    Args:
        edits: CLARE's three (Li et al. 2021): "replace" a word, "insert" one after it, or "merge"
            it with the next word if only white space separates them.
        free: the words of a text that may be edited; no others are merged.
    """

    def __init__(
        self,
        language: str,
        seed: str,
        model: MaskedLM,
        *,
        edits: Sequence[Edit] = ("replace",),
        free: Callable[[AttackedText], set[int]] = lambda text: set(),
        **options: int,
    ) -> None:
        super().__init__(language, seed, **options)
        self.model, self.edits, self.free = model, edits, free

    def editable(self, text: AttackedText, index: int) -> bool:
        """Any long enough word with letters; getting the model's proposals takes a forward pass."""
        word = text.words[index]
        return self.long_enough(word) and script_of(word) is not None

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The model's words for the gap that a word leaves, the likeliest first."""
        word, (start, end) = text.words[index], context_span(text, index)
        for proposal in self._proposals(text, start, end):
            yield in_case_of(proposal, word, self.language)

    def _get_transformations(
        self, current_text: AttackedText, indices_to_modify: Iterable[int]
    ) -> list[AttackedText]:
        indices, found = sorted(indices_to_modify), list[AttackedText]()
        if "replace" in self.edits:
            found += super()._get_transformations(current_text, indices)
        long = [index for index in indices if self.editable(current_text, index)]
        if "insert" in self.edits:
            found += [text for index in long for text in self._inserted(current_text, index)]
        if "merge" in self.edits:
            free = self.free(current_text) - current_text.attack_attrs["modified_indices"]
            pairs = [index for index in long if index + 1 in free]
            found += [text for index in pairs for text in self._merged(current_text, index)]
        return found

    def _inserted(self, text: AttackedText, index: int) -> list[AttackedText]:
        word, (_, end) = text.words[index], context_span(text, index)
        space = "" if script_of(word) in UNSPACED_SCRIPTS else " "
        words = self._some(self._proposals(text, end, end, space), word)
        return [text.replace_word_at_index(index, f"{word}{space}{new}") for new in words]

    def _merged(self, text: AttackedText, index: int) -> list[AttackedText]:
        (start, end), (second, last) = (context_span(text, i) for i in (index, index + 1))
        if text.tokenizer_input[1][end:second].strip():
            return []
        word = text.words[index]
        proposals = self._proposals(text, start, last)
        words = self._some((in_case_of(w, word, self.language) for w in proposals), word)
        return [text.replace_words_at_indices([index, index + 1], [new, ""]) for new in words]

    def _some(self, proposals: Iterable[str], word: str) -> list[str]:
        fit = (new for new in dict.fromkeys(proposals) if new != word and self.is_fit(new))
        return list(islice(fit, self.candidates_per_word))

    def _proposals(
        self, text: AttackedText, start: int, end: int, space: str = ""
    ) -> tuple[str, ...]:
        """The model's words for a gap in place of the context's characters [start, end)."""
        question, context = text.tokenizer_input
        n = _DEPTH * self.candidates_per_word
        return self.model.proposals(question, context[:start] + space, context[end:], n)
