"""How cost grows with the examples: `python -m tests.benchmarks.growth DATA ENCODER [EXAMPLES]`.

Evaluation, attack, analysis (one interval), the tables and figures of a report, and the audit of
contamination, with 1x, 4x and 16x the examples, each in its own process, with a tiny model with
random weights and the tokenizer of ENCODER, on TyDi QA's English dev questions (repeated if there
are not enough). Prints seconds and peak memory, relative to 1x. At 16x, time may
be at most 17 times and memory at most 1.5 times as large; otherwise it exits with 1.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FACTORS = (1, 4, 16)
PARTS = ("evaluation", "attack", "analysis", "report", "audit")
CHEAP = {"analysis": 12, "report": 5, "audit": 50}
"""How many times as many examples a part gets."""
MOST_TIME, MOST_MEMORY = 17.0, 1.5
DEV = "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-english.json"


def questions(data: Path, count: int) -> list[dict]:
    """This many questions with unique ids."""
    from xltlib.corpora.squad_files import read_squad

    rows = list(read_squad(data / DEV, "en"))
    return [rows[i % len(rows)] | {"id": f"q{i}"} for i in range(count)]


def tiny_predictor(encoder: Path):
    """A span-QA model with random weights."""
    from transformers import AutoTokenizer, BertConfig, BertForQuestionAnswering, set_seed

    from xltlib.evaluation.predictor import SpanPredictor

    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        pad_token_id=tokenizer.pad_token_id,
    )
    return SpanPredictor(BertForQuestionAnswering(config), tokenizer)


def evaluation(data: Path, encoder: Path, count: int) -> float:
    """Seconds to answer and score."""
    from datasets import Dataset

    from xltlib.evaluation.span_qa import answer

    rows, predictor = Dataset.from_list(questions(data, count)), tiny_predictor(encoder)
    answer(predictor, "tydiqa", rows.select(range(2)))
    started = time.process_time()
    assert len(answer(predictor, "tydiqa", rows)) == count
    return time.process_time() - started


def attack(data: Path, encoder: Path, count: int) -> float:
    """Seconds of the typo attack, at most 20 queries each."""
    from xltlib.attacks import Resources, attack_examples
    from xltlib.params import TypoSettings

    rows, predictor = questions(data, count), tiny_predictor(encoder)
    # Random weights give few right answers, so the model's answers are used as gold answers.
    found = predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])
    rows = [
        row | {"answers": {"text": [f.text], "answer_start": [f.start]}}
        for row, f in zip(rows, found, strict=True)
    ]
    settings = TypoSettings(max_queries=20, window_words=8)
    with tempfile.TemporaryDirectory() as place:
        started = time.process_time()
        resources = Resources(predictor, {"en": rows})
        done = attack_examples(rows, resources, settings, Path(place) / "log", progress=False)
        assert len(done) == count
    return time.process_time() - started


def analysis(data: Path, encoder: Path, count: int) -> float:
    """Seconds of an arm contrast over three seeds and eight languages."""
    from xltlib.analysis.intervals import contrast

    frame = made_up_answers(count)
    started = time.process_time()
    contrast(frame, "f1", {"multilingual": 1, "english": -1})
    return time.process_time() - started


def report(data: Path, encoder: Path, count: int) -> float:
    """Seconds of the tables and figures of a clean and an attacked test set."""
    from xltlib.analysis import contrasts, tables
    from xltlib.analysis.robustness import points
    from xltlib.params.measures import SmallestEffects
    from xltlib.reporting import figures, glance
    from xltlib.reporting.style import Provenance

    clean = made_up_answers(count)
    scores = {"original_f1": clean["f1"], "attacked_f1": clean["f1"] * 0.7}
    scores |= {"original_em": 0.0, "attacked_em": 0.0, "outcome": "failed", "queries": 9}
    attacked = clean.assign(attack="typo", **scores)
    smallest = SmallestEffects().model_dump()
    about = Provenance("growth", "tiny", True, (1, 2, 3), "0")
    started = time.process_time()
    table = contrasts.table(
        clean,
        attacked,
        pairs=[("multilingual", "english")],
        seen={},
        smallest=smallest,
        level=0.95,
        p_values=False,
    )
    tables.scores(clean)
    figures.contrast(table, smallest=smallest, about=about)
    figures.clean_and_attacked(tables.under_attack(attacked), about=about)
    figures.success_rate(tables.success_rate(attacked), about=about)
    glance.effective_robustness(points(attacked).assign(attack="typo"), about=about)
    return time.process_time() - started


def audit(data: Path, encoder: Path, count: int) -> float:
    """Seconds to compare one half of the questions with the other."""
    from datasets import Dataset

    from xltlib.corpora.audit import audit as compared

    rows = Dataset.from_list(questions(data, count))
    started = time.process_time()
    compared(rows.select(range(count // 2)), rows.select(range(count // 2, count)))
    return time.process_time() - started


def made_up_answers(count: int):
    """Random scores of two arms, three seeds and eight languages with this many questions each."""
    import numpy as np
    import pandas as pd

    cells = [
        pd.DataFrame({"id": [f"{language}-{i}" for i in range(count)]}).assign(
            arm=arm, seed=seed, corpus="tydiqa", language=language
        )
        for arm in ("english", "multilingual")
        for seed in (1, 2, 3)
        for language in "ar bn fi id ko ru sw te".split()
    ]
    frame = pd.concat(cells, ignore_index=True)
    scores = np.random.default_rng(0).random(len(frame))
    return frame.assign(f1=scores, em=scores.round())


def child(part: str, data: str, encoder: str, count: str) -> None:
    """Measure one part in this process, and print seconds and peak memory in MiB."""
    import torch

    torch.set_num_threads(1)
    seconds = globals()[part](Path(data), Path(encoder), int(count))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mib": peak}))


def main(data: str, encoder: str, examples: str = "40") -> int:
    """Measure all parts at all sizes and print."""
    worst = 0
    for part in PARTS:
        base = None
        for factor in FACTORS:
            count = str(int(examples) * factor * CHEAP.get(part, 1))
            command = [sys.executable, "-m", "tests.benchmarks.growth"]
            done = subprocess.run(
                [*command, "--child", part, data, encoder, count],
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.loads(done.stdout.splitlines()[-1])
            base = base or found
            time_, memory = found["seconds"] / base["seconds"], found["mib"] / base["mib"]
            print(
                f"{part:10s} {factor:3d}x {count:>6s} examples {found['seconds']:7.2f} s "
                f"({time_:5.1f} x)  {found['mib']:6.0f} MiB ({memory:4.2f} x)",
                flush=True,
            )
            if factor == FACTORS[-1]:
                worst |= int(time_ > MOST_TIME * factor / 16 or memory > MOST_MEMORY)
    return worst


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
