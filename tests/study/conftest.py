"""A whole study that runs in seconds: synthetic data and a tiny encoder of random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from xltlib import params as schema

LANGUAGES = ["en", "ar", "ru"]


@pytest.fixture
def tiny_profile(tmp_path, tiny_encoder) -> Path:
    """The params file of the tiny study, its outputs beside it."""
    return write_profile(tmp_path, tiny_encoder)


@pytest.fixture(scope="module")
def tiny_profile_of_module(tmp_path_factory, tiny_encoder) -> Path:
    """The same for a run that several tests look at."""
    return write_profile(tmp_path_factory.mktemp("study"), tiny_encoder)


def write_profile(folder: Path, encoder: Path) -> Path:
    sizes = {"train": 24, "dev": 8, "test": 8}
    optimisation = {"learning_rate": 1e-3, "batch_size": 4, "save_every_steps": 3}
    corpora = ("tydiqa", "xnli", "udpos", "tatoeba")

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
        "corpora": {name: {"source": "mini", "mini": sizes} for name in corpora},
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
        "representation": {"retrieval": [{"corpus": "tatoeba", "languages": ["ar", "ru"]}]},
        "cost": {"rounds": 1},
        "analysis": {"bootstrap_samples": 200},
        "compute": {"mem_mb": 1000},
    }
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return file


@pytest.fixture
def edited(tiny_profile, edit_profile):
    """A function that changes one dotted key of the tiny profile and loads it."""

    def edit(key: str, value: object) -> schema.Params:
        return schema.load(edit_profile(tiny_profile, tiny_profile, {key: value}))

    return edit
