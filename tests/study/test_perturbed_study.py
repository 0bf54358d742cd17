"""A study with static test sets, attacked pairs of sentences, and the worst of two attacks."""

import pandas as pd
import pytest
import yaml

from tests.study.tiny_study import finish, write_profile
from xltlib.study import attacks, data


@pytest.mark.slow
def test_static_sets_pairs_and_the_worst_of_two_attacks(tmp_path, tiny_encoder):
    file = write_profile(tmp_path, tiny_encoder)
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    raw["targets"]["tydiqa"]["test_sets"] += [
        {"corpus": "tydiqa", "languages": ["en"], "perturbation": how}
        for how in ({"kind": "typo", "severity": 0.3}, {"kind": "addonesent"})
    ]
    typo = raw["attacks"]["typo"]
    recipe = {"kind": "distractor", "max_queries": 12, "f1_threshold": 0.05, "answers": 1}
    raw["attacks"]["distractor"] = typo | {"recipe": recipe}
    raw["attacks"]["pairs"] = {
        "target": "xnli",
        "test_sets": [{"corpus": "xnli", "languages": ["en", "ru"]}],
        "examples_per_language": 3,
        "recipe": {"kind": "typo", "max_queries": 12},
    }
    raw["representation"] = {}
    file.write_text(yaml.safe_dump(raw), encoding="utf-8")
    grid = finish(file)

    names = {"tydiqa", "tydiqa+typo-30", "tydiqa+addonesent"}
    cells = [cell for cell in grid.cells("evaluation") if cell.task == "tydiqa"]
    assert {data.corpus_of(name) for name in names} == {"tydiqa"}
    for cell in cells:
        scores = pd.read_parquet(cell.path("scores.parquet"))
        assert set(scores["corpus"]) == names
        ids = scores.groupby("corpus")["id"].agg(set)
        assert ids["tydiqa+typo-30"] == ids["tydiqa+addonesent"] <= ids["tydiqa"]
    pairs = [cell for cell in grid.cells("attacks") if cell.attack == "pairs"]
    assert pairs
    for cell in pairs:
        found = attacks.results(cell)
        assert set(found["original_prediction"]) <= {"entailment", "neutral", "contradiction"}
        assert set(attacks.violations(cell).values()) == {0}
        assert not cell.path("static_set.json").exists()
    (cell,) = grid.cells("results")
    table = pd.read_csv(cell.path("tables/under_attack.csv"))
    assert {"typo", "distractor", "ensemble", "typo-30", "addonesent"} <= set(table["attack"])
    assert "pairs" not in set(table["attack"])
