"""Twenty kills of `xlt run`, of its whole tree or one process of it: the same bytes at the end."""

import contextlib
import random
import shutil
import subprocess
import time

import psutil
import pytest

from tests.execution.small_study import finish, results, start, write_profile

KILLS = 20


def end(process: psutil.Process) -> None:
    """Kill as a power cut does."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


@pytest.mark.slow
def test_twenty_kills_change_no_byte(tmp_path, tiny_encoder):
    rng = random.Random(0)
    whole = write_profile(tmp_path / "whole", tiny_encoder)
    finish(start("run", whole, "--cores", "2"))
    expected = results(tmp_path / "whole" / "outputs")

    file, outputs = write_profile(tmp_path / "killed", tiny_encoder), tmp_path / "killed/outputs"
    kills = 0
    while kills < KILLS:
        run = start("run", file, "--cores", "2")
        try:
            run.wait(rng.uniform(1, 25))
        except subprocess.TimeoutExpired:
            tree = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
            if kills % 2:
                end(rng.choice(tree))
            else:
                for process in rng.sample(tree, len(tree)):
                    end(process)
            kills += 1
        run.communicate(timeout=900)
        for _ in range(100):  # whatever the kill left goes away by itself
            lines = (" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"]))
            if not any(str(file) in line for line in lines):
                break
            time.sleep(0.2)
        else:
            pytest.fail("a process of a killed run is still there")
        if run.returncode == 0:
            assert results(outputs) == expected
            shutil.rmtree(outputs)
    finish(start("run", file, "--cores", "2"))
    assert results(outputs) == expected
