"""What white-box attacks use: the gradient of the gold answer's loss at every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from xltlib.attacks.goal import SpanGoal
from xltlib.attacks.passage import Passage
from xltlib.attacks.query import checked
from xltlib.encoders.parts import word_embeddings
from xltlib.encoders.reading import reading
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.tasks.decoding import best_spans
from xltlib.tasks.kind import pad_batch
from xltlib.tasks.offsets import token_span
from xltlib.tasks.windows import Features, featurize
from xltlib.training.robust import perturbed

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class WhiteBox:
    """A span-QA model with access to its gradients."""

    predictor: SpanPredictor

    @torch.inference_mode(False)
    def windows(self, question: str, context: str) -> Windows:
        """One example's windows, ready for forward passes."""
        predictor = self.predictor
        features = featurize(predictor.tokenizer, [question], [context], predictor.settings)
        rows = [features.model_inputs(window) for window in range(len(features))]
        device = predictor.model.device
        batch = {k: v.to(device) for k, v in pad_batch(predictor.tokenizer, rows).items()}
        return Windows(self.predictor, context, features, batch)


@dataclass(frozen=True)
class Windows:
    """The W windows of one example as one batch of T tokens."""

    predictor: SpanPredictor
    context: str
    features: Features
    batch: dict[str, torch.Tensor]

    @property
    def offsets(self) -> np.ndarray:
        """Character offsets into the context, int [W, T, 2], (-1, -1) outside it."""
        size = self.batch["input_ids"].shape
        padded = np.full((*size, 2), -1, dtype=np.int64)
        for window, array in enumerate(self.features.offsets):
            padded[window, : len(array)] = array
        return padded

    def logits(self, perturbation: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Start and end logits [W, T] with a tensor [W, T, H] added to the word embeddings."""
        model = self.predictor.model
        with perturbed(model, perturbation), reading(model, "float32"):
            output = model(**self.batch)
        beyond = self.batch["attention_mask"] == 0
        start, end = (
            logits.float().masked_fill(beyond, -torch.inf)
            for logits in (output.start_logits, output.end_logits)
        )
        return start, end

    def loss(self, spans: Spans, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
        """Negative log probability of the likeliest of some spans; 0 if none fits into a window."""
        total = torch.logsumexp(start, 1) + torch.logsumexp(end, 1)
        scores = [
            start[window, tokens[0]] + end[window, tokens[1]]
            for window in range(len(self.features))
            for first, last in spans
            if (tokens := token_span(self.features.offsets[window], first, last)) is not None
        ]
        if not scores:
            return 0.0 * start[0, 0]
        return torch.logsumexp(total, 0) - torch.stack(scores).max()

    @torch.inference_mode(False)
    @torch.enable_grad()
    def gradient(self, spans: Spans, perturbation: torch.Tensor) -> torch.Tensor:
        """The gradient of the loss at a perturbation, even where none are computed: [W, T, H]."""
        moved = perturbation.detach().clone().requires_grad_(True)
        (found,) = torch.autograd.grad(self.loss(spans, *self.logits(moved)), moved)
        return found

    @torch.inference_mode(False)
    def zero(self) -> torch.Tensor:
        """A zero perturbation: [W, T, H]."""
        size = word_embeddings(self.predictor.model).embedding_dim
        ids = self.batch["input_ids"]
        return torch.zeros((*ids.shape, size), device=ids.device)

    @torch.inference_mode()
    def answer(self, spans: Spans, perturbation: torch.Tensor | None) -> tuple[str, float]:
        """The predicted answer under a perturbation, and the probability of the likeliest span.

        Raises:
            UnusableAnswer: the probability is NaN.
        """
        start, end = self.logits(perturbation)
        probability = checked(float(torch.exp(-self.loss(spans, start, end)))) if spans else 0.0
        arrays = (start.cpu().numpy(), end.cpu().numpy())
        best = best_spans(self.features, *arrays, 1, self.predictor.settings)
        return self.context[best.start[0] : best.end[0]], probability


@dataclass(frozen=True)
class Saliency:
    """How much each word of a text matters to a goal: the length of the loss's gradient at the
    word.

    The L2 norm of the gradient at each of a word's tokens, summed over its tokens and windows.

    Args:
        box: the model under attack, or a surrogate.
        own: whether `box` is the model under attack, whose gradient costs a query.
    """

    box: WhiteBox
    goal: SpanGoal
    own: bool

    def __call__(self, text: Passage, indices: Sequence[int]) -> list[float]:
        """The importance of some words; zeros if the budget has no query left."""
        if not indices or (self.own and not self.goal.spend(1)):
            return [0.0] * len(indices)
        windows = self.box.windows(text.question, text.context)
        gradient = windows.gradient(self.goal.wanted_spans(text.context), windows.zero())
        lengths, offsets = gradient.norm(dim=-1).cpu().numpy(), windows.offsets
        found = []
        for index in indices:
            start, end = text.spans[index - text.question_words]
            inside = (offsets[..., 0] < end) & (offsets[..., 1] > start) & (offsets[..., 0] >= 0)
            found.append(float(lengths[inside].sum()))
        return found
