"""Words that the gradient points to (HotFlip, Ebrahimi et al. 2018, on pieces of a vocabulary)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import torch
from textattack.shared import AttackedText
from transformers import PreTrainedTokenizerBase

from xltlib.attacks.goal import SpanGoal, TargetedSpan
from xltlib.attacks.pieces import Pieces
from xltlib.attacks.swap import CandidateSwap, context_span, in_case_of
from xltlib.attacks.white_box import WhiteBox
from xltlib.languages import script_of

Vocabulary = Mapping[str, tuple[list[str], np.ndarray]]
# Pieces considered for each wanted candidate.
_DEPTH = 5


class HotFlip(CandidateSwap):
    """Replace a word by a one-piece word, chosen by the first-order change of the goal's loss.

    The change is the gradient at the word's first token times the difference of the embeddings. The
    old word's other tokens disappear, which the estimate ignores. Each backward pass, one per text,
    counts as a query; when the budget is used up there are no candidates.

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

    def editable(self, text: AttackedText, index: int) -> bool:
        """Whether the vocabulary has words in the word's script."""
        word = text.words[index]
        return self.long_enough(word) and script_of(word) in self.vocabulary

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """One-piece words in the word's script, the most helpful to the goal first."""
        known, embeddings = self.vocabulary.get(script_of(text.words[index]) or "", ([], None))
        if not known:
            return
        found = self._gradient(*text.tokenizer_input)
        if found is None:
            return
        offsets, gradient = found
        start, end = context_span(text, index)
        first = (offsets[..., 0] < end) & (offsets[..., 1] > start) & (offsets[..., 0] <= start)
        direction = gradient[first].sum(axis=0)
        if isinstance(self.goal, TargetedSpan):  # whose loss should fall
            direction = -direction
        # Rounded, so that near ties do not depend on the machine's instruction set.
        gain = embeddings @ direction
        scale = float(np.abs(gain).max(initial=0.0)) or 1.0
        best = np.argsort(-np.round(gain / scale, 5), kind="stable")
        for i in best[: _DEPTH * self.candidates_per_word]:
            yield in_case_of(known[i], text.words[index], self.language)

    def _gradient_uncached(
        self, question: str, context: str
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Offsets [W, T, 2] of the tokens and the gradient [W, T, H] at each."""
        if not self.goal.spend(1):
            self.goal.starved = True
            return None
        windows = self.box.windows(question, context)
        spans = self.goal.wanted_spans(context)
        return windows.offsets, windows.gradient(spans, windows.zero()).cpu().numpy()


def one_piece_words(tokenizer: PreTrainedTokenizerBase, embeddings: torch.Tensor) -> Vocabulary:
    """The words that are a single piece of the vocabulary, by script, with embeddings."""
    ids: dict[str, list[int]] = {}
    found: dict[str, list[str]] = {}
    for word, number in Pieces(tokenizer).words():
        script = script_of(word)
        if script is not None and number < len(embeddings):
            ids.setdefault(script, []).append(number)
            found.setdefault(script, []).append(word)
    weights = embeddings.detach().float().cpu().numpy()
    return {script: (found[script], weights[ids[script]]) for script in found}
