"""One training run: steps as planned, and a killed run ends as an uninterrupted one."""

import json
import shutil

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, set_seed

from xltlib.artifacts import InputError
from xltlib.params import EncoderSettings, Optimisation, SpanQASettings, StoppingSettings
from xltlib.tasks.kind import lengths
from xltlib.tasks.span_qa import pad_spans, training_rows
from xltlib.tasks.windows import featurize
from xltlib.training.checkpoints import last_checkpoint
from xltlib.training.multitask import load_pretrained
from xltlib.training.plan import Batching, copies_plan
from xltlib.training.robust import RobustTraining
from xltlib.training.robust.adv import Adversarial
from xltlib.training.robust.rs_rp import RandomPerturbation
from xltlib.training.run import train

CONTEXTS = [f"number {i} is {'abcdefgh'[i % 8] * 3} today" for i in range(16)]
FAST = Optimisation(learning_rate=5e-3, batch_size=4)


class Killed(Exception):
    """Stands for a kill: nothing after it runs."""


@pytest.fixture
def batches(tiny_tokenizer):
    settings = SpanQASettings(max_length=64, doc_stride=16, max_query_length=16)
    answers = [{"text": [c.split()[3]], "answer_start": [c.index(c.split()[3])]} for c in CONTEXTS]
    features = featurize(tiny_tokenizer, ["which?"] * 16, CONTEXTS, settings)
    rows = training_rows(features, answers)
    plan = copies_plan(lambda copy: lengths(rows), 1, 12, Batching(4), seed=1)
    return [[rows[i] for i in batch] for _, batch in plan]


def run(
    tiny_encoder,
    tiny_tokenizer,
    batches,
    folder,
    kill_at=None,
    robust=None,
    dev_score=None,
    **changes,
):
    set_seed(7)
    options = FAST.model_copy(update=changes)
    model = load_pretrained(
        AutoModelForQuestionAnswering,
        tiny_encoder,
        EncoderSettings(),
        frozen_layers=options.frozen_layers,
    )
    seen = 0

    def killing(batch):
        nonlocal seen
        seen += 1
        if kill_at is not None and seen > kill_at:
            raise Killed
        return pad_spans(tiny_tokenizer, batch)

    log = train(
        model,
        batches,
        killing,
        options,
        seed=7,
        checkpoints=folder,
        robust=robust,
        dev_score=dev_score,
        progress=False,
    )
    return model, log


def test_training_takes_the_planned_steps_and_learns(
    tiny_encoder, tiny_tokenizer, batches, tmp_path
):
    _, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "c")
    assert log.steps == len(batches) == 12
    assert log.losses[-1]["loss"] < log.losses[0]["loss"]
    assert not (tmp_path / "c").exists()


def test_the_same_seed_trains_the_same_model(tiny_encoder, tiny_tokenizer, batches, tmp_path):
    first, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a")
    second, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b")
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, second.state_dict()[name]), name


def test_without_dropout_a_model_trains_as_one_that_has_none(
    tiny_encoder, tiny_tokenizer, batches, tmp_path
):
    own, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a")
    without, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", dropout=0.0)
    copied = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, copied)
    config = json.loads((copied / "config.json").read_text("utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (copied / "config.json").write_text(json.dumps(config), "utf-8")
    none, _ = run(copied, tiny_tokenizer, batches, tmp_path / "c")
    head = "qa_outputs.weight"
    assert torch.equal(without.state_dict()[head], none.state_dict()[head])
    assert not torch.equal(without.state_dict()[head], own.state_dict()[head])


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize(
    "method",
    [None, Adversarial(radius=0.2, step_size=0.2), RandomPerturbation(radius=0.2, draws=2)],
)
def test_frozen_layers_keep_their_weights_and_the_others_train(
    tiny_encoder, tiny_tokenizer, batches, tmp_path, method, precision
):
    robust = method and RobustTraining(method, tiny_tokenizer.all_special_ids)
    options = {"robust": robust, "precision": precision, "frozen_layers": 1}
    model, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a", **options)
    set_seed(7)
    start = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).state_dict()
    kept = {name for name, now in model.state_dict().items() if torch.equal(now, start[name])}
    below = ("bert.embeddings.", "bert.encoder.layer.0.")
    assert {name for name in start if name.startswith(below)} <= kept
    assert "bert.encoder.layer.1.output.dense.weight" not in kept
    assert "qa_outputs.weight" not in kept


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_killed_run_resumes_and_ends_as_an_uninterrupted_one(
    tiny_encoder, tiny_tokenizer, batches, tmp_path, precision
):
    options = {"save_every_steps": 3, "precision": precision}
    whole, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a", **options)
    assert log.numerics["precision"] == precision
    assert whole.dtype == torch.float32
    with pytest.raises(Killed):
        run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", kill_at=8, **options)
    made = tmp_path / "b" / f"cpu-{precision}-float32"
    assert last_checkpoint(made).endswith("checkpoint-6")
    # A checkpoint that was being written when the kill came is passed over.
    (made / "checkpoint-9").mkdir()
    (made / "checkpoint-9" / "trainer_state.json").write_text('{"global_step": 9}')
    resumed, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", **options)
    assert log.steps == 12
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "model.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "lost"])
def test_a_damaged_checkpoint_is_passed_over(
    tiny_encoder, tiny_tokenizer, batches, tmp_path, name, damage
):
    whole, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a", save_every_steps=3)
    with pytest.raises(Killed):
        run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", kill_at=8, save_every_steps=3)
    made = tmp_path / "b" / "cpu-float32-float32"
    newest = made / "checkpoint-6"
    if damage == "cut":
        (newest / name).write_bytes((newest / name).read_bytes()[:100])
    else:
        (newest / name).unlink()
    assert last_checkpoint(made).endswith("checkpoint-3")
    resumed, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", save_every_steps=3)
    assert log.steps == 12
    for tensor, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[tensor]), tensor


def test_a_checkpoint_of_other_numerics_is_not_continued(
    tiny_encoder, tiny_tokenizer, batches, tmp_path
):
    whole, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a", precision="bf16")
    options = {"save_every_steps": 3}
    with pytest.raises(Killed):
        run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", kill_at=8, **options)
    again, _ = run(
        tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", precision="bf16", **options
    )
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name
    assert not (tmp_path / "b").exists()


def test_gradient_accumulation_divides_the_steps(tiny_encoder, tiny_tokenizer, batches, tmp_path):
    _, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "c", gradient_accumulation=4)
    assert log.steps == 3


@pytest.mark.parametrize(
    "method", [Adversarial(radius=0.2, step_size=0.2), RandomPerturbation(radius=0.2, draws=2)]
)
def test_a_killed_robust_run_draws_the_same_noise_when_it_resumes(
    tiny_encoder, tiny_tokenizer, batches, tmp_path, method
):
    robust = RobustTraining(method, tiny_tokenizer.all_special_ids)
    options = {"robust": robust, "save_every_steps": 3}
    whole, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "a", **options)
    with pytest.raises(Killed):
        run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", kill_at=8, **options)
    resumed, _ = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", **options)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


class Falling:
    """A dev score that is best at its second call; it keeps the weights that it saw then."""

    def __init__(self, *scores):
        self.scores, self.seen = list(scores), []

    def __call__(self, model):
        self.seen.append({name: w.clone() for name, w in model.state_dict().items()})
        return self.scores[len(self.seen) - 1]


def test_stopping_ends_without_progress_and_keeps_the_best_weights(
    tiny_encoder, tiny_tokenizer, batches, tmp_path
):
    score = Falling(10.0, 30.0, 20.0, 20.0, 90.0)
    stopping = StoppingSettings(every_steps=2, patience=2)
    options = {"dev_score": score, "stopping": stopping}
    model, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "c", **options)
    assert log.steps == 8
    assert log.best_step == 4
    assert [point["score"] for point in log.dev_scores] == [10, 30, 20, 20]
    for name, weights in score.seen[1].items():
        assert torch.equal(weights, model.state_dict()[name]), name
    assert not (tmp_path / "c").exists()


def test_a_resumed_run_stops_where_an_uninterrupted_one_does(
    tiny_encoder, tiny_tokenizer, batches, tmp_path
):
    scores = (50.0, 60.0, 40.0, 41.0, 42.0, 70.0)
    stopping = StoppingSettings(every_steps=2, patience=3)
    whole, log = run(
        tiny_encoder,
        tiny_tokenizer,
        batches,
        tmp_path / "a",
        dev_score=Falling(*scores),
        stopping=stopping,
    )
    assert (log.steps, log.best_step) == (10, 4)
    options = {"stopping": stopping}
    first = {"dev_score": Falling(*scores), "kill_at": 9}
    with pytest.raises(Killed):
        run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", **options, **first)
    rest = Falling(*scores[4:])
    resumed, log = run(
        tiny_encoder, tiny_tokenizer, batches, tmp_path / "b", **options, dev_score=rest
    )
    assert (log.steps, log.best_step) == (10, 4)
    for tensor, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[tensor]), tensor


def test_without_patience_all_steps_are_taken_and_the_best_weights_kept(
    tiny_encoder, tiny_tokenizer, batches, tmp_path
):
    score = Falling(10.0, 30.0, 20.0, 20.0)
    options = {"dev_score": score, "stopping": StoppingSettings(every_steps=3)}
    model, log = run(tiny_encoder, tiny_tokenizer, batches, tmp_path / "c", **options)
    assert (log.steps, log.best_step) == (12, 6)
    assert all(torch.equal(w, model.state_dict()[n]) for n, w in score.seen[1].items())


def test_stopping_without_a_dev_set_is_refused(tiny_encoder, tiny_tokenizer, batches, tmp_path):
    with pytest.raises(InputError, match="needs an English dev set"):
        run(
            tiny_encoder,
            tiny_tokenizer,
            batches,
            tmp_path / "c",
            stopping=StoppingSettings(every_steps=3),
        )
