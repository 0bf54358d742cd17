"""How often the mixed model finds a difference where there is none, in `mixed_model.json`.

python -m tests.benchmarks.mixed_model [SIMULATIONS]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tests.analysis.test_mixed_model import attacked, fitted

LEVEL = 0.05
TRAINING = 0.1
"""Standard deviation of each arm's trainings, as a share of 1."""


def findings(simulations: int, seed: int = 0) -> int:
    """The number of runs without an effect, three seeds each, with a p-value below `LEVEL`."""
    rng = np.random.default_rng(seed)
    p = [
        fitted(attacked(0.0, languages=("ar",), rng=rng, training=TRAINING)).loc["clean", "p"]
        for _ in range(simulations)
    ]
    return int(np.sum(np.array(p) < LEVEL))


def main(simulations: int) -> None:
    found = {"simulations": simulations, "findings": findings(simulations), "level": LEVEL}
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    print(found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
