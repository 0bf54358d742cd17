"""A trained span-QA model that answers questions in batches."""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import AutoModelForQuestionAnswering, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.encoders.device import computes_bf16
from xltlib.encoders.opening import max_tokens, open_model, open_tokenizer, require_positions
from xltlib.encoders.reading import reading
from xltlib.params import Precision, SpanQASettings
from xltlib.tasks.decoding import best_spans
from xltlib.tasks.kind import pad_batch, padded_length
from xltlib.tasks.offsets import token_span
from xltlib.tasks.windows import Features, featurize

USUAL = SpanQASettings().max_length
SHORTEST = 32
"""Tokens per window: XTREME's number, and the minimum that the params allow."""


@dataclass(frozen=True)
class Prediction:
    """An answer: the characters [start, end) of the context, with its probability.

    `probability` is exp(start + end logit), normalised over all starts and all ends in the
    windows of the example, so it lies in [0, 1].
    """

    text: str
    start: int
    end: int
    probability: float


@dataclass
class SpanPredictor:
    """Answers questions about contexts with a Hugging Face question-answering model.

    Windows with the same tokens are read once per call, and the `remember` most recently used ones
    are kept for later calls.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: SpanQASettings = field(default_factory=SpanQASettings)
    batch_size: int = 32
    precision: Precision = "float32"
    progress: bool = False
    remember: int = 0

    def __post_init__(self) -> None:
        self.model.eval()
        self._kept: OrderedDict[bytes, np.ndarray] = OrderedDict()
        self._limit = max_tokens(self.model)

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        device: str = "cpu",
        settings: SpanQASettings | None = None,
        **options: Any,
    ) -> SpanPredictor:
        """Load a model and its tokenizer from a folder.

        Args:
            settings: None for the defaults, with shorter windows if the model needs them.

        Raises:
            InputError: the folder has no usable span-QA model (see `xltlib.encoders.opening`), or
                the windows are too long for it.
        """
        tokenizer = open_tokenizer(Path(folder))
        model = open_model(AutoModelForQuestionAnswering, Path(folder), tokenizer, device=device)
        model.requires_grad_(False)  # attacks take gradients at inputs, not at weights
        if settings is None:
            settings = usual_windows(model)
        require_positions(model, settings.max_length, "max_length")
        return cls(model, tokenizer, settings, **options)

    def _logits(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Start and end logits, float32 [W, T], -inf beyond each window's own tokens."""
        windows = [_digest(ids) for ids in features.input_ids]
        first = {name: window for window, name in reversed(list(enumerate(windows)))}
        new = [window for name, window in first.items() if name not in self._kept]
        found = {name: self._kept[name] for name in first if name in self._kept}
        found |= zip((windows[window] for window in new), self._read(features, new), strict=True)
        width = max(map(len, features.input_ids))
        logits = np.full((2, len(windows), width), -np.inf, dtype=np.float32)
        for window, name in enumerate(windows):
            logits[:, window, : found[name].shape[1]] = found[name]
        if self.remember:
            self._kept |= found
            for name in found:
                self._kept.move_to_end(name)
            while len(self._kept) > self.remember:
                self._kept.popitem(last=False)
        return logits[0], logits[1]

    @torch.inference_mode()
    def _read(self, features: Features, windows: list[int]) -> list[np.ndarray]:
        """The model's logits for some windows, float32 [2, T] each."""
        found: dict[int, np.ndarray] = {}
        device = self.model.device
        batches = self._batches({window: len(features.input_ids[window]) for window in windows})
        for rows in tqdm(batches, desc="answering", unit="batch", disable=not self.progress):
            inputs = [features.model_inputs(row) for row in rows]
            padded = pad_batch(self.tokenizer, inputs, self._limit)
            batch = {name: tensor.to(device) for name, tensor in padded.items()}
            with reading(self.model, self.precision):
                output = self.model(**batch)
            both = torch.stack((output.start_logits, output.end_logits), dim=1)
            for row, logits in zip(rows, both.float().cpu().numpy(), strict=True):
                found[row] = logits[:, : len(features.input_ids[row])]
        return [found[window] for window in windows]

    def _batches(self, tokens: dict[int, int]) -> list[list[int]]:
        """Batches of windows, given the number of tokens of each, longest first.

        Windows of similar length share a batch, so that little is computed on padding. On a
        CPU, where a small batch costs no more per token than a large one, nothing is: only windows
        that are padded to the same length do.
        """
        order = sorted(tokens, key=lambda window: -tokens[window])
        groups = [order]
        if self.model.device.type == "cpu":
            groups = [
                list(alike) for _, alike in groupby(order, lambda one: self._width(tokens[one]))
            ]
        return [
            group[first : first + self.batch_size]
            for group in groups
            for first in range(0, len(group), self.batch_size)
        ]

    def _width(self, tokens: int) -> int:
        """The number of tokens to which a batch is padded: whole blocks, up to the model's
        limit."""
        return padded_length(tokens, self._limit)

    @torch.inference_mode(False)  # whose tensors have no gradients
    def faster(self) -> SpanPredictor:
        """A copy that computes everything in bf16; its logits are close to this one's.

        On a device without bf16 units, where float32 is faster, the predictor itself is returned.
        """
        if not computes_bf16(self.model.device):
            return self
        return replace(self, model=deepcopy(self.model).bfloat16(), precision="float32")

    def predict(self, questions: list[str], contexts: list[str]) -> list[Prediction]:
        """Answer each question from its context."""
        return self.score(questions, contexts, [[] for _ in questions])[0]

    def score(
        self,
        questions: list[str],
        contexts: list[str],
        spans: Sequence[Sequence[tuple[int, int]]],
    ) -> tuple[list[Prediction], np.ndarray]:
        """Answer each question and score given spans of its context.

        Args:
            spans: for each example, character spans (start, end), for example its gold answers.

        Returns:
            The predictions, and a float64 array [examples] with the probability of the likeliest of
            the given spans; 0 if none is given or none fits into a window.
        """
        if not questions:
            return [], np.zeros(0)
        features = featurize(self.tokenizer, questions, contexts, self.settings)
        start, end = self._logits(features)
        best = best_spans(features, start, end, len(questions), self.settings)
        log_total = _log_total(features, start, end, len(questions))
        probability = np.exp(best.score.astype(np.float64) - log_total)
        predictions = [
            Prediction(context[s:e], int(s), int(e), float(p))
            for context, s, e, p in zip(contexts, best.start, best.end, probability, strict=True)
        ]
        scores = _span_logits(features, start, end, spans)
        gold = np.array([max(of_example, default=-np.inf) for of_example in scores])
        return predictions, np.exp(gold - log_total)

    def span_logits(
        self,
        questions: list[str],
        contexts: list[str],
        spans: Sequence[Sequence[tuple[int, int]]],
    ) -> list[np.ndarray]:
        """Score given spans of each context, without answering.

        Args:
            spans: for each example, character spans (start, end).

        Returns:
            For each example float64 [spans]: start plus end logit in the window with the highest
            score; -inf if no window has the whole span.
        """
        if not questions:
            return []
        features = featurize(self.tokenizer, questions, contexts, self.settings)
        return _span_logits(features, *self._logits(features), spans)


def _digest(ids: Sequence[int]) -> bytes:
    """A key for a window's tokens that takes less memory than the tokens."""
    return hashlib.blake2b(array("i", ids).tobytes(), digest_size=16).digest()


def usual_windows(model: PreTrainedModel) -> SpanQASettings:
    """The default windows, or shorter ones if the model reads fewer tokens.

    Raises:
        InputError: it reads too few.
    """
    return window_settings(min(max_tokens(model) or USUAL, USUAL))


def window_settings(max_length: int) -> SpanQASettings:
    """Windows of a given length, with question length and stride in the default proportions.

    Raises:
        InputError: they are too short for a question and a part of its context.
    """
    usual = SpanQASettings()
    if max_length < SHORTEST:
        raise InputError(
            f"windows of {max_length} tokens are too short for a question and its context; the "
            f"minimum is {SHORTEST}. Give a longer max_length, or a model that reads more."
        )
    shorter = {
        name: min(getattr(usual, name), getattr(usual, name) * max_length // usual.max_length)
        for name in ("doc_stride", "max_query_length")
    }
    return SpanQASettings(max_length=max_length, **shorter)


def _span_logits(
    features: Features,
    start: np.ndarray,
    end: np.ndarray,
    spans: Sequence[Sequence[tuple[int, int]]],
) -> list[np.ndarray]:
    """Start plus end logit of each example's spans, the best over its windows (`span_logits`)."""
    found = [np.full(len(of_example), -np.inf) for of_example in spans]
    for window, example in enumerate(features.example):
        for i, (first, last) in enumerate(spans[example]):
            tokens = token_span(features.offsets[window], first, last)
            if tokens is not None:
                value = float(start[window, tokens[0]]) + float(end[window, tokens[1]])
                found[example][i] = max(found[example][i], value)
    return found


def _log_total(
    features: Features, start: np.ndarray, end: np.ndarray, n_examples: int
) -> np.ndarray:
    """Log of the sum over all windows of exp(start) times exp(end): [n_examples]."""
    total = np.full(n_examples, -np.inf)
    with np.errstate(invalid="ignore"):  # whoever asked sees a model's NaN in its answer
        both = np.logaddexp.reduce(start.astype(np.float64), axis=1)
        both += np.logaddexp.reduce(end.astype(np.float64), axis=1)
        np.logaddexp.at(total, features.example, both)
    return total
