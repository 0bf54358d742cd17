"""A stage that reads with a model says before it starts that memory is too small."""

import pytest

from tests.study.test_representation import save_model
from xltlib.artifacts import InputError
from xltlib.study import Grid, attacks, evaluation, representation, work


@pytest.fixture
def small_memory(edited, tiny_encoder):
    """The grid of the tiny profile, its models saved but not trained, on a very small machine."""
    grid = Grid(edited("compute.mem_mb", 901))
    for stage in ("corpora", "intermediate", "target"):
        for cell in grid.cells(stage):
            if stage == "target":
                save_model(tiny_encoder, cell.path("model"))
            work.finish(cell, {"steps": 0}, started=0)
    return grid


@pytest.mark.parametrize(
    ("stage", "module", "setting"),
    [
        ("evaluation", evaluation, "evaluation.batch_size"),
        ("attacks", attacks, "attacks.typo.engine.batch_size"),
        ("representation", representation, "representation.batch_size"),
    ],
)
def test_too_little_memory_to_read_is_refused_with_what_to_set(
    small_memory, stage, module, setting
):
    (cell, *_) = (
        c for c in small_memory.cells(stage) if c.arm == "none" and c.factors.get("task") != "xnli"
    )
    with pytest.raises(
        InputError, match=rf"compute\.mem_mb: 901, but .* Raise it, or lower {setting}\."
    ):
        module.run(cell, progress=False)
