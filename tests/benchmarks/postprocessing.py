"""From logits to answers: `python -m tests.benchmarks.postprocessing DATA ENCODER [QUESTIONS]`.

Compares the usual loop (over examples, windows, starts and ends, as in the question-answering
example of transformers) with `best_spans`, on the windows of TyDi QA's dev questions and the same
random logits (smoothed over ten tokens), in turn in one process. Prints the seconds of both, the
median ratio, and how many answers agree. Exits with 1 if any answer differs or the ratio is below
20.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d
from transformers import AutoTokenizer

from xltlib.corpora.squad_files import read_squad
from xltlib.params import SpanQASettings
from xltlib.tasks.decoding import best_spans
from xltlib.tasks.offsets import borders
from xltlib.tasks.windows import Features, featurize

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
    """Character spans, one per example, computed in the usual way."""
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
                            "offsets": (offsets[first][0], offsets[last][1]),
                            "score": starts[first] + ends[last],
                            "start_logit": starts[first],
                            "end_logit": ends[last],
                        }
                    )
        ranked = sorted(candidates, key=lambda c: c["score"], reverse=True)[: settings.n_best]
        first, last = ranked[0]["offsets"] if ranked else (0, 0)
        answers.append((int(first), int(last)))
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
    # Smoothed, because a model's logits are high around one place, where many starts fit many ends.
    start, end = uniform_filter1d(rng.normal(size=size), 10, axis=2).astype(np.float32)
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
