"""The engine's own time: `python -m tests.benchmarks.own_time XQUAD_FOLDER [LANGUAGE ...]`.

Attacks 20 questions in each language with typing errors, against a stand-in that answers at once,
so that all of the time is Python's. Prints processor milliseconds per query; wanted: 0.3.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

QUESTIONS = 20


class AtOnce:
    """Gives the gold answer, with a probability that follows from the text."""

    identity = "at once"

    def __init__(self) -> None:
        self.asked = 0

    def score(self, questions, contexts, spans):
        from xltlib.evaluation.predictor import Prediction

        self.asked += len(contexts)
        golds = [
            context[slice(*wanted[0])] for context, wanted in zip(contexts, spans, strict=True)
        ]
        odd = np.array([zlib.crc32(context.encode()) % 1000 for context in contexts])
        return [Prediction(gold, 0, 0, 0.9) for gold in golds], 0.9 - 1e-6 * odd


def milliseconds(folder: Path, language: str) -> float:
    """Processor milliseconds per query, after a first run that fills the caches."""
    from xltlib.attacks import attack
    from xltlib.corpora.squad_files import read_squad

    rows = list(read_squad(folder / f"xquad.{language}.json", language))[:: 1190 // QUESTIONS]
    for _ in range(2):
        model = AtOnce()
        started = time.process_time()
        attack(model, rows[:QUESTIONS], "typo", progress=False)
        seconds = time.process_time() - started
    return 1000 * seconds / model.asked


def main(folder: str, languages: Sequence[str]) -> None:
    for language in languages:
        print(f"{language}: {milliseconds(Path(folder), language):.2f} ms per query", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or ("en", "ar", "hi", "zh", "th"))
