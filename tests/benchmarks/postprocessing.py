"""From logits to answers: `python -m tests.benchmarks.postprocessing DATA MODEL [QUESTIONS]`.

Compares the usual loop (over examples, windows, starts and ends, as in the question-answering
example of transformers) with `best_spans`, on the windows of TyDi QA's dev questions, in turn in
one process. The logits are a model's, and then random ones (smoothed over ten tokens), the harder
case: the best start rarely fits the best end. Prints the seconds of both, the median ratio, and how
many answers agree. Exits with 1 if any answer differs or the ratio is below 20 with the model's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from xltlib.corpora.squad_files import read_squad
from xltlib.evaluation.predictor import SpanPredictor
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


def compare(
    features: Features,
    logits: tuple[np.ndarray, np.ndarray],
    n_examples: int,
    settings: SpanQASettings,
) -> tuple[float, int]:
    """The median ratio of both sides' times, and how many answers agree."""
    slow, fast, ratios = [], [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        loop = usual_loop(features, *logits, n_examples, settings)
        slow.append(time.process_time() - began)
        began = time.process_time()
        spans = best_spans(features, *logits, n_examples, settings)
        fast.append(time.process_time() - began)
        ratios.append(slow[-1] / fast[-1])
    ends = zip(loop, spans.start, spans.end, strict=True)
    same = sum(pair == (int(a), int(b)) for pair, a, b in ends)
    ratio = float(np.median(ratios))
    print(
        f"  usual loop {np.median(slow):.3f} s, best_spans {np.median(fast):.4f} s, {ratio:.1f} x"
    )
    print(f"  {same} answers agree")
    return ratio, same


def main(data: str, model: str, questions: str = "900") -> int:
    """Measure and print."""
    predictor = SpanPredictor.load(model, precision="auto")
    settings, each = predictor.settings, int(questions) // len(LANGUAGES)
    asked, contexts = [], []
    for name in LANGUAGES:
        rows = read_squad(Path(data) / DEV.format(name), "en")
        asked += list(rows["question"])[:each]
        contexts += list(rows["context"])[:each]
    features = featurize(predictor.tokenizer, asked, contexts, settings)
    own = predictor._logits(features)
    rng = np.random.default_rng(0)
    start, end = uniform_filter1d(rng.normal(size=(2, *own[0].shape)), 10, axis=2)
    random = start.astype(np.float32), end.astype(np.float32)
    print(f"{len(asked)} questions, {len(features)} windows; logits of the model:")
    ratio, same = compare(features, own, len(asked), settings)
    print("random logits:")
    _, also = compare(features, random, len(asked), settings)
    return int(min(same, also) < len(asked) or ratio < WANTED)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
