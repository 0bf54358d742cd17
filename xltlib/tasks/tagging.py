"""Token tagging, such as part of speech: features, head, collator, metrics."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import BatchEncoding, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.tasks.kind import Row, Setup, pad_batch, windows

IGNORED = -100  # the label that PyTorch's cross entropy leaves out


class TokenHead(nn.Module):
    """Dropout and one linear layer on every token state."""

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, n_labels)

    def forward(
        self, states: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """States [B, T, H] and labels [B, T] to logits [B, T, tags] and loss."""
        del attention_mask  # padding carries no label
        logits = self.out(self.dropout(states)).float()
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
        )
        return {"logits": logits, "loss": loss}


@dataclass(frozen=True)
class Tagging:
    """The task kind; a word's first token has its tag, as in XTREME.

    Every word is read and scored. A sentence longer than `max_length` tokens is read in several
    windows of whole words (XTREME also splits such sentences), and a word for which the tokenizer
    has no pieces is read as the unknown token.
    """

    labels: tuple[str, ...]
    max_length: int = 128
    metric = "f1"

    def rows(self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset) -> list[Row]:
        """One unpadded row per sentence.

        Raises:
            InputError: a sentence has no words.
        """
        index = {label: i for i, label in enumerate(self.labels)}
        sentences = [list(tokens) for tokens in dataset["tokens"]]
        if not all(sentences):
            place = sentences.index([])
            name = dataset["id"][place] if "id" in dataset.column_names else f"number {place + 1}"
            raise InputError(f"sentence {name} has no words. Leave it out of the data.")
        sentences, pieces = self._readable(tokenizer, sentences)
        rows = []
        for words, sizes, tags in zip(sentences, pieces, dataset["tags"], strict=True):
            read = []
            for first, last in self._windows(tokenizer, sizes):
                coded = tokenizer(
                    words[first:last],
                    is_split_into_words=True,
                    truncation=True,  # a single word longer than a window
                    max_length=self.max_length,
                )
                read.append(dict(coded) | {"labels": _labels(coded, tags[first:last], index)})
            row = {name: [value for one in read for value in one[name]] for name in read[0]}
            several = {"windows": [len(one["input_ids"]) for one in read]} if len(read) > 1 else {}
            rows.append(row | several)
        return rows

    @staticmethod
    def _readable(
        tokenizer: PreTrainedTokenizerBase, sentences: list[list[str]]
    ) -> tuple[list[list[str]], list[list[int]]]:
        """Sentences in which every word has pieces, and how many each word has."""
        kinds = list({word: None for words in sentences for word in words})
        coded = tokenizer(
            [[word] for word in kinds], is_split_into_words=True, add_special_tokens=False
        )
        count = {word: len(ids) for word, ids in zip(kinds, coded["input_ids"], strict=True)}
        read = [
            [word if count[word] else tokenizer.unk_token for word in words] for words in sentences
        ]
        return read, [[max(1, count[word]) for word in words] for words in sentences]

    def _windows(
        self, tokenizer: PreTrainedTokenizerBase, sizes: list[int]
    ) -> list[tuple[int, int]]:
        """Windows [first, last) of whole words, each as full as possible."""
        room = self.max_length - tokenizer.num_special_tokens_to_add()
        cuts, filled = [0], 0
        for word, size in enumerate(sizes):
            if filled and filled + size > room:
                cuts.append(word)
                filled = 0
            filled += size
        return list(zip(cuts, [*cuts[1:], len(sizes)], strict=True))

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """A fresh head."""
        return TokenHead(hidden_size, len(self.labels), dropout)

    def collate(
        self, tokenizer: PreTrainedTokenizerBase, rows: list[Row]
    ) -> dict[str, torch.Tensor]:
        """Windows of the rows padded to whole blocks; padding carries no label."""
        read = [window for row in rows for window in windows(row)]
        batch = pad_batch(tokenizer, read)
        labels = torch.full(batch["input_ids"].shape, IGNORED)
        for i, row in enumerate(read):
            labels[i, : len(row["labels"])] = torch.tensor(row["labels"])
        return batch | {"labels": labels}

    def readable(self, logits: list[np.ndarray], labels: list[Any]) -> tuple[list[str], list[str]]:
        """Predicted and gold tags of each sentence's words, separated by spaces."""
        predicted, gold = [], []
        for row, tags in zip(logits, labels, strict=True):
            kept = [(int(np.argmax(p)), t) for p, t in zip(row, tags, strict=False) if t != IGNORED]
            predicted.append(" ".join(self.labels[p] for p, _ in kept))
            gold.append(" ".join(self.labels[t] for _, t in kept))
        return predicted, gold

    def correct(self, prediction: str, gold: str) -> float:
        """The share of a sentence's words with the right tag."""
        pairs = zip(prediction.split(), gold.split(), strict=True)
        return float(np.mean([p == g for p, g in pairs]))

    def metrics(self, predictions: list[str], golds: list[str]) -> dict[str, float]:
        """F1 over entities or words, and word accuracy, in points.

        For entity tags (BIO), F1 is seqeval's over whole entities, as in XTREME. Part-of-speech
        tags mark single words, so each word counts as an entity, and F1 is the micro average over
        words, which equals accuracy (Ruder et al. 2021 report F1 for UDPOS). XTREME's script joins
        neighbouring words with the same tag into one entity instead, so its numbers differ
        slightly.
        """
        # Imported here because it imports scikit-learn, which takes seconds.
        from seqeval.metrics import f1_score

        predicted, gold = ([tags.split() for tags in side] for side in (predictions, golds))
        hits = [
            p == g
            for sentence in zip(predicted, gold, strict=True)
            for p, g in zip(*sentence, strict=True)
        ]
        if not any(label.startswith("B-") for label in self.labels):
            # seqeval takes the first letter of a tag for its position in an entity.
            predicted, gold = ([[f"B-{t}" for t in tags] for tags in s] for s in (predicted, gold))
        with warnings.catch_warnings():
            # seqeval warns if a class was never predicted.
            warnings.simplefilter("ignore")
            f1 = 100 * float(f1_score(gold, predicted))
        return {"f1": f1, "accuracy": 100 * float(np.mean(hits))}


def _labels(coded: BatchEncoding, tags: list[str], index: dict[str, int]) -> list[int]:
    """The tag's number at the first token of each word, `IGNORED` elsewhere."""
    labels: list[int] = []
    previous: int | None = None
    for word in coded.word_ids():
        labels.append(IGNORED if word is None or word == previous else index[tags[word]])
        previous = word
    return labels


def make(setup: Setup) -> Tagging:
    """The task kind for one corpus."""
    return Tagging(setup.labels, setup.max_length)


TASKS = {"tagging": make}
