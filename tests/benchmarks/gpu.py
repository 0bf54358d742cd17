"""A benchmark of a GPU in minutes: `python -m tests.benchmarks.gpu DATA MODEL [OPTIONS]`.

DATA is a folder with TyDi QA GoldP; MODEL is a folder with a span-QA model, whose encoder is
trained in the first part, and which is attacked in the second. Prints the device and

- training tokens per second, compared with the usual recipe (padded to 384, float32, all weights),
  and the share of the device's matrix peak that the fastest recipe reaches: 6 floating-point
  operations per token and per weight outside the word embeddings, divided by the peak measured
  here with one large matrix product;
- attack queries per second, compared with TextAttack's own loop on the same examples.

It also runs on a processor, where `--steps 1 --rounds 1 --attacked 1` tries out the script.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from tests.benchmarks.training_speed import USUAL, Recipe, batches_of, english_rows, speed
from xltlib.attacks import Resources, attack_examples
from xltlib.attacks.example import attack_example
from xltlib.attacks.query import ask
from xltlib.corpora.squad_files import read_squad
from xltlib.encoders.device import resolve
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import EncoderSettings, EngineSettings, TypoSettings
from xltlib.training.multitask import load_pretrained
from xltlib.training.numerics import choose

DEV = "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-english.json"


def matrix_peak(device: str, precision: str, size: int) -> float:
    """FLOP per second of a product of two square matrices, best of six."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for _ in range(6):
        started = time.perf_counter()
        for _ in range(4):
            left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 4 * 2 * size**3 / (time.perf_counter() - started))
    return best


def training(chosen: argparse.Namespace, device: str) -> None:
    """Print training tokens per second, and the share of the peak."""
    used = choose("auto", device)
    tokenizer = AutoTokenizer.from_pretrained(chosen.model)
    model = load_pretrained(AutoModelForQuestionAnswering, chosen.model, EncoderSettings())
    recipes = {
        USUAL: Recipe("full", "sdpa", "float32", fused=False, shuffled=True, all_weights=True),
        "bf16 autocast, SDPA, longest": Recipe("longest", "sdpa", "autocast", all_weights=True),
        "now": Recipe("blocks", used.attention, used.precision, used.dropout, all_weights=True),
    }
    if device == "cpu" and used.precision == "float32":
        del recipes["bf16 autocast, SDPA, longest"]  # emulated
    rows = english_rows(chosen.data, tokenizer)
    batches = batches_of(rows, chosen.batch, chosen.steps * (chosen.rounds + 1))
    frame = speed(recipes, model, tokenizer, batches, chosen.rounds, device)
    print(frame.round(2).to_string(index=False))
    words = model.get_input_embeddings().weight.numel()
    weights = sum(weight.numel() for weight in model.parameters()) - words
    peak = matrix_peak(device, used.precision, 8192 if device == "cuda" else 1024)
    reached = 6 * weights * frame["tokens/s"].iloc[-1]
    print(f"matrix peak {peak / 1e12:.2f} TFLOP/s in {used.precision}; now: {reached / peak:.0%}")


def attacking(chosen: argparse.Namespace, device: str) -> None:
    """Print queries per second of the engine and of TextAttack's loop."""
    predictor = SpanPredictor.load(chosen.model, device=device)
    rows = list(read_squad(chosen.data / DEV, "en"))[: 4 * chosen.attacked]
    found = predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])
    # The model's answers are used as gold answers, so that every example can be attacked.
    rows = [
        row | {"answers": {"text": [f.text], "answer_start": [f.start]}}
        for row, f in zip(rows, found, strict=True)
        if f.text
    ][: chosen.attacked]
    settings = TypoSettings(max_queries=80, candidates_per_word=4)
    resources = Resources(predictor, {})
    started = time.perf_counter()
    stock = [attack_example(row, lambda q: ask(predictor, q), settings, resources) for row in rows]
    rate = sum(one["queries"] for one in stock) / (time.perf_counter() - started)
    print(f"TextAttack's loop, float32: {rate:8.1f} queries/s")
    for precision in dict.fromkeys(("float32", resolve("auto", device))):
        engine = EngineSettings(precision=precision, at_once=64, batch_size=128)
        with tempfile.TemporaryDirectory() as place:
            started = time.perf_counter()
            done = attack_examples(
                rows, resources, settings, Path(place) / "log", engine=engine, progress=False
            )
            own = done["queries"].sum() / (time.perf_counter() - started)
        print(f"engine, {precision}: {own:8.1f} queries/s, {own / rate:.1f} x")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="optimiser steps per round")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--attacked", type=int, default=64)
    chosen = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = (
        torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
    )
    print(f"{device}: {name}; torch {torch.__version__}")
    training(chosen, device)
    attacking(chosen, device)


if __name__ == "__main__":
    main()
