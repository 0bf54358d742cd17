"""Stock TextAttack and the engine: `python tests/benchmarks/attack_engine.py MODEL FOLDER`.

MODEL is a folder with a span-QA model; FOLDER has XQuAD's files. The same examples are attacked in
one run with the same budget: by TextAttack's own text class and loop with a simple batched wrapper
in float32, by the engine in each of its modes, and by the engine with words ranked by a gradient.
Prints queries per second, seconds per success, their ratios to the stock loop, the agreement of
outcomes and attacked texts with it, and Python's own time per query.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import torch

from xltlib.attacks import Resources, attack_examples
from xltlib.attacks.goal import SpanQAVictim, UntargetedSpanF1, example
from xltlib.attacks.query import Output, Query, ask
from xltlib.attacks.recipes import RECIPES
from xltlib.corpora.squad_files import read_squad
from xltlib.encoders import reading
from xltlib.evaluation.predictor import Prediction, SpanPredictor
from xltlib.params import EngineSettings, TypoSettings

BUDGET = {"max_queries": 80, "candidates_per_word": 4, "window_words": 12}
BF16 = {"precision": "bf16"}
RUNS = {
    "engine, float32": (EngineSettings(), {}),
    "engine, bf16, equal": (EngineSettings(**BF16, equal=True), {}),
    "engine, bf16 guides": (EngineSettings(**BF16), {}),
    "engine, bf16 guides, 16 words": (EngineSettings(**BF16, guide_words=16), {}),
    "engine, float32, gradient": (EngineSettings(), {"ranking": "gradient"}),
    "engine, bf16, equal, gradient": (
        EngineSettings(**BF16, equal=True),
        {"ranking": "gradient"},
    ),
    "engine, bf16 guides, gradient": (EngineSettings(**BF16), {"ranking": "gradient"}),
    "the same, 16 words": (EngineSettings(**BF16, guide_words=16), {"ranking": "gradient"}),
}


@dataclass
class Instant:
    """A model that takes no time, so that only Python's own time is measured."""

    identity: str = "instant"

    def score(self, questions, contexts, spans):
        found = [
            Prediction(c[s[0][0] : s[0][1]], 0, 0, 0.9)
            for c, s in zip(contexts, spans, strict=True)
        ]
        return found, np.array([0.5 + len(context) % 97 / 200 for context in contexts])


def main(model: str, folder: str, examples: str = "6", languages: str = "en,ru,ar") -> None:
    """Measure and print."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    predictor = SpanPredictor.load(model, device=device)
    sets = {
        code: list(read_squad(Path(folder) / f"xquad.{code}.json", code))
        for code in languages.split(",")
    }
    # The last articles, because models of the tydiqa profile have not trained on them.
    rows = [row for part in sets.values() for row in right(predictor, part[-150:])[: int(examples)]]
    resources = Resources(predictor, sets)
    predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])  # warm up
    started = time.perf_counter()
    plain = pd.DataFrame([stock(row, predictor, resources) for row in rows])
    table = [measured("stock TextAttack, float32", plain, plain, time.perf_counter() - started)]
    for name, (engine, changes) in RUNS.items():
        settings = TypoSettings(**BUDGET, **changes)
        with tempfile.TemporaryDirectory() as place:
            log = Path(place) / "log"
            started = time.perf_counter()
            done = attack_examples(rows, resources, settings, log, engine=engine, progress=False)
            table.append(measured(name, done, plain, time.perf_counter() - started))
    shown = pd.DataFrame(table)
    shown["speed"] = shown["queries/s"] / shown["queries/s"].iloc[0]
    shown["cheaper"] = shown["s/success"].iloc[0] / shown["s/success"]
    threads = torch.get_num_threads()
    print(f"{len(rows)} examples of XQuAD ({languages}), {device}, {threads} threads")
    print(shown.round(2).to_string(index=False))
    print(f"Python's own time: {1000 * overhead(rows, sets):.2f} ms of processor time per query")


def stock(row: dict, predictor: SpanPredictor, resources: Resources) -> dict:
    """Attack one example with TextAttack's own text class and loop, and PyTorch's own kernels."""

    def answer(queries: list[Query]) -> list[Output]:
        with mock.patch.object(reading, "kernel", return_value="torch"):
            return ask(predictor, queries)

    victim = SpanQAVictim(answer)
    settings = TypoSettings(**BUDGET)
    goal = UntargetedSpanF1(victim, query_budget=settings.max_queries)
    result = RECIPES["typo"](goal, row, settings, resources).attack(*example(row))
    after = result.perturbed_result
    won = goal.reached(after.raw_output) and after.attacked_text is not None
    return {
        "queries": goal.num_queries,
        "outcome": "succeeded" if won else "failed",
        "attacked_context": after.attacked_text.tokenizer_input[1],
        "unconfirmed": 0,
        "missed": False,
        "readings": goal.readings,
    }


def overhead(rows: list[dict], sets: dict) -> float:
    """Seconds of processor time per query without any model."""
    with tempfile.TemporaryDirectory() as place:
        settings, log = TypoSettings(**BUDGET), Path(place) / "log"
        started = time.process_time()
        done = attack_examples(rows, Resources(Instant(), sets), settings, log, progress=False)
        return (time.process_time() - started) / done["queries"].sum()


def right(predictor: SpanPredictor, rows: list[dict]) -> list[dict]:
    """The rows that the model answers with an exact match."""
    found = predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])
    return [r for r, f in zip(rows, found, strict=True) if f.text == r["answers"]["text"][0]]


def measured(name: str, done: pd.DataFrame, plain: pd.DataFrame, seconds: float) -> dict:
    """One row of the table: speed, and agreement with the plain run."""
    won = int((done["outcome"] == "succeeded").sum())
    return {
        "run": name,
        "queries": int(done["queries"].sum()),
        "readings": int(done["readings"].sum()),
        "seconds": seconds,
        "queries/s": done["queries"].sum() / seconds,
        "succeeded": won,
        "s/success": seconds / won if won else float("nan"),
        "same outcome": int((done["outcome"] == plain["outcome"]).sum()),
        "same text": int((done["attacked_context"] == plain["attacked_context"]).sum()),
        "unconfirmed": int(done["unconfirmed"].sum()),
        "missed": int(done["missed"].sum()),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
