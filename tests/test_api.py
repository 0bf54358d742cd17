"""What `import xltlib` offers: each name leads to the function that does the work."""

import json
from pathlib import Path

import pytest

import xltlib
from xltlib.artifacts import InputError
from xltlib.attacks.api import attack
from xltlib.cli import app
from xltlib.evaluation import span_qa
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import load
from xltlib.study import saved

QUICK = Path(__file__).parent.parent / "params" / "quick.yaml"
CONTEXT = "The sky is red."
QUESTIONS = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "1",
                            "question": "Which?",
                            "answers": [{"text": "red", "answer_start": 11}],
                        },
                        {"id": "2", "question": "Who?", "answers": []},
                    ],
                }
            ]
        }
    ]
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(QUESTIONS))
    return path


def test_the_names_are_the_functions_that_do_the_work():
    assert xltlib.attack is attack
    assert xltlib.evaluate is span_qa.evaluate
    assert xltlib.load_params is load
    assert xltlib.load_results is saved.load_results
    assert set(xltlib.__all__) <= set(dir(xltlib))
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = xltlib.no_such_name


def test_evaluate_returns_what_the_command_prints(tiny_model, file):
    from typer.testing import CliRunner

    found = xltlib.evaluate(tiny_model, file)
    assert (found["n"], found["unanswerable_left_out"], found["metric"]) == (1, 1, "squad")
    printed = CliRunner().invoke(
        app, ["evaluate", "--model", str(tiny_model), "--data", str(file), "--json"]
    )
    assert json.loads(printed.stdout) == found


def test_evaluate_takes_a_predictor_and_scores_its_answer(tiny_model, file):
    predictor = SpanPredictor.load(tiny_model)
    (prediction,) = predictor.predict(["Which?"], [CONTEXT])
    found = xltlib.evaluate(predictor, file)
    assert found["em"] == 100.0 * (prediction.text == "red")
    assert found["model"] == "SpanPredictor"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"metric": "bleu"}, "squad mlqa"), ({"language": "xx"}, "xx")],
)
def test_evaluate_refuses_what_it_does_not_know(tiny_model, file, options, message):
    with pytest.raises(InputError, match=message):
        xltlib.evaluate(tiny_model, file, **options)


def test_attack_attacks(tiny_model, file):
    def first_word(questions, contexts):
        return [(context.split()[-1], 0.9) for context in contexts]

    done = xltlib.attack(first_word, file, "typo", language="en", max_queries=4, progress=False)
    assert len(done.results) == 1


def test_load_params_reads_a_file(tmp_path):
    with pytest.raises(InputError, match="absent"):
        xltlib.load_params(tmp_path / "absent.yaml")
    assert xltlib.load_params(QUICK).profile == "quick"


def test_load_results_names_what_is_not_done(tmp_path, edit_profile):
    own = {"outputs": "outputs", "cache": "cache"}
    unfinished = edit_profile(QUICK, tmp_path / "mine.yaml", own)
    with pytest.raises(InputError, match="06_results/me5-small has not finished"):
        xltlib.load_results(unfinished)
