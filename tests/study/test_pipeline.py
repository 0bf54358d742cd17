"""All stages end to end, and kills in the middle of each: the same metrics, bit for bit."""

import signal
import time

import pandas as pd

import xltlib
from tests.study.tiny_study import finish, start
from xltlib import params as schema
from xltlib.study import STAGES, Grid, attacks, claims, corpora, representation, saved, transfer

# What exists beside the profile while a stage is in the middle of its work, stage by stage.
MIDDLE = {
    "corpora": "cache/*trimmed*",
    "intermediate": "outputs/tiny/02_intermediate_training/*/*/*/checkpoints/*/checkpoint-3",
    "target": "outputs/tiny/03_target_training/*/*/*/checkpoints/*/checkpoint-6",
    "evaluation": "outputs/tiny/04_zero_shot_evaluation/*/*/*/parts/*.parquet",
    "attacks": "outputs/tiny/05_attacks/*/*/*/logs/*.jsonl",
    "results": "outputs/tiny/06_results/*/tables/scores.csv",
}


def kept(grid: Grid) -> dict[str, bytes]:
    """Metrics and tables of all cells, byte for byte."""
    folder = grid.params.outputs / grid.params.profile
    files = [*folder.glob("*/*/metrics.json"), *folder.glob("*/*/tables/*.csv")]
    # What a step costs is measured anew in every run.
    files = [file for file in files if file.name != "cost.csv"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(files)}


def test_every_stage_finishes_and_its_results_can_be_read(finished_study, monkeypatch):
    grid = finished_study
    stages = [stage for stage in STAGES if stage != "design"]
    assert all(cell.done for stage in stages for cell in grid.cells(stage))

    (cell,) = grid.cells("corpora")
    metrics = cell.metrics()
    assert {row["n"] for row in metrics["splits"]} == {8, 24}
    assert metrics["audits"]
    assert {row["exact"] for row in metrics["audits"]} == {0}
    assert corpora.sample(cell).data.count("<tr>") == 1 + 3 + 2  # one row per task and language

    for cell in grid.cells("attacks"):
        assert set(attacks.violations(cell).values()) == {0}
        frame = pd.read_parquet(cell.path("attacks.parquet"))
        assert len(frame) == len(cell.path("attacks.jsonl").read_text().splitlines()) == 9
        assert frame["queries"].max() <= 12
    frame.loc[0, "question"] += "!"
    frame.loc[1, "attacked_context"] += "!"
    monkeypatch.setattr(attacks, "results", lambda _: frame)
    found = attacks.violations(cell)
    assert found["question changed"] == found["text changed outside the edits"] == 1

    (cell,) = grid.cells("transfer")
    found = saved.tables_of(cell)
    assert list(found["pairs"]["method"].unique()) == ["standard", "adv", "rs-rp"]
    assert len(found["pairs"]) == 3 * 4
    assert set(found["cost"]["method"]) == {"standard", "adv", "rs-rp"}
    assert (found["cost"]["seconds per step"] > 0).all()
    said = transfer.verdicts(cell.metrics())
    assert list(said) == [
        "robust-pawsx",
        *("robust-xnli adv", "robust-xnli rs-rp"),
        *("robust-two-languages adv", "robust-two-languages rs-rp"),
        *("farther-gains-more adv", "farther-gains-more rs-rp"),
    ]
    assert set(said.values()) == {"not answered by this profile"}
    for name in ("heat_map", "gains"):
        assert cell.path(f"figures/{name}_xnli.png").stat().st_size > 5000
    for cell in grid.cells("representation"):
        found = saved.tables_of(cell)
        assert list(found["retrieval"]["language"]) == ["ar", "ru"]
        assert found["retrieval"]["points"].between(0, 100).all()
        assert found["retrieval"].to_dict("records") == cell.metrics()["retrieval"]
        assert found["alignment"]["margin"].between(-2, 2).all()
        assert len(found["probe"]) == 2 * 2
        pairs = found["rank_consistency"]
        assert pairs[["language 1", "language 2"]].to_numpy().tolist() == [
            ["en", "ar"],
            ["en", "ru"],
            ["ar", "ru"],
        ]
        assert set(pairs["n"]) == {8}
        assert set(pairs["left out"]) == {0}
        assert list(found["rotation"]["language"]) == ["ar", "ru", "macro without en"]
        rotation = found["rotation"].set_index("language")
        assert rotation.loc["macro without en", "n"] == 16
        difference = rotation["f1 rotated"] - rotation["f1"]
        assert (rotation["gain"] - difference).abs().max() < 1e-3
        # Random weights without a masked-LM head.
        assert len(found["cloze"]) == 0
        for name in ("probe", "rank_consistency_tydiqa"):
            assert cell.path(f"figures/{name}.png").stat().st_size > 5000
        said = str(saved.findings(cell, "rank_consistency", "cloze", "rotation").data)
        assert "pairs of languages, n=8 each" in said
        assert "names no prompts" in said
        assert "mean F1 of 2 languages" in said
    table = representation.by_language(grid.cells("representation"))
    assert len(table) == 3 * 3
    english = table[(table["arm"] == "english") & (table["language"] == "ru")].iloc[0]
    cell = grid.cell("representation", "tiny.english.seed1")
    found = saved.tables_of(cell)
    assert english["retrieval"] == found["retrieval"]["points"].iloc[1]
    assert english["margin"] == found["alignment"]["margin"].iloc[1]
    assert english["rank consistency"] == found["rank_consistency"]["corrected"].iloc[1]
    assert english["probe"] == found["probe"]["accuracy"].iloc[1]
    assert english["rotation"] == found["rotation"]["gain"].iloc[1]
    assert table[table["language"] == "en"]["rotation"].isna().all()

    (cell,) = grid.cells("results")
    assert len(cell.metrics()["findings"]) > 5
    for name in ("scores_by_language", "clean_and_attacked", "success_rate", "contrast", "answer"):
        assert cell.path(f"figures/{name}.png").stat().st_size > 5000
    tables = saved.tables_of(cell)
    assert set(tables) == {
        *("scores", "under_attack", "success_rate", "on_common_questions"),
        *("attack_transfer", "contrasts", "mixed_model", "clean_against_attacked"),
        *("by_type", "calibration", "published"),
    }
    assert all("n" in table.columns for table in tables.values())
    names = ["attack", "arm", "corpus", "language", "clean f1", "attacked f1"]
    other = tables["under_attack"].query("language != 'en'")
    pd.testing.assert_frame_equal(
        *(
            frame[names].sort_values(names).reset_index(drop=True)
            for frame in (tables["clean_against_attacked"], other)
        ),
        atol=1e-3,
    )

    (cell,) = grid.cells("claims")
    named = [record["name"] for record in cell.metrics()["claims"]]
    assert named == list(cell.params.claims)
    assert str(saved.answer(cell).data).count("Not answered, because") == 1
    assert set(claims.kinds(cell.metrics()).values()) == {"not answered by this profile"}
    for name in ("verdicts", "alignment_and_robustness"):
        assert cell.path(f"figures/{name}.pdf").stat().st_size > 5000


def test_a_run_killed_in_every_stage_ends_with_the_same_metrics(tiny_profile, finished_study):
    for stage, sign in MIDDLE.items():
        process = start(tiny_profile)
        deadline = time.monotonic() + 200
        while not list(tiny_profile.parent.glob(sign)):
            assert process.poll() is None, f"the run ended before {stage} was seen at work"
            assert time.monotonic() < deadline, f"{stage} was never seen at work"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
        (last,) = Grid(schema.load(tiny_profile)).cells("claims")
        assert not last.done, stage
    assert kept(finish(tiny_profile)) == kept(finished_study)


def test_load_results_returns_every_saved_table(finished_study):
    found = xltlib.load_results(finished_study.params)
    (cell,) = finished_study.cells("results")
    for path in cell.artefacts("tables/*.csv"):
        frame = found[f"{cell.name}/{path.stem}"]
        assert len(frame) == len(path.read_text().splitlines()) - 1
    assert any(name.startswith("09_claims/") for name in found)
