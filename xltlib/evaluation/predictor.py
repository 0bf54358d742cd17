"""A trained span-QA model that answers questions in batches."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """Answers questions about contexts with a Hugging Face question-answering model."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: SpanQASettings = field(default_factory=SpanQASettings)
    batch_size: int = 32
    precision: Precision = "float32"
    progress: bool = False

    def __post_init__(self) -> None:
        self.model.eval()

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
            model = AutoModelForQuestionAnswering.from_pretrained(folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise InputError(f"{folder}: the model cannot be loaded: {error}") from error
        return cls(model.to(device), tokenizer, **options)

    @torch.inference_mode()
    def _logits(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Start and end logits, float32 [W, T], -inf beyond each window's own tokens."""
        lengths = np.array([len(ids) for ids in features.input_ids])
        start, end = np.full((2, len(features), int(lengths.max())), -np.inf, dtype=np.float32)
        device = self.model.device
        # Windows of similar length share a batch, so little is computed on padding.
        order = np.argsort(-lengths, kind="stable")
        batches = range(0, len(order), self.batch_size)
        for first in tqdm(batches, desc="answering", unit="batch", disable=not self.progress):
            rows = order[first : first + self.batch_size]
            inputs = [features.model_inputs(int(row)) for row in rows]
            batch = self.tokenizer.pad(inputs, return_tensors="pt").to(device)
            bf16 = self.precision == "bf16"
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                output = self.model(**batch)
            for row, s, e in zip(
                rows,
                output.start_logits.float().cpu().numpy(),
                output.end_logits.float().cpu().numpy(),
                strict=True,
            ):
                start[row, : lengths[row]] = s[: lengths[row]]
                end[row, : lengths[row]] = e[: lengths[row]]
        return start, end

    def predict(self, questions: list[str], contexts: list[str]) -> list[Prediction]:
        """Answer each question from its context."""
        return self.score(questions, contexts, [[] for _ in questions])[0]

    def score(
        self, questions: list[str], contexts: list[str], spans: list[list[tuple[int, int]]]
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
        gold = np.full(len(questions), -np.inf)
        for window, example in enumerate(features.example):
            for first, last in spans[example]:
                tokens = token_span(features.offsets[window], first, last)
                if tokens is not None:
                    value = float(start[window, tokens[0]]) + float(end[window, tokens[1]])
                    gold[example] = max(gold[example], value)
        return predictions, np.exp(gold - log_total)


def _log_total(
    features: Features, start: np.ndarray, end: np.ndarray, n_examples: int
) -> np.ndarray:
    """Log of the sum over all windows of exp(start) times exp(end): [n_examples]."""
    both = np.logaddexp.reduce(start.astype(np.float64), axis=1)
    both += np.logaddexp.reduce(end.astype(np.float64), axis=1)
    total = np.full(n_examples, -np.inf)
    np.logaddexp.at(total, features.example, both)
    return total
