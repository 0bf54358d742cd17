"""From logits to answers: `python -m tests.benchmarks.postprocessing DATA ENCODER [QUESTIONS]`.

The usual loop (example by example, window by window, start by start and end by end, as in the
question-answering example of transformers) against `best_spans`, on the windows of TyDi QA's dev
questions and the same random logits, in turn in one process. Prints the seconds of each, the median
ratio, and how many answers agree; exits with 1 where one does not, or the ratio is below 20.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from xltlib.corpora.squad_files import read_squad
from xltlib.params import SpanQASettings
from xltlib.tasks.offsets import borders
from xltlib.tasks.span_qa import Features, best_spans, featurize

DEV = "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{}.json"
LANGUAGES = "english arabic bengali finnish indonesian korean russian swahili telugu".split()
WANTED, ROUNDS = 20, 3


def usual_loop(
    features: Features,
    start: np.ndarray,
    end: np.ndarray,
    n_examples: int,
    settings: SpanQASettings,
) -> list[tuple[int, int]]:
    """Character spans, one per example, as most code computes them."""
    of_example: dict[int, list[int]] = {}
    for window, example in enumerate(features.example):
        of_example.setdefault(int(example), []).append(window)
    answers = []
    for example in range(n_examples):
        candidates = []
        for window in of_example.get(example, []):
            offsets = features.offsets[window]
            begins, closes = borders(offsets)
            starts = np.where(begins, start[window, : len(offsets)], -np.inf)
            ends = np.where(closes, end[window, : len(offsets)], -np.inf)
            best_starts = np.argsort(-starts, kind="stable")[: settings.n_best].tolist()
            best_ends = np.argsort(-ends, kind="stable")[: settings.n_best].tolist()
            for first in best_starts:
                for last in best_ends:
                    if not begins[first] or not closes[last]:
                        continue
                    if last < first or last - first + 1 > settings.max_answer_length:
                        continue
                    candidates.append(
                        {
                            "score": starts[first] + ends[last],
                            "span": (int(offsets[first, 0]), int(offsets[last, 1])),
                        }
                    )
        best = max(candidates, key=lambda c: c["score"], default={"span": (0, 0)})
        answers.append(best["span"])
    return answers


def main(data: str, encoder: str, questions: str = "900") -> int:
    """Measure and print."""
    tokenizer, settings = AutoTokenizer.from_pretrained(encoder), SpanQASettings()
    each = int(questions) // len(LANGUAGES)
    asked, contexts = [], []
    for name in LANGUAGES:
        rows = read_squad(Path(data) / DEV.format(name), "en")
        asked += list(rows["question"])[:each]
        contexts += list(rows["context"])[:each]
    features = featurize(tokenizer, asked, contexts, settings)
    rng = np.random.default_rng(0)
    size = (2, len(features), max(map(len, features.input_ids)))
    start, end = rng.normal(size=size).astype(np.float32)
    slow, fast, ratios = [], [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        loop = usual_loop(features, start, end, len(asked), settings)
        slow.append(time.process_time() - began)
        began = time.process_time()
        spans = best_spans(features, start, end, len(asked), settings)
        fast.append(time.process_time() - began)
        ratios.append(slow[-1] / fast[-1])
    same = sum(
        pair == (int(a), int(b)) for pair, a, b in zip(loop, spans.start, spans.end, strict=True)
    )
    ratio = float(np.median(ratios))
    print(f"{len(asked)} questions, {len(features)} windows; {same} answers agree")
    print(f"usual loop {np.median(slow):.2f} s, best_spans {np.median(fast):.3f} s, {ratio:.1f} x")
    return int(same < len(asked) or ratio < WANTED)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
