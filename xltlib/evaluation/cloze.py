"""A masked language model's scores for candidates in the gap of a prompt, as in BMLAMA."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.corpora.bmlama import MASK
from xltlib.encoders.loading_report import MissingHeadError
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.encoders.reading import reading


def masked_lm(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase] | None:
    """The model and tokenizer of a folder, if its weights have a masked-LM head; None if not."""
    tokenizer = open_tokenizer(folder)
    if tokenizer.mask_token_id is None:
        return None
    try:
        return open_model(AutoModelForMaskedLM, folder, tokenizer), tokenizer
    # A head that is initialised at random on loading is useless.
    except MissingHeadError:
        return None


@torch.inference_mode()
def candidate_scores(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Dataset,
    batch_size: int = 64,
) -> list[np.ndarray]:
    """Mean log-probability of the tokens of each candidate in the gap, by prompt: float64 [N].

    A candidate of m tokens replaces m masks, which the model fills all at once, so that candidates
    of different lengths are compared per token, as in Qi et al. 2023 and Kassner et al. 2021.
    """
    prompts, wanted = [], []
    for row_number, row in enumerate(rows):
        tokens = tokenizer(list(row["candidates"]), add_special_tokens=False)["input_ids"]
        for size in sorted(set(map(len, tokens)) - {0}):
            text = row["prompt"].replace(MASK, tokenizer.mask_token * size)
            prompts.append(text)
            wanted.append(
                (row_number, {i: ids for i, ids in enumerate(tokens) if len(ids) == size})
            )
    scores = [np.full(len(row["candidates"]), -np.inf) for row in rows]
    order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        batch = tokenizer([prompts[i] for i in chosen], padding=True, return_tensors="pt").to(
            model.device
        )
        gaps = batch["input_ids"] == tokenizer.mask_token_id
        with reading(model, "float32"):
            logits = model(**batch).logits
        for place, i in enumerate(chosen):
            row_number, candidates = wanted[i]
            log_p = logits[place][gaps[place]].float().log_softmax(dim=-1).cpu().numpy()
            for candidate, ids in candidates.items():
                scores[row_number][candidate] = log_p[np.arange(len(ids)), ids].mean()
    return scores


def comparable(sets: Mapping[str, Dataset]) -> list[int]:
    """The rows that have the same number of candidates, at least two, in every language.

    Raises:
        InputError: the languages do not have the same rows.
    """
    if len({tuple(rows["id"]) for rows in sets.values()}) > 1:
        raise InputError(f"prompts in {', '.join(sets)}: not the same rows. Copy the files again.")
    counts = zip(*([len(c) for c in rows["candidates"]] for rows in sets.values()), strict=True)
    return [i for i, of_row in enumerate(counts) if len(set(of_row)) == 1 and of_row[0] > 1]
