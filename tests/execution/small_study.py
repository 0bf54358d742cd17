"""The smallest study that trains something: five cells of synthetic data and random weights."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
XLT = "from xltlib.cli import app; app()"
CELLS = 5


def write_profile(folder: Path, encoder: Path, **changes: object) -> Path:
    """Write the params file of the study."""
    optimisation = {"learning_rate": 1e-3, "batch_size": 4, "save_every_steps": 1}
    profile = {
        "profile": "small",
        "description": "Synthetic data and random weights, for tests.",
        "outputs": "outputs",
        "cache": "cache",
        "seeds": [1],
        "encoders": {"tiny": {"name": str(encoder)}},
        "corpora": {"xnli": {"source": "mini", "mini": {"train": 12, "dev": 4, "test": 4}}},
        "intermediate": {
            "examples": {"nli": 4},
            "optimisation": optimisation,
            "arms": {"plain": {}},
        },
        "targets": {
            "xnli": {
                "data": {"corpus": "xnli", "languages": ["en"]},
                "epochs": 1,
                "max_length": 64,
                "optimisation": optimisation,
                "test_sets": [{"corpus": "xnli", "languages": ["en", "ru"]}],
            }
        },
        "compute": {"mem_mb": 1000},
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(profile, allow_unicode=True), encoding="utf-8")
    return file


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """`xlt` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", XLT, *map(str, arguments)],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that ends well; returns what it said."""
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    return said


def results(outputs: Path) -> dict[str, bytes]:
    """What a finished study found, byte for byte: metrics, predictions and model weights."""
    names = ("metrics.json", "*.parquet", "model/*.safetensors")
    # The design says where the data lies, and no other cell does.
    files = [file for name in names for file in outputs.glob(f"small/0[1-9]_*/*/{name}")]
    assert files
    return {str(file.relative_to(outputs)): file.read_bytes() for file in sorted(files)}
