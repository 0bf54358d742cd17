"""Stock TextAttack against the engine: `python tests/benchmarks/attack_engine.py MODEL FOLDER`.

MODEL is a folder with a span-QA model, FOLDER has XQuAD's files. The same examples are attacked in
one run, with the same attack: by TextAttack's own loop with a straightforward batched wrapper in
float32, then by the engine in float32, with a bf16 guide, and with one that reads the words near
the answer. Prints the queries a second of each, their ratio to the stock loop's, and how outcomes
and attacked texts agree with it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch

from xltlib.attacks import Resources, attack_examples
from xltlib.attacks.example import attack_example
from xltlib.attacks.query import ask
from xltlib.corpora.squad_files import read_squad
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EngineSettings, TypoSettings

ENGINES = {
    "engine, float32": EngineSettings(),
    "engine, bf16 guides": EngineSettings(precision="bf16"),
    "engine, bf16 guides, 24 words": EngineSettings(precision="bf16", guide_words=24),
    "engine, bf16 guides, 16 words": EngineSettings(precision="bf16", guide_words=16),
}


def main(model: str, folder: str, examples: str = "6", languages: str = "en,ru,ar") -> None:
    """Measure and print."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    predictor = SpanPredictor.load(model, device=device)
    sets = {
        code: list(read_squad(Path(folder) / f"xquad.{code}.json", code))
        for code in languages.split(",")
    }
    # The last articles: a model of the local-data profile has not trained on them.
    rows = [row for part in sets.values() for row in right(predictor, part[-150:])[: int(examples)]]
    # The attack of the local-data profile.
    settings = TypoSettings(max_queries=80, candidates_per_word=4, window_words=12)
    resources = Resources(predictor, sets)

    def stock(queries):
        return ask(predictor, queries)

    warm_up(predictor, rows)
    started = time.perf_counter()
    plain = pd.DataFrame([attack_example(row, stock, settings, resources) for row in rows])
    table = [measured("stock TextAttack, float32", plain, plain, time.perf_counter() - started)]
    for name, engine in ENGINES.items():
        with tempfile.TemporaryDirectory() as place:
            started = time.perf_counter()
            done = attack_examples(
                rows, resources, settings, Path(place) / "log", engine=engine, progress=False
            )
            table.append(measured(name, done, plain, time.perf_counter() - started))
    shown = pd.DataFrame(table)
    shown["ratio"] = shown["queries/s"] / shown["queries/s"].iloc[0]
    print(
        f"{len(rows)} examples of XQuAD ({languages}), {device}, {torch.get_num_threads()} threads"
    )
    print(shown.round(2).to_string(index=False))


def right(predictor: SpanPredictor, rows: list[dict]) -> list[dict]:
    """The rows that the model answers exactly right."""
    found = predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])
    return [r for r, f in zip(rows, found, strict=True) if f.text == r["answers"]["text"][0]]


def warm_up(predictor: SpanPredictor, rows: list[dict]) -> None:
    """The first passes of a process are slower."""
    predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])


def measured(name: str, done: pd.DataFrame, plain: pd.DataFrame, seconds: float) -> dict:
    """One row: speed, and agreement with the plain run."""
    return {
        "run": name,
        "queries": int(done["queries"].sum()),
        "seconds": seconds,
        "queries/s": done["queries"].sum() / seconds,
        "succeeded": int((done["outcome"] == "succeeded").sum()),
        "same outcome": int((done["outcome"] == plain["outcome"]).sum()),
        "same text": int((done["attacked_context"] == plain["attacked_context"]).sum()),
        "unconfirmed": int(done["unconfirmed"].sum()),
        "missed": int(done["missed"].sum()),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
