"""The benchmarks run on a tiny model, so the printed numbers say nothing about speed."""

import json
import sys

import pytest
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from tests.benchmarks import (
    attack_engine,
    gpu,
    growth,
    own_time,
    postprocessing,
    training_memory,
    training_speed,
)

pytestmark = pytest.mark.slow
DEV = "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{}.json"


@pytest.fixture(scope="module")
def data(shared_data, tmp_path_factory):
    """The official layout with the first two articles of each file."""
    folder = tmp_path_factory.mktemp("tydiqa")
    for name in (training_speed.TRAIN, *map(DEV.format, postprocessing.LANGUAGES)):
        raw = json.loads((shared_data / "tydiqa-goldp" / name).read_text(encoding="utf-8"))
        raw["data"] = [one for one in raw["data"] if len(one["paragraphs"][0]["context"]) < 600][
            :30
        ]
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(raw), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(tiny_encoder, tmp_path_factory):
    """A folder with a tiny span-QA model."""
    folder = tmp_path_factory.mktemp("model")
    AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(folder)
    return folder


def arguments(monkeypatch, *given):
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, given)])


def test_training_speed_prints_every_recipe(monkeypatch, capsys, data, tiny_encoder):
    small = ("--rounds", 1, "--steps", 1, "--batch", 2, "--only")
    arguments(monkeypatch, data, tiny_encoder, *small, *training_speed.RECIPES)
    training_speed.main()
    printed = capsys.readouterr().out
    for name in training_speed.RECIPES:
        assert name in printed


def test_memory_of_a_tiny_model_is_bounded(monkeypatch, capsys, data, tiny_encoder):
    arguments(monkeypatch, data, tiny_encoder, "--steps", 8, "--batch", 2)
    assert training_memory.main() == 0
    assert "x the most of the first" in capsys.readouterr().out


def test_postprocessing_gives_the_answers_of_the_usual_loop(capsys, data, model):
    postprocessing.main(str(data), str(model), "90")
    printed = capsys.readouterr().out
    asked = printed.split(" questions")[0]
    assert printed.count(f"  {asked} answers agree\n") == 2


def test_own_time_is_of_the_engine_alone(capsys, shared_data, monkeypatch):
    monkeypatch.setattr(own_time, "QUESTIONS", 2)
    own_time.main(str(shared_data / "xquad"), ["en"])
    assert capsys.readouterr().out.startswith("en: 0.")


def test_growth_measures_in_processes_of_their_own(capsys, data, tiny_encoder, monkeypatch):
    monkeypatch.setattr(growth, "FACTORS", (1, 2))
    monkeypatch.setattr(growth, "PARTS", ("evaluation", "analysis"))
    growth.main(str(data), str(tiny_encoder), "4")
    printed = capsys.readouterr().out
    assert printed.count("MiB") == 4


def test_the_run_for_a_new_card_runs_on_a_processor(monkeypatch, capsys, data, model):
    small = ("--rounds", 1, "--steps", 1, "--batch", 2, "--attacked", 1)
    arguments(monkeypatch, data, model, *small)
    gpu.main()
    printed = capsys.readouterr().out
    assert "matrix peak" in printed
    assert "engine, float32" in printed


def test_the_attack_engine_is_compared_with_stock_textattack(
    capsys, monkeypatch, shared_data, model
):
    """The tiny model answers no real question right, so its own answers serve as gold ones."""

    def own_answers(predictor, rows):
        found = predictor.predict([r["question"] for r in rows], [r["context"] for r in rows])
        rows = [
            row | {"answers": {"text": [one.text], "answer_start": [one.start]}}
            for row, one in zip(rows, found, strict=True)
            if len(one.text) > 4 and row["context"].count(one.text) == 1
        ]
        return [row for row in rows if len(row["context"]) < 700]

    monkeypatch.setattr(attack_engine, "right", own_answers)
    monkeypatch.setitem(attack_engine.BUDGET, "max_queries", 12)
    attack_engine.main(str(model), str(shared_data / "xquad"), "1", "en,ar")
    printed = capsys.readouterr().out
    assert "2 examples of XQuAD" in printed
    for name in ("stock TextAttack, float32", *attack_engine.RUNS):
        assert name in printed
    assert "ms of processor time per query" in printed
