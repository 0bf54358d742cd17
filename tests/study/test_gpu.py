"""Each cell takes a GPU of its own, and gives it back."""

import contextlib
import errno
import os
import threading

import pytest

from xltlib.artifacts import InputError
from xltlib.params import ComputeSettings
from xltlib.study import gpu

CUDA = ComputeSettings(device="cuda", gpus=1)


def test_two_cells_get_different_gpus_and_a_third_waits(monkeypatch, tmp_path):
    monkeypatch.setenv(gpu.VISIBLE, "0,1")
    got, first_done = [], threading.Event()

    def third():
        monkeypatch.setenv(gpu.VISIBLE, "0,1")
        with gpu.reserved(CUDA, locks=tmp_path):
            got.append((os.environ[gpu.VISIBLE], first_done.is_set()))

    with gpu.reserved(CUDA, locks=tmp_path):
        assert os.environ[gpu.VISIBLE] == "0"
        monkeypatch.setenv(gpu.VISIBLE, "0,1")
        with gpu.reserved(CUDA, locks=tmp_path):
            assert os.environ[gpu.VISIBLE] == "1"
            waiting = threading.Thread(target=third)
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
            first_done.set()
    waiting.join(10)
    assert len(got) == 1
    assert got[0][1]


def test_cells_share_a_gpu_if_allowed_and_spread_over_all_first(monkeypatch, tmp_path):
    monkeypatch.setenv(gpu.PER_GPU, "2")
    got = []
    with contextlib.ExitStack() as held:
        for _ in range(4):
            monkeypatch.setenv(gpu.VISIBLE, "0,1")
            held.enter_context(gpu.reserved(CUDA, locks=tmp_path))
            got.append(os.environ[gpu.VISIBLE])
        monkeypatch.setenv(gpu.VISIBLE, "0,1")
        monkeypatch.setattr(gpu.time, "sleep", lambda _: (_ for _ in ()).throw(InterruptedError))
        with pytest.raises(InterruptedError):
            held.enter_context(gpu.reserved(CUDA, locks=tmp_path))
    assert got == ["0", "1", "0", "1"]


def test_the_environment_is_left_as_it_was(monkeypatch, tmp_path):
    monkeypatch.setenv(gpu.VISIBLE, "3")
    with gpu.reserved(CUDA, locks=tmp_path):
        assert os.environ[gpu.VISIBLE] == "3"
    assert os.environ[gpu.VISIBLE] == "3"


def test_a_cpu_cell_takes_none(monkeypatch, tmp_path):
    monkeypatch.delenv(gpu.VISIBLE, raising=False)
    with gpu.reserved(ComputeSettings(), locks=tmp_path):
        assert gpu.VISIBLE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_no_gpu_says_what_to_set(monkeypatch, tmp_path):
    monkeypatch.setenv(gpu.VISIBLE, "")
    with (
        pytest.raises(InputError, match=r"sees no GPU.*compute\.device: cpu"),
        gpu.reserved(CUDA, locks=tmp_path),
    ):
        pass


def test_the_lock_file_of_another_user_stops_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv(gpu.VISIBLE, "0")
    locking = gpu.FileLock

    def protected(file, **options):
        if str(file).endswith("gpu-0.lock"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return locking(file, **options)

    monkeypatch.setattr(gpu, "FileLock", protected)
    with gpu.reserved(CUDA, locks=tmp_path):
        assert os.environ[gpu.VISIBLE] == "0"
        assert [file.name for file in tmp_path.iterdir()] == [f"xlt-gpu-0.{os.getuid()}.lock"]
