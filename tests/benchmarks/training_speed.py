"""How fast training is: `python -m tests.benchmarks.training_speed DATA ENCODER [OPTIONS]`.

DATA is a folder with TyDi QA GoldP in its official layout; ENCODER is a folder with me5-small (the
cache of the quick profile has one). All recipes train on the same batches of English questions, in
turn, in one process and on one thread (recipes in bf16 only if the machine has units for it, or
with --only). Prints tokens of text (without padding) per second of processor time, the median over
the rounds, the ratio to the recipe before this project's optimisations, and how far the first
gradient is from float32's. The machine's load and clock affect all recipes equally, so compare
ratios, not numbers from different runs.
"""

from __future__ import annotations

import argparse
import copy
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, set_seed

from xltlib.corpora.squad_files import read_squad
from xltlib.encoders.attention import ONE_BY_ONE, attending
from xltlib.encoders.device import computes_bf16
from xltlib.encoders.linear import LinearKernel, linear_by
from xltlib.encoders.parts import first_layers
from xltlib.params import EncoderSettings, SpanQASettings
from xltlib.tasks.kind import Row, length, padded_length
from xltlib.tasks.span_qa import span_loss, training_rows
from xltlib.tasks.windows import featurize
from xltlib.training import numerics
from xltlib.training.dropout import cheap_dropout, dropout_of
from xltlib.training.multitask import load_pretrained
from xltlib.training.plan import Batching, length_batches

TRAIN = "tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json"


@dataclass(frozen=True)
class Recipe:
    """One way to compute the same optimiser steps."""

    padding: str  # longest, blocks or full (every row padded to 384)
    attention: str
    precision: str  # float32, autocast (bf16) or bf16 (weights, float32 masters)
    dropout: str = "torch"  # torch's, cheap or none
    linear: LinearKernel = "torch"
    fused: bool = True
    shuffled: bool = False  # no length buckets
    all_weights: bool = False  # word embeddings train too
    frozen: int = 0  # the embeddings and this many first layers do not train


USUAL = "the usual recipe"
BEFORE = "before: bf16 autocast, SDPA, padded to the longest"
RECIPES = {
    USUAL: Recipe("full", "sdpa", "float32", fused=False, shuffled=True, all_weights=True),
    BEFORE: Recipe("longest", "sdpa", "autocast", fused=False),
    "float32, SDPA, padded to the longest": Recipe("longest", "sdpa", "float32", fused=False),
    "+ whole blocks": Recipe("blocks", "sdpa", "float32", fused=False),
    "+ fused AdamW": Recipe("blocks", "sdpa", "float32"),
    "+ cheap dropout": Recipe("blocks", "sdpa", "float32", "cheap"),
    "+ linear layers by oneDNN (now, float32 on AMD)": Recipe(
        "blocks", "sdpa", "float32", "cheap", "oneDNN"
    ),
    "the same with eager attention": Recipe("blocks", "eager", "float32", "cheap", "oneDNN"),
    "bf16 weights, float32 masters, eager": Recipe("blocks", "eager", "bf16", "cheap"),
    "the same with SDPA": Recipe("blocks", "sdpa", "bf16", "cheap"),
    "the same with attention by sequence": Recipe("blocks", ONE_BY_ONE, "bf16", "cheap"),
    "bf16 autocast, eager": Recipe("blocks", "eager", "autocast", "cheap"),
    "attention by sequence (now, bf16)": Recipe("blocks", ONE_BY_ONE, "autocast", "cheap"),
    "the same without dropout (optimisation.dropout: 0.0)": Recipe(
        "blocks", ONE_BY_ONE, "autocast", "none"
    ),
    "and with four frozen layers (optimisation.frozen_layers: 4)": Recipe(
        "blocks", ONE_BY_ONE, "autocast", "none", frozen=4
    ),
    "and with six": Recipe("blocks", ONE_BY_ONE, "autocast", "none", frozen=6),
}


def collated(tokenizer: Any, rows: list[Row], padding: str) -> dict[str, torch.Tensor]:
    """A batch padded as a recipe pads it."""
    longest = max(length(row) for row in rows)
    width = {
        "longest": longest,
        "blocks": padded_length(longest, tokenizer.model_max_length),
        "full": 384,
    }[padding]
    inputs = [{k: v for k, v in row.items() if k != "labels"} for row in rows]
    batch = tokenizer.pad(inputs, padding="max_length", max_length=width, return_tensors="pt")
    labels = torch.tensor([row["labels"] for row in rows])
    return dict(batch) | {"start_positions": labels[:, 0], "end_positions": labels[:, 1]}


class Run:
    """A model that trains by a recipe, one step at a time."""

    def __init__(
        self, recipe: Recipe, model: torch.nn.Module, tokenizer: Any, device: str = "cpu"
    ) -> None:
        self.recipe, self.tokenizer, self.device = recipe, tokenizer, device
        words = model.get_input_embeddings().weight  # frozen ones are shared, they are 0.4 GiB
        shared = {} if recipe.all_weights or recipe.precision == "bf16" else {id(words): words}
        self.model = copy.deepcopy(model, shared).to(device)
        self.stack = ExitStack()
        self.stack.enter_context(attending(self.model, recipe.attention))
        if recipe.all_weights:
            self.model.get_input_embeddings().weight.requires_grad_(True)
        if recipe.frozen:
            for weight in first_layers(self.model, recipe.frozen):
                weight.requires_grad_(False)
        if recipe.dropout == "cheap":
            self.stack.enter_context(cheap_dropout(self.model))
        if recipe.dropout == "none":
            self.stack.enter_context(dropout_of(self.model, 0.0))
        masters = numerics.Masters(self.model) if recipe.precision == "bf16" else None
        make, options = numerics.optimiser(masters, 1e-5)
        trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimiser = make([{"params": trained}], **options | {"fused": recipe.fused})
        self.model.train()
        self.trained = trained

    def step(self, rows: list[Row]) -> tuple[float, float]:
        """Seconds (of processor time on a processor, of wall time on a GPU), and the loss."""
        clock = time.process_time if self.device == "cpu" else time.perf_counter
        started = clock()
        loss = self.loss(rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        value = float(loss.detach())
        if self.device == "cuda":
            torch.cuda.synchronize()
        return clock() - started, value

    def loss(self, rows: list[Row]) -> torch.Tensor:
        """The loss of a batch."""
        batch = {
            name: values.to(self.device)
            for name, values in collated(self.tokenizer, rows, self.recipe.padding).items()
        }
        autocast = self.recipe.precision == "autocast"
        with (
            linear_by(self.recipe.linear),
            torch.autocast(self.device, dtype=torch.bfloat16) if autocast else nullcontext(),
        ):
            return span_loss(self.model, batch)

    def gradient(self, rows: list[Row]) -> dict[str, torch.Tensor]:
        """The gradient of a batch's loss without dropout, of all trained weights but word
        embeddings."""
        self.model.eval()
        self.loss(rows).backward()
        words = self.model.get_input_embeddings().weight
        found = {
            name: weight.grad.float().flatten()
            for name, weight in self.model.named_parameters()
            if weight.requires_grad and weight is not words
        }
        self.optimiser.zero_grad()
        self.model.train()
        return found


def english_rows(data: Path, tokenizer: Any) -> list[Row]:
    """The windows of TyDi QA's English training questions."""
    train = read_squad(data / TRAIN, "en")
    features = featurize(
        tokenizer, list(train["question"]), list(train["context"]), SpanQASettings()
    )
    return training_rows(features, list(train["answers"]))


def batches_of(
    rows: list[Row], size: int, count: int, seed: int = 0
) -> dict[bool, list[list[Row]]]:
    """The same number of batches, in length buckets and (True) shuffled."""
    rng = np.random.default_rng(seed)
    bucketed = length_batches([length(row) for row in rows], Batching(size), rng)[:count]
    shuffled = rng.permutation([i for batch in bucketed for i in batch])
    plain = np.array_split(shuffled, len(bucketed))
    return {
        False: [[rows[i] for i in batch] for batch in bucketed],
        True: [[rows[i] for i in batch] for batch in plain],
    }


def speed(
    recipes: dict[str, Recipe],
    model: torch.nn.Module,
    tokenizer: Any,
    batches: dict,
    rounds: int,
    device: str = "cpu",
) -> pd.DataFrame:
    """Every recipe takes a round of steps in turn; the first round is not counted."""
    rates: dict[str, list[float]] = {name: [] for name in recipes}
    losses: dict[str, float] = {}
    per_round = len(batches[False]) // (rounds + 1)
    runs: dict[str, Run] = {}
    errors: dict[str, float] = {}
    exact = Run(Recipe("full", "sdpa", "float32"), model, tokenizer, device).gradient(
        batches[False][0]
    )
    for round_ in range(rounds + 1):
        for name, recipe in recipes.items():
            set_seed(round_)
            if name not in runs:
                runs[name] = Run(recipe, model, tokenizer, device)
                found = runs[name].gradient(batches[False][0])
                same = torch.cat([exact[part] for part in found])
                errors[name] = ((torch.cat([*found.values()]) - same).norm() / same.norm()).item()
            part = batches[recipe.shuffled][round_ * per_round : (round_ + 1) * per_round]
            taken = [runs[name].step(rows) for rows in part]
            tokens = sum(length(row) for rows in part for row in rows)
            losses[name] = float(np.mean([loss for _, loss in taken]))
            if round_:
                rates[name].append(tokens / sum(seconds for seconds, _ in taken))
    base = BEFORE if BEFORE in recipes else next(iter(recipes))
    frame = pd.DataFrame(
        {
            "recipe": list(recipes),
            "tokens/s": [round(np.median(rates[name])) for name in recipes],
            "ratio to before": [
                np.median(np.array(rates[name]) / np.array(rates[base])) for name in recipes
            ],
            "last loss": [losses[name] for name in recipes],
            "gradient error": [errors[name] for name in recipes],
        }
    )
    if USUAL in recipes:
        frame["ratio to usual"] = [
            np.median(np.array(rates[name]) / np.array(rates[USUAL])) for name in recipes
        ]
    return frame


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4, help="optimiser steps per round")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--only", nargs="*", help="parts of the recipes' names")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(chosen.encoder)
    model = load_pretrained(
        AutoModelForQuestionAnswering,
        chosen.encoder,
        EncoderSettings(freeze_word_embeddings=True, attention_dropout=0.0),
    )
    rows = english_rows(chosen.data, tokenizer)
    batches = batches_of(rows, chosen.batch, chosen.steps * (chosen.rounds + 1))
    emulated = not computes_bf16("cpu")
    recipes = {
        name: recipe
        for name, recipe in RECIPES.items()
        if (not chosen.only and not (emulated and recipe.precision != "float32"))
        or any(part in name for part in chosen.only or [])
    }
    print(f"bf16 units: {computes_bf16('cpu')}; torch {torch.__version__}; one thread")
    frame = speed(recipes, model, tokenizer, batches, chosen.rounds)
    print(frame.to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
