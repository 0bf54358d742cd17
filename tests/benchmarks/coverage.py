"""The coverage study: 10,000 simulations of each world, in `coverage.csv`, lowest coverage first.

`coverage.json` summarises it for docs/statistics.md. The constants of `xltlib.analysis.variance`
were chosen on `worlds` and are checked on `held_out`.

python -m tests.benchmarks.coverage [SIMULATIONS]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from tests.analysis.simulation import LEVELS, World, coverage

SEEDS = (3, 5)
STUDY = Path(__file__).with_suffix(".csv")


def worlds() -> Iterator[World]:
    """Worlds that resemble the real runs, and harder ones."""
    for seeds in SEEDS:
        for questions in (12, 60):
            yield World("normal", seeds, questions, seed_sd=0.03, seed_language_sd=0.03)
            yield World("right or wrong", seeds, questions, seed_sd=0.02)
        for answers in ("right or wrong", "massed", "bounded"):
            yield World(answers, seeds, 60, seed_sd=0.05)
            yield World(answers, seeds, 60, effect=0.05, seed_sd=0.02, seed_language_sd=0.05)
        # Nothing varies but the answers themselves.
        yield World("right or wrong", seeds, 60)
        yield World("normal", seeds, 200, seed_sd=0.05)
        yield World("rare", seeds, 12)
        yield World("rare", seeds, 60, effect=0.02)
        yield World("rare", seeds, 60, seed_sd=0.01)
        yield World("rare", seeds, 12, row="language")
        yield World("collapsed", seeds, 60)
        yield World("collapsed", seeds, 60, effect=0.05, seed_language_sd=0.03)
        yield World("massed", seeds, 60, seed_sd=0.03, seed_language_sd=0.03, sizes="unequal")
        yield World("massed", seeds, 60, seed_sd=0.02, units="translations")
        yield World("normal", seeds, 60, seed_sd=0.01, units="translations")
        yield World("massed", seeds, 60, seed_sd=0.02, units="passages")
        yield World("normal", seeds, 60, seed_sd=0.01, units="passages")
        yield World("massed", seeds, 60, seed_sd=0.03, seed_language_sd=0.03, row="language")
        yield World("normal", seeds, 60, seed_sd=0.05, seed_language_sd=0.02, row="language")
        yield World("massed", seeds, 60, seed_sd=0.01, seed_language_sd=0.02, row="volatile")
    # Two seeds give intervals but no p-values; with one seed, intervals cover only the questions.
    yield World("massed", 2, 60, seed_sd=0.02)
    yield World("massed", 2, 60, seed_sd=0.05, seed_language_sd=0.03)
    yield World("rare", 2, 12)
    yield World("normal", 2, 60, seed_sd=0.05, seed_language_sd=0.03, row="language")
    yield World("massed", 1, 60)
    yield World("rare", 1, 60)


def held_out() -> Iterator[World]:
    """Worlds that were not used to choose any constant."""
    for seeds in (3, 4, 5, 8):
        yield World("massed", seeds, 120, seed_sd=0.03)
        yield World("right or wrong", seeds, 30, seed_sd=0.04, seed_language_sd=0.02)
        # Uniformly distributed trainings and little other variance: the worst case for Student's t.
        yield World("bounded", seeds, 200, seed_sd=0.05)
        yield World("normal", seeds, 400, seed_sd=0.02)
        yield World("rare", seeds, 200, effect=0.01)
        yield World("massed", seeds, 40, seed_sd=0.01, units="passages", sizes="unequal")
        yield World("normal", seeds, 30, effect=0.05, seed_sd=0.03, units="translations")
        yield World("massed", seeds, 100, seed_language_sd=0.02, row="language")
        yield World("normal", seeds, 200, seed_sd=0.01, seed_language_sd=0.01, row="volatile")


def summary(study: pd.DataFrame) -> dict[str, Any]:
    """The results with three or more seeds, for the worlds chosen on and the worlds held out."""
    tested = study[study["seeds"] >= 3]
    found: dict[str, Any] = {"simulations": int(study["simulations"].min())}
    for name, rows in (
        ("chosen on", tested[~tested["held out"]]),
        ("held out", tested[tested["held out"]]),
    ):
        covers = rows["covers (%)"]
        within = covers.between(94, 98)
        found[name] = {
            "worlds": len(rows),
            "within 94 to 98": int(within.sum()),
            "above 98": int((covers > 98).sum()),
            "below 94": int((covers < 94).sum()),
            "lowest": float(covers.min()),
            "highest": float(covers.max()),
            "too many": {str(a): int((rows[f"P(p<{a})/a"] > 1.2 + 1e-9).sum()) for a in LEVELS},
            "most": {str(a): float(rows[f"P(p<{a})/a"].max()) for a in LEVELS},
        }
    found["largest error"] = {
        name: float(tested[f"se {name}"].max())
        for name in ("covers", *(f"P(p<{a})/a" for a in LEVELS))
    }
    return found


def main(simulations: int) -> None:
    every = [(world, False) for world in worlds()] + [(world, True) for world in held_out()]
    rows = [
        asdict(world) | {"held out": new} | dict(coverage(world, simulations=simulations))
        for world, new in tqdm(every)
    ]
    frame = pd.DataFrame(rows).assign(simulations=simulations).sort_values("covers (%)")
    frame.to_csv(STUDY, index=False, float_format="%.3f")
    found = json.dumps(summary(pd.read_csv(STUDY)), indent=1)
    STUDY.with_suffix(".json").write_text(found + "\n")
    print(frame.to_string(index=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
