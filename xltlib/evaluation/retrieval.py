"""Retrieval by mean-pooled sentence embeddings: Tatoeba's nearest neighbour, LAReQA's mAP@20.

Nothing is trained; neighbours are found by cosine similarity. Both corpora are in XTREME-R (Ruder
et al. 2021), which pools hidden states in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xltlib.encoders.reading import reading

RETRIEVAL = ("bitext", "answer retrieval")
"""The kinds of corpora on which retrieval is measured."""
MAX_LENGTH = 128
DEPTH = 20


@torch.inference_mode()
def mean_states(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    batch_size: int = 64,
) -> np.ndarray:
    """Mean of the last hidden states over the tokens of each text: [N, H] float32.

    Special tokens count like any others; texts are truncated to 128 tokens.
    """
    model.eval()
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    vectors = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        batch = tokenizer(
            [texts[i] for i in chosen],
            padding=True,
            truncation=True,
            max_length=MAX_LENGTH,
            return_tensors="pt",
        ).to(model.device)
        with reading(model, "float32"):
            states = model(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].unsqueeze(-1)
        vectors[chosen] = ((states * mask).sum(1) / mask.sum(1)).cpu().numpy()
    return vectors


def embed(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    batch_size: int = 64,
) -> np.ndarray:
    """`mean_states` at unit length, so that a dot product is a cosine: [N, H] float32."""
    means = torch.from_numpy(mean_states(model, tokenizer, texts, batch_size))
    return torch.nn.functional.normalize(means, dim=-1).numpy()


def nearest_is_own(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Whether each query's nearest candidate is the one in the same row: bool [N]."""
    return (queries @ candidates.T).argmax(axis=1) == np.arange(len(queries))


def average_precision(scores: np.ndarray, relevant: np.ndarray, depth: int = DEPTH) -> np.ndarray:
    """Average precision of each query over its `depth` best candidates: [Q] in [0, 1].

    The sum of the precisions at the relevant candidates found, divided by the number of relevant
    ones or by `depth`, whichever is smaller.

    Args:
        scores: [Q, C], larger is better.
        relevant: bool [Q, C].
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    hits = np.take_along_axis(relevant, best, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, best.shape[1] + 1)
    wanted = np.minimum(relevant.sum(axis=1), depth)
    return (precision * hits).sum(axis=1) / np.maximum(1, wanted)


def embed_pairs(
    rows: Dataset, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """The sentences of a bitext and their English translations, embedded: two arrays [N, H]."""
    queries, candidates = (
        embed(model, tokenizer, list(rows[side]), batch_size) for side in ("query", "candidate")
    )
    return queries, candidates


def bitext_accuracy(queries: np.ndarray, candidates: np.ndarray) -> float:
    """Share of sentences whose nearest English candidate is their translation, in points."""
    return 100 * float(nearest_is_own(queries, candidates).mean())


def answer_retrieval(
    sets: Mapping[str, Dataset],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int = 64,
) -> dict[str, float]:
    """mAP@20 in points by the question's language, with candidates of all languages in one pool.

    The relevant candidates are the sentences that answer the question in any language: the rows
    with its id.
    """
    pool: dict[tuple[str, str], int] = {}
    answers: dict[str, set[int]] = {}
    for language, rows in sets.items():
        for identity, query, text in zip(rows["id"], rows["query"], rows["candidate"], strict=True):
            place = pool.setdefault((language, text), len(pool))
            if query:
                answers.setdefault(identity, set()).add(place)
    candidates = embed(model, tokenizer, [text for _, text in pool], batch_size)
    result = {}
    for language, rows in sets.items():
        asked = [i for i, query in enumerate(rows["query"]) if query]
        queries = embed(model, tokenizer, [rows["query"][i] for i in asked], batch_size)
        relevant = np.zeros((len(asked), len(pool)), dtype=bool)
        for row, i in enumerate(asked):
            relevant[row, list(answers[rows["id"][i]])] = True
        result[language] = 100 * float(average_precision(queries @ candidates.T, relevant).mean())
    return result
