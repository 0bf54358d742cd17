"""Stage 08: what an arm's encoder holds, without any head: retrieval by sentence embeddings."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from tqdm.auto import tqdm
from transformers import AutoModel, AutoTokenizer

from xltlib import corpora
from xltlib.evaluation.retrieval import answer_retrieval, bitext_accuracy
from xltlib.study import data
from xltlib.study.grid import Cell
from xltlib.study.target import starting_encoder
from xltlib.training.multitask import load_pretrained
from xltlib.training.run import use_threads


def run(cell: Cell, *, progress: bool = True) -> dict[str, Any]:
    """Embed and score every retrieval set; a finished cell is read back."""
    return cell.once(lambda: _run(cell, progress))


def _run(cell: Cell, progress: bool) -> None:
    started, params = time.time(), cell.params
    settings, rows = params.representation, []
    use_threads(params.compute.threads)
    folder = starting_encoder(cell)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = load_pretrained(AutoModel, folder, params.encoders[cell.encoder])
    model.to(params.compute.device)
    options = (model, tokenizer, settings.batch_size)
    for test_set in tqdm(settings.retrieval, desc="retrieval sets", disable=not progress):
        sets = data.test_set(params, test_set)
        if corpora.corpus(test_set.corpus).kind == "bitext":
            metric = "accuracy"
            points = {code: bitext_accuracy(part, *options) for code, part in sets.items()}
        else:
            metric, points = "mAP@20", answer_retrieval(sets, *options)
        rows += [
            {
                "corpus": test_set.corpus,
                "language": code,
                "metric": metric,
                "points": points[code],
                "n": sum(map(bool, part["query"])),
            }
            for code, part in sets.items()
        ]
    cell.finish({"retrieval": rows}, started=started)


def retrieval_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: its metric in points (0-100), n queries."""
    columns = ["corpus", "language", "metric", "points", "n"]
    return pd.DataFrame(metrics["retrieval"], columns=columns).round(1)


def count_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """One row a corpus and language: its queries."""
    return retrieval_table(metrics)[["corpus", "language", "metric", "n"]]
