"""The overhead of a cell: papermill with a new kernel, and with a fork of a warm process.

Both execute the notebook of a finished cell, so they only start and read the results.

    python tests/benchmarks/cell_overhead.py PARAMS [STAGE] [ROUNDS]

PARAMS is the file of a finished profile. Both run in turn, one process at a time. Prints medians.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from xltlib import params as schema
from xltlib.execution import warm
from xltlib.execution.socket_folder import ADDRESS
from xltlib.study import STAGES, Grid

ROOT = Path(__file__).parents[2]


def main(params: Path, stage: str = "target", rounds: int = 3) -> None:
    """Print the medians and their ratio."""
    cell = Grid(schema.load(params)).cells(stage)[0]
    assert cell.done, f"{cell.folder} is not done"
    source = ROOT / "notebooks" / f"{STAGES[stage].notebook}.ipynb"
    factors = {"params": params.resolve()} | cell.factors
    given = [part for name, level in factors.items() for part in ("-p", name, str(level))]
    seconds: dict[str, list[float]] = {"papermill": [], "warm": [], "cold": []}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        address, (end, life) = str(Path(folder, "warm")), os.pipe()
        server = subprocess.Popen(
            [sys.executable, "-m", warm.__name__, "serve", address, str(end)],
            pass_fds=[end],
            process_group=0,
        )
        job = [sys.executable, "-m", warm.__name__, source, params.resolve(), stage, cell.key]
        papermill = [Path(sys.executable).parent / "papermill", "--no-progress-bar"]
        sides = {
            "papermill": ([*papermill, source, Path(folder, "out.ipynb"), *given], {}),
            "warm": (job, {ADDRESS: address}),
            "cold": (job, {}),
        }
        while not Path(address).exists():
            time.sleep(0.1)
        subprocess.run(job, check=True, env=os.environ | {ADDRESS: address})
        for _ in range(rounds):
            for name, (command, extra) in sides.items():
                started = time.perf_counter()
                subprocess.run(
                    [*map(str, command)], check=True, env=os.environ | extra, capture_output=True
                )
                seconds[name].append(time.perf_counter() - started)
        server.kill()
        os.close(life)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.2f} s, {medians['papermill'] / median:.1f} x as fast as papermill")


if __name__ == "__main__":
    file, *rest = sys.argv[1:]
    main(Path(file), *rest[:1], *map(int, rest[1:2]))
