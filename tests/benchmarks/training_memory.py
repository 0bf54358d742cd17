"""Whether training's memory is bounded: `python -m tests.benchmarks.training_memory DATA ENCODER`.

Trains on batches of TyDi QA's English questions (same arguments as `training_speed`), padded to
whole blocks, or with --longest to the longest row as before. Reads the process's resident memory
after every step, and prints it with the number of batch shapes seen so far. Exits with 1 if memory
after the last step is more than 1.3 times the most of the first hundred steps. `--layers` keeps
only the first layers: the shapes, and thus the growth per layer, stay the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, set_seed

from tests.benchmarks.training_speed import Recipe, Run, batches_of, english_rows
from xltlib.params import EncoderSettings
from xltlib.tasks.kind import length, padded_length
from xltlib.training.multitask import load_pretrained

BOUND, SETTLED = 1.3, 100


def resident_mib() -> float:
    """The resident memory of the process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    """Measure and print; the exit code says whether the bound holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--longest", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(chosen.encoder)
    settings = EncoderSettings(freeze_word_embeddings=True, attention_dropout=0.0)
    model = load_pretrained(AutoModelForQuestionAnswering, chosen.encoder, settings)
    layers = model.base_model.encoder.layer
    model.base_model.encoder.layer = layers[: chosen.layers or len(layers)]
    batches = batches_of(english_rows(chosen.data, tokenizer), chosen.batch, chosen.steps)[False]
    padding = "longest" if chosen.longest else "blocks"
    run = Run(Recipe(padding, "eager", "float32", "cheap"), model, tokenizer)
    shapes, settled = set(), 0.0
    for step, rows in enumerate(batches, start=1):
        run.step(rows)
        longest = max(map(length, rows))
        shapes.add((len(rows), longest if chosen.longest else padded_length(longest, None)))
        now = resident_mib()
        settled = max(settled, now) if step <= SETTLED else settled
        if step % 25 == 0 or step == len(batches):
            print(f"step {step:5d}  {now:7.0f} MiB  {len(shapes):3d} shapes", flush=True)
    print(f"padded to {padding}: {now / settled:.2f} x the most of the first {SETTLED} steps")
    return int(now > BOUND * settled)


if __name__ == "__main__":
    sys.exit(main())
