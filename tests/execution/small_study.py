"""The smallest study that trains something: five cells, a few local sentences, random weights."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from xltlib import corpora
from xltlib.params import CorpusSource
from xltlib.params.sources import MiniSettings

ROOT = Path(__file__).parents[2]
# Interrupts count as in a terminal, even if a shell runs the tests in the background.
XLT = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
XLT += "from xltlib.cli import app; app()"
CELLS = 5


def write_profile(folder: Path, encoder: Path, **changes: object) -> Path:
    """Write the params file of the study, its data beside it."""
    write_xnli(folder / "xnli data")
    optimisation = {"learning_rate": 1e-3, "batch_size": 4, "save_every_steps": 1}
    profile = {
        "profile": "small",
        "description": "A few sentences and random weights, for tests.",
        "outputs": "outputs",
        "cache": "cache",
        "seeds": [1],
        "encoders": {"tiny": {"name": str(encoder)}},
        "corpora": {"xnli": {"source": "local", "folder": "xnli data"}},
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


def write_xnli(folder: Path) -> None:
    """Sentence pairs in files laid out like XNLI's repository on the hub."""
    source = CorpusSource(source="mini", mini=MiniSettings(train=12, dev=4, test=4))
    for language in ("en", "ru", "de"):
        (folder / language).mkdir(parents=True, exist_ok=True)
        for split in ("train", "test"):
            rows = corpora.load("xnli", source, language, split)
            rows = rows.select_columns(["sentence1", "sentence2", "label"])
            rows = rows.rename_columns({"sentence1": "premise", "sentence2": "hypothesis"})
            rows.to_pandas().to_parquet(folder / language / f"{split}-00000-of-00001.parquet")


def start(*arguments: object, project: Path = ROOT, **environment: str) -> subprocess.Popen[str]:
    """`xlt` in a process of its own, with the code of a project's folder."""
    return subprocess.Popen(
        [sys.executable, "-c", XLT, *map(str, arguments)],
        env=os.environ
        | {"PYTHONPATH": str(project), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=project,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that ends well; returns what it said."""
    said, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, said
    return said


def results(outputs: Path) -> dict[str, bytes]:
    """What a finished study found, byte for byte: metrics, predictions and model weights."""
    names = ("metrics.json", "*.parquet", "model/*.safetensors")
    # The design says where the data lies, and no other cell does.
    files = [file for name in names for file in outputs.glob(f"small/0[1-9]_*/*/{name}")]
    assert files
    return {str(file.relative_to(outputs)): file.read_bytes() for file in sorted(files)}
