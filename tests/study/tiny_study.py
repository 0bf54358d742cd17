"""The tiny study: synthetic data, random weights; its profile, and a run of all its stages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from xltlib import params as schema
from xltlib.study import Grid

LANGUAGES = ["en", "ar", "ru"]

# Runs in a process of its own, so that it can be killed as a power cut kills: no clean-up runs.
DRIVER = """
import json, pathlib, sys
import xltlib.corpora
from xltlib import params
from xltlib.study import (
    Grid, attacks, claims, corpora, evaluation, intermediate, representation, results, target,
    transfer,
)
grid = Grid(params.load(sys.argv[1]))
loads, load, now = {}, xltlib.corpora.load, []
def recorded(name, source, language, split):
    loads.setdefault(now[-1], []).append(f"{name}/{split}/{language}")
    return load(name, source, language, split)
xltlib.corpora.load = recorded
for cell in grid.cells("corpora"):
    now.append(cell.name)
    corpora.prepare(cell)
for stage, module in (
    ("intermediate", intermediate), ("target", target),
    ("evaluation", evaluation), ("attacks", attacks), ("representation", representation),
):
    for cell in grid.cells(stage):
        now.append(cell.name)
        module.run(cell, progress=False)
for stage, module in (("transfer", transfer), ("results", results), ("claims", claims)):
    for cell in grid.cells(stage):
        now.append(cell.name)
        module.run(cell)
pathlib.Path(sys.argv[1]).with_name("loads.json").write_text(json.dumps(loads))
"""


def write_profile(folder: Path, encoder: Path) -> Path:
    """Write the params file; outputs go beside it."""
    sizes = {"train": 24, "dev": 8, "test": 8}
    optimisation = {"learning_rate": 1e-3, "batch_size": 4, "save_every_steps": 3}
    corpora = ("tydiqa", "xnli", "udpos", "tatoeba", "xquad")

    def tasks(*languages: str) -> dict:
        of = {"split": "train", "dev_split": "dev", "languages": list(languages)}
        return {"tasks": {"nli": {"corpus": "xnli"} | of, "tagging": {"corpus": "udpos"} | of}}

    test_sets = [{"corpus": "tydiqa", "languages": LANGUAGES}]
    profile = {
        "profile": "tiny",
        "description": "Synthetic data and random weights, for tests.",
        "outputs": "outputs",
        "cache": "cache",
        "seeds": [1],
        "encoders": {"tiny": {"name": str(encoder), "trim_vocabulary": True}},
        "corpora": {name: {"source": "mini", "mini": {**sizes}} for name in corpora},
        "span_qa": {"max_length": 384, "doc_stride": 64, "max_query_length": 120},
        "intermediate": {
            "examples": {"nli": 16, "tagging": 16},
            "optimisation": optimisation,
            "arms": {"none": {}, "english": tasks("en"), "multilingual": tasks("de", "tr")},
        },
        "methods": {
            "adv": {"kind": "adv", "radius": 0.05, "step_size": 0.05},
            "rs-rp": {"kind": "rs-rp", "radius": 0.1},
        },
        "targets": {
            "tydiqa": {
                "data": {"corpus": "tydiqa", "languages": ["en"]},
                "epochs": 2,
                "optimisation": optimisation,
                "test_sets": test_sets,
            },
            "xnli": {
                "data": {"corpus": "xnli", "languages": ["en"]},
                "epochs": 1,
                "crossings": [{"arms": ["none"], "methods": ["standard", "adv", "rs-rp"]}],
                "optimisation": optimisation,
                "test_sets": [{"corpus": "xnli", "languages": ["en", "ru"], "pairs": True}],
            },
        },
        # Random weights answer little right; with the threshold this low some are attacked.
        "attacks": {
            "typo": {
                "target": "tydiqa",
                "test_sets": test_sets,
                "examples_per_language": 3,
                "recipe": {
                    "kind": "typo",
                    "max_queries": 12,
                    "f1_threshold": 0.05,
                    "window_words": 6,
                },
            }
        },
        "evaluation": {"batch_size": 16},
        "representation": {
            "retrieval": [{"corpus": "tatoeba", "languages": ["ar", "ru"]}],
            "probe": {"corpus": "udpos", "languages": ["en", "ru"]},
            "rank_consistency": {"corpus": "xquad", "languages": LANGUAGES},
            "rotation": {"corpus": "tydiqa", "languages": ["ar", "ru"]},
        },
        "cost": {"rounds": 1},
        "analysis": {"level": 0.95},
        "claims": str(Path(__file__).parents[2] / "params" / "claims.yaml"),
        "compute": {"mem_mb": 1000},
    }
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return file


def start(profile: Path) -> subprocess.Popen:
    """Run all stages in a process of their own."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(profile)],
        env=os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(profile: Path) -> Grid:
    """Run all stages to their end."""
    process = start(profile)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    return Grid(schema.load(profile))
