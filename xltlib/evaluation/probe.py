"""Probe transfer (Hua et al. 2024, mOthello): a probe trained on one language, tested on another.

If two languages share a space, a linear probe that predicts tags from the states of one also works
for the other. It is trained on the encoder's last hidden states, and the encoder is not changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.encoders.reading import reading
from xltlib.tasks.kind import length, windows
from xltlib.tasks.tagging import IGNORED, Tagging


@dataclass(frozen=True)
class Words:
    """Words of one language: the states of their first subwords [N, H], and their tags [N]."""

    states: np.ndarray
    tags: np.ndarray


@torch.inference_mode()
def word_states(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Dataset,
    labels: tuple[str, ...],
    batch_size: int = 64,
) -> Words:
    """The words of tagged sentences, in the order of the rows."""
    model.eval()
    kind = Tagging(labels)
    coded = [window for row in kind.rows(tokenizer, rows) for window in windows(row)]
    order = sorted(range(len(coded)), key=lambda i: -length(coded[i]))
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        batch = kind.collate(tokenizer, [coded[i] for i in chosen])
        tags = batch.pop("labels").numpy()
        inputs = {name: value.to(model.device) for name, value in batch.items()}
        with reading(model, "float32"):
            output = model(**inputs)
        states = output.last_hidden_state.float().cpu().numpy()
        for place, i in enumerate(chosen):
            words = tags[place] != IGNORED
            found[i] = states[place][words], tags[place][words]
    return Words(*(np.concatenate([found[i][part] for i in range(len(coded))]) for part in (0, 1)))


def split_sentences(
    ids: Sequence[str], seen: Collection[str], limit: int | None = None
) -> tuple[list[str], list[str]]:
    """The sentences to train the probe on and those to test it on, the same in every language.

    Sentences that the encoder was trained on can only train the probe; if there are none, every
    second sentence tests it. A sentence and its translations are always on the same side.

    Args:
        ids: the sentences' ids, which translations share.
        limit: the total number of sentences; each side has at most half of it.

    Raises:
        InputError: a side is empty.
    """
    ids = list(dict.fromkeys(ids))
    known = [identity for identity in ids if identity in seen]
    if known:
        trains, tests = known, [identity for identity in ids if identity not in seen]
    else:
        trains, tests = ids[::2], ids[1::2]
    half = None if limit is None else limit // 2
    trains, tests = trains[:half], tests[:half]
    if not trains or not tests:
        raise InputError(
            f"representation.probe: of {len(ids)} sentences ({len(known)} in the training data of "
            f"some arm), {len(trains)} can train the probe and {len(tests)} can test it. Give more "
            "(max_examples), or a split that intermediate training does not use up."
        )
    return trains, tests


def probe_transfer(
    training: Mapping[str, Words], testing: Mapping[str, Words], *, seed: int = 0
) -> list[dict[str, Any]]:
    """Accuracy of a linear probe for every ordered pair of languages.

    The probe is multinomial logistic regression on states standardised by its training words.

    Returns:
        One row per pair: accuracy in points, `majority` (what the test language's most frequent tag
        alone would get), `n` words tested.
    """
    rows = []
    for source, words in training.items():
        # A looser tolerance than the default, because the weights' last digits change no accuracy.
        probe = make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3, random_state=seed)
        )
        probe.fit(words.states, words.tags)
        for target, tested in testing.items():
            _, counts = np.unique(tested.tags, return_counts=True)
            rows.append(
                {
                    "trained on": source,
                    "tested on": target,
                    "accuracy": 100 * float(probe.score(tested.states, tested.tags)),
                    "majority": 100 * float(counts.max() / counts.sum()),
                    "n": len(tested.tags),
                }
            )
    return rows
