"""A trained span-QA model that answers questions in batches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from tqdm.auto import tqdm
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from xltlib.artifacts import InputError
from xltlib.params import Precision, SpanQASettings
from xltlib.tasks.span_qa import Features, best_spans, featurize, token_span
from xltlib.training.numerics import resolve

BLOCK = 32
"""Tokens: matrix units compute bf16 in blocks, and lengths that fill them are faster (a fifth on
two cores with AMX, me5-small, passages of XQuAD)."""


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

    Windows with the same tokens are read once in a call, and `remember` of them are kept for the
    next calls, the last used first.
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
        self._kept: OrderedDict[tuple[int, ...], np.ndarray] = OrderedDict()

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "cpu", **options: Any) -> SpanPredictor:
        """Load a model and its tokenizer from a folder.

        Raises:
            InputError: the folder is missing or does not hold a span-QA model.
        """
        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise InputError(
                f"{folder}: no model here (config.json is missing). Give the folder that "
                "save_pretrained wrote, e.g. outputs/quick/03_target_training/<cell>/model."
            )
        try:
            model, loading = AutoModelForQuestionAnswering.from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise InputError(f"{folder}: the model cannot be loaded: {error}") from error
        missing = [name for name in loading["missing_keys"] if "qa_outputs" in name]
        if missing:
            raise InputError(
                f"{folder}: an encoder without a span-QA head ({missing[0]} is missing). Give a "
                "model that was fine-tuned on span QA."
            )
        return cls(model.to(device), tokenizer, **options)

    def _logits(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Start and end logits, float32 [W, T], -inf beyond each window's own tokens."""
        windows = [tuple(ids) for ids in features.input_ids]
        first = {ids: window for window, ids in reversed(list(enumerate(windows)))}
        new = [window for ids, window in first.items() if ids not in self._kept]
        found = {ids: self._kept[ids] for ids in first if ids in self._kept}
        found |= zip((windows[window] for window in new), self._read(features, new), strict=True)
        logits = np.full((2, len(windows), max(map(len, windows))), -np.inf, dtype=np.float32)
        for window, ids in enumerate(windows):
            logits[:, window, : len(ids)] = found[ids]
        if self.remember:
            self._kept |= found
            for ids in found:
                self._kept.move_to_end(ids)
            while len(self._kept) > self.remember:
                self._kept.popitem(last=False)
        return logits[0], logits[1]

    @torch.inference_mode()
    def _read(self, features: Features, windows: list[int]) -> list[np.ndarray]:
        """The model's logits of some windows, each float32 [2, T] of its own length."""
        # Windows of similar length share a batch, so little is computed on padding.
        order = sorted(windows, key=lambda window: -len(features.input_ids[window]))
        found: dict[int, np.ndarray] = {}
        device = self.model.device
        batches = range(0, len(order), self.batch_size)
        for first in tqdm(batches, desc="answering", unit="batch", disable=not self.progress):
            rows = order[first : first + self.batch_size]
            inputs = [features.model_inputs(row) for row in rows]
            batch = self.tokenizer.pad(
                inputs,
                padding="max_length",
                max_length=self._width(max(len(features.input_ids[row]) for row in rows)),
                return_tensors="pt",
            ).to(device)
            bf16 = resolve(self.precision, device.type) == "bf16"
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                output = self.model(**batch)
            both = torch.stack((output.start_logits, output.end_logits), dim=1)
            for row, logits in zip(rows, both.float().cpu().numpy(), strict=True):
                found[row] = logits[:, : len(features.input_ids[row])]
        return [found[window] for window in windows]

    def _width(self, tokens: int) -> int:
        """Tokens that a batch is padded to; in bf16 whole blocks, as far as the model goes."""
        if self.model.dtype != torch.bfloat16:
            return tokens
        blocks = -(-tokens // BLOCK) * BLOCK
        limit = getattr(self.model.config, "max_position_embeddings", blocks)
        return max(tokens, min(blocks, limit))

    def faster(self) -> SpanPredictor:
        """A copy that computes in bf16 throughout; its logits are near this one's."""
        return replace(self, model=deepcopy(self.model).to(torch.bfloat16), precision="float32")

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
            The predictions, and a float64 array [examples]: the probability of the likeliest of
            the given spans, 0 where none is given or none fits a window.
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
            For each example float64 [spans]: start plus end logit in the window that likes the span
            best, -inf where none holds the whole span.
        """
        if not questions:
            return []
        features = featurize(self.tokenizer, questions, contexts, self.settings)
        return _span_logits(features, *self._logits(features), spans)


def _span_logits(
    features: Features,
    start: np.ndarray,
    end: np.ndarray,
    spans: Sequence[Sequence[tuple[int, int]]],
) -> list[np.ndarray]:
    """Start plus end logit of each example's spans, the best over its windows; see above."""
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
    both = np.logaddexp.reduce(start.astype(np.float64), axis=1)
    both += np.logaddexp.reduce(end.astype(np.float64), axis=1)
    total = np.full(n_examples, -np.inf)
    np.logaddexp.at(total, features.example, both)
    return total
