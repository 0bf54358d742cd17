"""The command line: what it prints, and exit code 2 with a clear message for every bad input."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from xltlib import __version__
from xltlib import params as schema
from xltlib.cli import app
from xltlib.cli.terminal import print_table
from xltlib.evaluation import mlqa, squad
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.execution.estimate import OVERHEAD_SECONDS
from xltlib.execution.workflow import Workflow

ROOT = Path(__file__).parent.parent
QUICK = ROOT / "params" / "quick.yaml"
TYDI_PAIRS = {"corpus": "tydiqa", "languages": ["de"], "pairs": True}
RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "CI": "1"})


def xlt(*arguments: object):
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def profile(tmp_path, edit_profile):
    """quick.yaml in a folder of its own, with values replaced at dotted keys."""

    def write(edits: dict[str, object] | None = None) -> Path:
        own = {"outputs": "outputs", "cache": "cache"}
        return edit_profile(QUICK, tmp_path / "mine.yaml", own | (edits or {}))

    return write


CONTEXT = "The sky is red."


def question(**changes: object) -> dict:
    answer = {"text": "red", "answer_start": 11} | changes
    qa = {"id": "1", "question": "Which?", "answers": [answer]}
    return {"data": [{"paragraphs": [{"context": CONTEXT, "qas": [qa]}]}]}


def unanswerable(answerable: int) -> dict:
    """SQuAD 2's form: two questions without an answer, beside some that have one."""
    qas = [
        {"id": "a", "question": "Who?", "answers": [], "is_impossible": True},
        {"id": "b", "question": "Who?", "answers": []},
    ]
    answer = {"text": "red", "answer_start": 11}
    qas += [
        {"id": str(i), "question": "Which?", "answers": [answer], "is_impossible": False}
        for i in range(answerable)
    ]
    return {"version": "v2.0", "data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]}


@pytest.mark.parametrize("command", ["check", "run", "results", "evaluate"])
def test_every_command_has_help_with_an_example(command):
    result = xlt(command, "--help")
    assert result.exit_code == 0
    assert f"Example: xlt {command}" in result.output


def test_check_prints_the_grid(profile):
    result = xlt("check", profile())
    assert result.exit_code == 0
    for part in ("02_intermediate_training", "me5-small.multilingual.seed1", "will run"):
        assert part in result.output
    assert "46 cells will run" in result.output
    assert "46 of the cells estimated from this machine's speed" in result.output


def test_check_speaks_json_to_scripts(profile):
    found = json.loads(xlt("check", profile(), "--json", "--cores", "2").output)
    assert found["left"].pop("seconds") > 46 * OVERHEAD_SECONDS / 2
    assert found["left"] == {
        "cells": 46,
        "cells_without_estimate": 0,
        "cells_judged_by_speed": 46,
        "memory_mb": 2 * 2500,
        "largest_cell_mb": None,
    }
    assert {cell["state"] for cell in found["cells"]} == {"will run"}


def test_the_version_and_the_completion_of_names_are_there():
    assert xlt("--version").output == f"xlt {__version__}\n"
    assert "--install-completion" in xlt("--help").output


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"atacks": {}}, "atacks: unknown key. Allowed here: profile"),
        ({"intermediate.examples.nli": -5}, "intermediate.examples.nli: .*greater than 0.*-5"),
        ({"targets.tydiqa.data.languages": ["xx"]}, "unknown language xx; known: en"),
        (
            {"corpora.xnli": {"source": "local", "folder": "absent"}},
            r"corpora\.xnli\.folder: .*absent is not a folder",
        ),
        (
            {"encoders.me5-small.name": "./no-model"},
            r"encoders\.me5-small\.name: .*no-model is not a folder",
        ),
        (
            {"targets.tydiqa.test_sets": [{"corpus": "tydiqa", "languages": ["el"]}]},
            r"targets\.tydiqa\.test_sets\.0\.languages: tydiqa \(mini\) has no el; available: .*te",
        ),
        (
            {"targets.tydiqa.test_sets": [{"corpus": "xnli", "languages": ["de"]}]},
            r"tydiqa\.test_sets\.0\.corpus: xnli is of kind classification; qa is needed here",
        ),
        (
            {
                "targets.tydiqa.test_sets": [
                    {"corpus": "tydiqa", "languages": ["de"], "pairs": True}
                ]
            },
            r"test_sets\.0\.pairs: tydiqa is of kind qa; pairs need sentence pairs",
        ),
        (
            {"representation.retrieval": [{"corpus": "xnli", "languages": ["de"]}]},
            r"retrieval\.0\.corpus: xnli is of kind classification; bitext or answer retr",
        ),
        (
            {"intermediate.arms.english.tasks.nli.corpus": "tatoeba"},
            r"tasks\.nli\.corpus: tatoeba is of kind bitext; .*classification.* is needed here",
        ),
        (
            {"methods.rs-da": {"kind": "rs-da", "neighbours": {"en": "absent.json"}}},
            r"methods\.rs-da\.neighbours\.en: .*absent\.json is not a file",
        ),
        (
            {
                "attacks.codemix.recipe": {
                    "kind": "codemix",
                    "lexicons": {"en": ["absent.txt"]},
                }
            },
            r"attacks\.codemix\.recipe\.lexicons\.en: .*absent\.txt is not a file",
        ),
        (
            {"attacks.codemix.recipe.parallel.corpus": "xnli"},
            r"codemix\.recipe\.parallel\.corpus: xnli is of kind classification; bitext is "
            r"needed here",
        ),
        (
            {"attacks.typo.recipe": {"kind": "mlm", "model": "./absent"}},
            r"attacks\.typo\.recipe\.model: .*absent is not a folder",
        ),
        (
            {"targets.tydiqa.optimisation.frozen_layers": 13},
            r"tydiqa\.optimisation\.frozen_layers: 13, but encoders\.me5-small has 12 layers",
        ),
        (
            {"intermediate.optimisation.frozen_layers": 20},
            r"intermediate\.optimisation\.frozen_layers: 20, but encoders\.me5-small has 12 layers",
        ),
        (
            {"span_qa.max_length": 1024},
            r"span_qa\.max_length: 1024 tokens, but encoders\.me5-small reads 512 at most",
        ),
        ({"corpora.swag": {"source": "hub"}}, r"corpora\.swag: there is no such corpus; known"),
        (
            {"corpora.swag": {"source": "hub"}, "targets.xnli.data.corpus": "swag"},
            r"corpora\.swag: there is no such corpus; known",
        ),
        (
            {"corpora.arcd": {"source": "hub"}},
            r"corpora\.arcd\.source: hub is not available; available: local",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_bad_profile_stops_before_anything_starts(profile, tmp_path, command, edits, message):
    file = profile(edits)
    result = xlt(command, file)
    assert result.exit_code == 2
    assert re.search(message, result.output)
    assert str(file) in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]


@pytest.mark.parametrize("key", ["encoders.me5-small.name", "attacks.typo.recipe.model"])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "config.json is missing"),
        ({"config.json": "{broken"}, "config.json: not complete JSON"),
        ({"config.json": '{"model_type": "bert"}'}, "no weights here"),
        (
            {"config.json": '{"model_type": "bert"}', "pytorch_model.bin": "x"},
            "weights are pickles, which can run code",
        ),
    ],
)
def test_a_model_folder_that_is_not_whole_is_found_by_check(profile, tmp_path, key, files, message):
    folder = tmp_path / "model"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    recipe = {"attacks.typo.recipe": {"kind": "mlm", "model": str(folder)}}
    result = xlt(
        "check", profile(recipe if "recipe" in key else {"encoders.me5-small.name": str(folder)})
    )
    assert result.exit_code == 2
    assert re.search(rf"{re.escape(key)}: .*{re.escape(message)}", result.output)


def test_a_hub_that_cannot_be_reached_stops_the_run_at_once(profile, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    file = profile({"corpora.tydiqa": {"source": "hub"}})
    assert xlt("check", file).exit_code == 0
    started = time.monotonic()
    result = xlt("run", file)
    assert time.monotonic() - started < 5
    assert result.exit_code == 2
    assert re.search(r"corpora\.tydiqa: the hub \(127\.0\.0\.1\) cannot be reached", result.output)
    assert "Set HF_HUB_OFFLINE=1 if its files are in the local cache" in result.output


@pytest.mark.parametrize("key", ["outputs", "cache"])
def test_a_folder_that_cannot_be_written_stops_the_run(profile, key):
    # /proc takes no new folders, whoever asks; a read-only disk answers alike.
    result = xlt("run", profile({key: "/proc/results"}))
    assert result.exit_code == 2
    assert re.search(rf"/proc/results.*cannot be written.*`{key}`", result.output)


def test_gpus_that_were_not_given_are_asked_for(profile):
    result = xlt("run", profile({"compute": {"device": "cuda", "gpus": 1}}))
    assert result.exit_code == 2
    assert "Give --gpus 1 or more, or set compute.device: cpu" in result.output


def test_a_profile_outside_a_clone_says_where_to_run(profile, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = xlt("run", profile())
    assert result.exit_code == 2
    assert "Run xlt inside a clone of the project" in result.output


def test_results_of_an_unfinished_profile_say_what_to_run(profile):
    result = xlt("results", profile())
    assert result.exit_code == 2
    words = " ".join(result.output.split())
    assert "06_results/me5-small has not finished" in words
    assert f"Run `xlt run {profile()}` to make what is missing." in words


def test_evaluate_scores_any_model_on_any_file(tiny_model, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(question()))
    result = xlt("evaluate", "--model", tiny_model, "--data", file)
    assert result.exit_code == 0, result.output
    assert re.search(r"mine\.json \(en\): F1 \d+\.\d\d, EM \d+\.\d\d, n = 1\n", result.output)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps({"data": []}), "contains no questions"),
        (json.dumps(unanswerable(0)), "no question in it (of 2) has an answer"),
        (json.dumps(question())[:50], "not complete JSON"),
        ("", "not complete JSON"),
    ],
)
def test_evaluate_names_a_bad_file(tiny_model, tmp_path, content, message):
    file = tmp_path / "mine.json"
    file.write_text(content)
    result = xlt("evaluate", "--model", tiny_model, "--data", file)
    assert result.exit_code == 2
    assert message in result.output
    assert "mine.json" in result.output


def evaluated(model: Path, file: Path, content: object, *options: str) -> dict:
    """What `xlt evaluate --json` prints."""
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    result = xlt("evaluate", "--model", model, "--data", file, "--json", *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_evaluate_leaves_out_unanswerable_questions_and_counts_them(tiny_model, tmp_path):
    found = evaluated(tiny_model, tmp_path / "mine.json", unanswerable(3))
    assert (found["n"], found["unanswerable_left_out"]) == (3, 2)
    result = xlt("evaluate", "--model", tiny_model, "--data", tmp_path / "mine.json")
    assert "n = 3\n" in result.output
    assert "left out, without an answer: 2" in result.output


def test_evaluate_scores_by_texts_and_counts_wrong_offsets(tiny_model, tmp_path):
    file = tmp_path / "mine.json"
    right = evaluated(tiny_model, file, question())
    wrong = evaluated(tiny_model, file, question(answer_start=900))
    assert (right["wrong_offsets"], wrong["wrong_offsets"]) == (0, 1)
    assert {k: wrong[k] for k in ("f1", "em", "n")} == {k: right[k] for k in ("f1", "em", "n")}
    result = xlt("evaluate", "--model", tiny_model, "--data", file)
    assert "answers not at their answer_start: 1" in result.output


def test_evaluate_takes_its_metric_from_the_option_and_not_from_the_files_name(
    tiny_model, tmp_path
):
    context = "在1951年"
    answer = {"text": "1951年", "answer_start": 1}
    qa = {"id": "1", "question": "?", "answers": [answer]}
    content = {"data": [{"paragraphs": [{"context": context, "qas": [qa]}]}]}
    options = ("--lang", "zh")
    names = ("mlqa.json", "mine.json")
    scores = [evaluated(tiny_model, tmp_path / name, content, *options) for name in names]
    assert scores[0]["metric"] == "squad"
    assert scores[0]["f1"] == scores[1]["f1"]
    own = evaluated(tiny_model, tmp_path / "mine.json", content, *options, "--metric", "mlqa")
    assert own["metric"] == "mlqa"
    (prediction,) = SpanPredictor.load(tiny_model).predict(["?"], [context])
    for found, rule in ((scores[0], squad.normalize_answer), (own, mlqa.normalizer("zh"))):
        assert found["f1"] == 100 * squad.f1(prediction.text, ["1951年"], rule)


def test_evaluate_says_which_windows_and_which_metric_it_used(tiny_model, tmp_path):
    file = tmp_path / "mine.json"
    assert evaluated(tiny_model, file, question(), "--max-length", "64")["max_length"] == 64
    result = xlt("evaluate", "--model", tiny_model, "--data", file)
    assert "metric: squad (--metric); windows of 384 tokens" in result.output
    result = xlt("evaluate", "--model", tiny_model, "--data", file, "--max-length", "1000")
    assert result.exit_code == 2
    assert "reads 512 at most" in result.output
    result = xlt("evaluate", "--model", tiny_model, "--data", file, "--device", "cuda:99")
    assert result.exit_code == 2
    assert "device cuda:99: PyTorch finds" in result.output


def test_evaluate_names_what_is_missing(tiny_model, tmp_path):
    file = tmp_path / "mine.json"
    result = xlt("evaluate", "--model", tiny_model, "--data", file)
    assert result.exit_code == 2
    assert "mine.json: no such file" in result.output
    file.write_text(json.dumps(question()))
    result = xlt("evaluate", "--model", tmp_path / "absent", "--data", file)
    assert result.exit_code == 2
    assert "no model here" in result.output
    result = xlt("evaluate", "--model", tiny_model, "--data", file, "--lang", "xx")
    assert result.exit_code == 2
    assert "no such code" in result.output


def test_evaluate_names_a_broken_model(tiny_model, tmp_path):
    broken = tmp_path / "model"
    broken.mkdir()
    for path in tiny_model.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "model.safetensors").write_bytes(b"cut short")
    (tmp_path / "mine.json").write_text(json.dumps(question()))
    result = xlt("evaluate", "--model", broken, "--data", tmp_path / "mine.json")
    assert result.exit_code == 2
    assert "model.safetensors: not complete safetensors weights" in result.output


def test_the_workflow_plans_every_cell_of_a_profile(profile):
    """Snakemake reads the real Snakefile and notebooks; nothing is run."""
    file = profile()
    plan = Workflow(ROOT, file, schema.load(file), cores=1, gpus=0)
    done = subprocess.run(
        [*plan.command(), "--dry-run", "--quiet", "rules"],
        capture_output=True,
        text=True,
        check=True,
        env=plan.environment(),
    )
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.M))
    assert jobs["total"] == "47"  # 46 cells and the rule that wants them all
    assert (jobs["intermediate"], jobs["attacks"], jobs["results"]) == ("4", "13", "1")


@pytest.mark.parametrize("params", [None, ""])
def test_the_workflow_without_a_params_file_says_how_to_give_one(tmp_path, params):
    environment = {name: text for name, text in os.environ.items() if name != "XLT_PARAMS"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if params is None else {"XLT_PARAMS": params})
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "-c1", "-n"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "No params file: set XLT_PARAMS, as in XLT_PARAMS=params/quick.yaml" in said
    assert "KeyError" not in said


@pytest.mark.parametrize("pairs", [["a"], ["max_queries=3", "max_queries.x=2"], ["x=[1"], ["x={"]])
def test_settings_of_an_attack_that_are_malformed_are_named(pairs):
    from xltlib.artifacts import InputError
    from xltlib.cli.attack import _settings

    with pytest.raises(InputError, match="--set"):
        _settings(pairs)


def test_brackets_are_printed_and_are_no_markup(capsys):
    print_table("a [en]", pd.DataFrame({"[x]": ["[bold] text"]}))
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("a [en]", "[x]", "[bold]"))


def test_check_counts_the_cells_that_share_a_gpu(profile):
    compute = {"device": "cuda", "gpus": 1, "threads": 1, "mem_mb": 100}
    on_gpu = {f"compute.{name}": value for name, value in compute.items()}
    for per_gpu in (1, 3):
        asked = ("--json", "--cores", "8", "--per-gpu", str(per_gpu))
        left = json.loads(xlt("check", profile(on_gpu), *asked).output)["left"]
        assert left["memory_mb"] == 100 * per_gpu * max(1, torch.cuda.device_count())
    result = xlt("check", profile({}), "--per-gpu", "3")
    assert result.exit_code == 2
    assert "--per-gpu: no cell uses a GPU. Leave it out." in " ".join(result.output.split())


@pytest.mark.parametrize("option", ["--gpus", "--per-gpu"])
def test_gpus_are_refused_where_no_cell_uses_one(profile, option):
    result = xlt("run", profile({}), option, "4")
    assert result.exit_code == 2
    words = " ".join(result.output.split())
    assert f"{option} is for cells that use the GPUs of this machine" in words
    assert "compute.device is cpu. Leave it out, or set compute: {device: cuda" in words


def test_gpus_are_refused_where_a_scheduler_gives_them(profile):
    on_gpu = profile({"compute": {"device": "cuda", "gpus": 1}})
    slurm = ("--workflow-profile", ROOT / "params" / "slurm")
    result = xlt("run", on_gpu, "--gpus", "4", *slurm)
    assert result.exit_code == 2
    assert "a scheduler gives each job its own. Leave it out." in " ".join(result.output.split())


XLT = "import sys; from xltlib.cli import app; sys.argv[0] = 'xlt'; app()"


def in_a_process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`xlt` with no terminal and this environment."""
    command = [sys.executable, "-c", XLT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, env=os.environ | environment, cwd=ROOT)


def in_a_terminal(*arguments: object, **environment: str) -> bytes:
    """What `xlt` writes to a terminal."""
    ours, theirs = pty.openpty()
    plain = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-c", XLT, *map(str, arguments)],
        env=plain | {"TERM": "xterm-256color"} | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the terminal is closed at the other end
        while part := os.read(ours, 4096):
            said += part
    process.wait()
    os.close(ours)
    return said


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_an_error_is_red_where_the_terminal_wants_colours(tmp_path, environment, coloured):
    said = in_a_terminal("check", tmp_path / "absent.yaml", **environment)
    assert b"no such file" in said
    assert (b"\x1b[31m" in said) == coloured
    assert coloured or b"\x1b" not in said


def test_what_the_terminals_encoding_lacks_is_escaped(profile):
    file = profile({"description": "Ein schönes 日本 😀"})
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    done = in_a_process("check", file, **ascii_only)
    assert done.returncode == 0, done.stderr
    assert rb"sch\xf6nes" in done.stdout
    assert done.stdout.isascii()
    failed = in_a_process("check", file.with_name("é.yaml"), **ascii_only)
    assert failed.returncode == 2
    assert rb"\xe9.yaml: no such file" in failed.stderr


def test_json_is_json_in_every_encoding(tmp_path, edit_profile):
    file = edit_profile(QUICK, tmp_path / "mine.yaml", {"outputs": "é😀"})
    for encoding in ("ascii", "utf-8"):
        done = in_a_process("check", file, "--json", PYTHONIOENCODING=encoding)
        assert json.loads(done.stdout)["outputs"] == str(tmp_path / "é😀" / "quick")


def test_no_text_acts_on_the_terminal(profile, capsys):
    file = profile({"description": "a \x1b[31mred\x07 thing :smile:"})
    result = xlt("check", file)
    assert "a \\x1b[31mred\\x07 thing :smile:" in result.output
    result = xlt("check", file.with_name("\x1b[2J.yaml"))
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    print_table("\x1b[1m", pd.DataFrame({"\x1b[2m": ["\x1b[3m\x9b"]}))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x9b" not in printed


@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["--help"]])
def test_a_reader_that_has_gone_ends_the_command_quietly(profile, command):
    reading, writing = os.pipe()
    os.close(reading)
    files = [profile()] if "check" in command else []
    done = subprocess.run(
        [sys.executable, "-c", XLT, *map(str, command + files)],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE)


ENDED = """
import pathlib, sys, time
from xltlib.artifacts import write_with
from xltlib.cli.terminal import prepare
prepare()
write_with(pathlib.Path(sys.argv[1]), lambda path: (print("begun", flush=True), time.sleep(60)))
"""


def test_a_command_that_is_ended_removes_its_temporary_file(tmp_path):
    command = [sys.executable, "-c", ENDED, tmp_path / "file.json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout.readline() == b"begun\n"
    process.terminate()
    _, said = process.communicate()
    assert (process.returncode, said) == (128 + signal.SIGTERM, b"")
    assert list(tmp_path.iterdir()) == []
