"""Every notebook of a finished cell opens with sentences and a figure."""

import pytest
from IPython.display import Image

from xltlib.study import attacks, corpora, evaluation, intermediate, target

OPENINGS = {
    "intermediate": (intermediate.findings, intermediate.loss_figure),
    "target": (target.findings, target.loss_figure),
    "evaluation": (evaluation.findings, evaluation.score_figure),
    "attacks": (attacks.findings, attacks.success_figure),
}


def test_the_corpora_are_summed_up(finished_study):
    (cell,) = finished_study.cells("corpora")
    lines = corpora.findings(cell).data.splitlines()
    assert lines[0].startswith("**all** (profile tiny")
    assert len(lines) == 4


@pytest.mark.parametrize("stage", OPENINGS)
def test_a_cell_of_a_model_opens_with_what_it_found(finished_study, stage):
    findings, figure = OPENINGS[stage]
    for cell in finished_study.cells(stage):
        head, empty, *said = findings(cell).data.splitlines()
        assert head.startswith(f"**{cell.key}** (profile tiny")
        assert empty == ""
        assert said
        assert all(line.startswith("- ") and line.endswith(".") for line in said)
        drawn = figure(cell)
        pairs = stage == "evaluation" and cell.task == "xnli"
        assert pairs or isinstance(drawn, Image), drawn
