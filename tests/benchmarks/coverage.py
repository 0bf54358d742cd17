"""The full coverage study: 1,000 simulations of each world, to `coverage.csv` beside this file.

python -m tests.benchmarks.coverage [SIMULATIONS]
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from tests.analysis.simulation import World, coverage

WORLDS = [
    World(answers, seeds, questions, effect, seed_spread)
    for answers, seeds, questions, effect, seed_spread in product(
        ("normal", "right or wrong"), (1, 2, 3, 5), (12, 60), (0.0, 0.05), (0.0, 0.03)
    )
    # One seed cannot show how seeds vary: its interval says that it covers questions alone.
    if seeds > 1 or not seed_spread
]


def main(simulations: int) -> None:
    rows = [
        asdict(world) | dict(coverage(world, simulations=simulations, samples=400))
        for world in tqdm(WORLDS)
    ]
    frame = pd.DataFrame(rows).assign(simulations=simulations)
    frame.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.2f")
    print(frame.to_string(index=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
