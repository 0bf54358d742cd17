"""The cost of robust training: `python tests/benchmarks/robust_training.py [PARAMS] [ROUNDS]`.

Prints each method's time per optimiser step and peak memory, relative to standard training, on the
encoder and the first generalised task of a profile, with steps of all methods taken in turn. Run
the profile first, because its prepared encoder is used. Targets: at most 1.1 x per draw for RS-RP
and RS-DA, and at most 2.2 x for ADV with one ascent step.
"""

from __future__ import annotations

import sys
from pathlib import Path

from xltlib import params as schema
from xltlib.study import Grid, transfer

QUICK = Path(__file__).parents[2] / "params" / "quick.yaml"


def main(file: str = str(QUICK), rounds: str = "20") -> None:
    """Measure and print."""
    params = schema.load(file)
    cost = params.cost.model_copy(update={"rounds": int(rounds)})
    (cell, *_) = Grid(params.model_copy(update={"cost": cost})).cells("transfer")
    print(transfer.cost(cell).round(3).to_string(index=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
