"""Words that the gradient points to (HotFlip, Ebrahimi et al. 2018, on pieces of a vocabulary)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import torch
from textattack.shared import AttackedText
from transformers import PreTrainedTokenizerBase

from xltlib.attacks.goal import SpanGoal, TargetedSpan
from xltlib.attacks.swap import CandidateSwap, context_span, is_whole_word
from xltlib.attacks.white_box import WhiteBox
from xltlib.languages import script_of

Vocabulary = Mapping[str, tuple[list[str], np.ndarray]]
# Pieces looked at for each candidate wanted.
_DEPTH = 5


class HotFlip(CandidateSwap):
    """Put a one-piece word in the place of a word, by the first-order change of the goal's loss.

    The change is the gradient at the word's first token times the difference of the embeddings; the
    further tokens of the old word fall away, which the estimate does not see. One backward pass a
    text, which is no query.

    Args:
        vocabulary: one-piece words by script, with their embeddings [N, H].
    """

    def __init__(
        self,
        language: str,
        seed: str,
        box: WhiteBox,
        goal: SpanGoal,
        vocabulary: Vocabulary,
        **options: int,
    ) -> None:
        super().__init__(language, seed, **options)
        self.box, self.goal, self.vocabulary = box, goal, vocabulary
        self._gradient = lru_cache(maxsize=4)(self._gradient_uncached)

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """One-piece words of the word's script, those that help the goal most first."""
        known, embeddings = self.vocabulary.get(script_of(text.words[index]) or "", ([], None))
        if not known:
            return
        offsets, gradient = self._gradient(*text.tokenizer_input)
        start, end = context_span(text, index)
        first = (offsets[..., 0] < end) & (offsets[..., 1] > start) & (offsets[..., 0] <= start)
        direction = gradient[first].sum(axis=0)
        if isinstance(self.goal, TargetedSpan):  # whose loss should fall
            direction = -direction
        best = np.argsort(-(embeddings @ direction), kind="stable")
        for i in best[: _DEPTH * self.candidates_per_word]:
            yield known[i]

    def _gradient_uncached(self, question: str, context: str) -> tuple[np.ndarray, np.ndarray]:
        """Offsets [W, T, 2] of the tokens and the gradient [W, T, H] at each."""
        windows = self.box.windows(question, context)
        spans = self.goal.wanted_spans(context)
        return windows.offsets, windows.gradient(spans, windows.zero()).cpu().numpy()


def one_piece_words(tokenizer: PreTrainedTokenizerBase, embeddings: torch.Tensor) -> Vocabulary:
    """The words that are one piece of a vocabulary, by script, with their embeddings."""
    ids: dict[str, list[int]] = {}
    found: dict[str, list[str]] = {}
    for piece, number in sorted(tokenizer.get_vocab().items()):
        word = piece.removeprefix("▁")
        script = script_of(word)
        if word != piece and word.isalpha() and script is not None and is_whole_word(word):
            ids.setdefault(script, []).append(number)
            found.setdefault(script, []).append(word)
    weights = embeddings.detach().float().cpu().numpy()
    return {script: (found[script], weights[ids[script]]) for script in found}
