"""A whole study that runs in seconds: synthetic data and a tiny encoder of random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.study.tiny_study import finish, write_profile
from xltlib import params as schema
from xltlib.study import Grid


@pytest.fixture
def tiny_profile(tmp_path, tiny_encoder) -> Path:
    """The params file of the tiny study, its outputs beside it."""
    return write_profile(tmp_path, tiny_encoder)


@pytest.fixture(scope="session")
def finished_study(made_once_per_run, tiny_encoder) -> Grid:
    """The tiny study after an uninterrupted run, for tests that only read it."""
    folder = made_once_per_run("study", lambda path: finish(write_profile(path, tiny_encoder)))
    return Grid(schema.load(folder / "tiny.yaml"))


@pytest.fixture
def edited(tiny_profile, edit_profile):
    """A function that changes one dotted key of the tiny profile and loads it."""

    def edit(key: str, value: object) -> schema.Params:
        return schema.load(edit_profile(tiny_profile, tiny_profile, {key: value}))

    return edit
