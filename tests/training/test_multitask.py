"""One encoder, several heads: each batch trains its own head and the shared encoder."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForQuestionAnswering, set_seed

from xltlib.artifacts import InputError
from xltlib.params import EncoderSettings
from xltlib.tasks.classification import Classification
from xltlib.tasks.tagging import Tagging
from xltlib.training.multitask import MultiTaskModel, load_pretrained

NLI = Classification(("entailment", "neutral", "contradiction"), 64)
TAGS = Tagging(("O", "B-CITY", "I-CITY"), 64)
PAIRS = Dataset.from_dict(
    {"sentence1": ["it rains", "it is dry"], "sentence2": ["wet", "wet"], "label": [0, 2]}
)
SENTENCES = Dataset.from_dict(
    {"tokens": [["in", "New", "York"], ["no"]], "tags": [["O", "B-CITY", "I-CITY"], ["O"]]}
)


@pytest.fixture
def model(tiny_encoder):
    set_seed(3)
    encoder = load_pretrained(AutoModel, tiny_encoder, EncoderSettings())
    return MultiTaskModel(encoder, {"nli": NLI, "tagging": TAGS})


def batch(kind, tokenizer, dataset):
    return kind.collate(tokenizer, kind.rows(tokenizer, dataset))


def test_a_batch_trains_its_own_head_and_the_encoder_only(model, tiny_tokenizer):
    model("nli", **batch(NLI, tiny_tokenizer, PAIRS))["loss"].backward()
    assert all(p.grad is None for p in model.heads["tagging"].parameters())
    assert all(p.grad is not None for p in model.heads["nli"].parameters())
    assert model.encoder.get_input_embeddings().weight.grad.abs().sum() > 0


def test_padding_changes_no_answer(model, tiny_tokenizer):
    model.eval()
    with torch.inference_mode():
        for name, kind, data in (("nli", NLI, PAIRS), ("tagging", TAGS, SENTENCES)):
            together = model(name, **batch(kind, tiny_tokenizer, data))["logits"]
            for i in range(len(data)):
                alone = model(name, **batch(kind, tiny_tokenizer, data.select([i])))["logits"][0]
                torch.testing.assert_close(together[i][: len(alone)], alone)


def test_logits_come_in_the_order_of_the_rows_whatever_the_batches(model, tiny_tokenizer):
    data = Dataset.from_dict(
        {"sentence1": ["a" * n for n in (3, 30, 9, 20)], "sentence2": ["b"] * 4, "label": [0] * 4}
    )
    rows = NLI.rows(tiny_tokenizer, data)
    batched = model.logits("nli", tiny_tokenizer, rows, batch_size=3)
    alone = [model.logits("nli", tiny_tokenizer, [row])[0] for row in rows]
    np.testing.assert_allclose(batched, alone, atol=1e-5)


def test_scoring_leaves_a_model_in_training_as_it_was(model, tiny_tokenizer):
    model.train()
    scores = model.score("nli", tiny_tokenizer, PAIRS, batch_size=1)
    assert scores["accuracy"] in (0.0, 50.0, 100.0)
    assert set(model.score("tagging", tiny_tokenizer, SENTENCES)) == {"f1", "accuracy"}
    assert model.training


def test_a_saved_model_answers_as_before_and_other_heads_are_refused(
    model, tiny_tokenizer, tmp_path
):
    model.save(tmp_path)
    tiny_tokenizer.save_pretrained(tmp_path)
    again = MultiTaskModel.load(tmp_path, model.tasks)
    rows = NLI.rows(tiny_tokenizer, PAIRS)
    before, after = (m.logits("nli", tiny_tokenizer, rows) for m in (model, again))
    np.testing.assert_array_equal(before, after)
    AutoModel.from_pretrained(tmp_path)  # the encoder alone is an ordinary one
    with pytest.raises(InputError, match=r"heads\.safetensors: not the heads of other"):
        MultiTaskModel.load(tmp_path, {"other": NLI})


def test_frozen_word_embeddings_get_no_gradient(tiny_encoder, tiny_tokenizer):
    settings = EncoderSettings(freeze_word_embeddings=True, attention_dropout=0.0)
    model = MultiTaskModel(load_pretrained(AutoModel, tiny_encoder, settings), {"nli": NLI})
    model("nli", **batch(NLI, tiny_tokenizer, PAIRS))["loss"].backward()
    assert model.encoder.get_input_embeddings().weight.grad is None
    assert model.encoder.config.attention_probs_dropout_prob == 0.0


@pytest.mark.parametrize("frozen", [None, 1, 2])
def test_embeddings_and_first_layers_can_be_frozen(tiny_encoder, tiny_tokenizer, frozen):
    encoder = load_pretrained(AutoModel, tiny_encoder, EncoderSettings(), frozen_layers=frozen)
    model = MultiTaskModel(encoder, {"nli": NLI})
    model("nli", **batch(NLI, tiny_tokenizer, PAIRS))["loss"].backward()
    trained = {name for name, weight in encoder.named_parameters() if weight.grad is not None}
    assert len(encoder.encoder.layer) == 2
    for part, trains in [
        ("embeddings.word_embeddings", frozen is None),
        ("embeddings.LayerNorm", frozen is None),
        ("encoder.layer.0.", frozen is None),
        ("encoder.layer.1.", frozen != 2),
    ]:
        assert any(name.startswith(part) for name in trained) == trains, part


def test_damaged_weights_name_the_folder(tiny_encoder, tmp_path):
    for path in tiny_encoder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(InputError, match=r"model\.safetensors: not complete .*Copy or download"):
        load_pretrained(AutoModel, tmp_path, EncoderSettings())


@pytest.mark.parametrize("auto_class", [AutoModel, AutoModelForQuestionAnswering])
def test_weights_that_lack_a_layer_are_refused_instead_of_made_up(
    tiny_encoder, tmp_path, auto_class
):
    for path in tiny_encoder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    state = load_file(tmp_path / "model.safetensors")
    del state["encoder.layer.1.output.dense.weight"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"the weights lack 1 tensor, e\.g\. .*layer\.1"):
        load_pretrained(auto_class, tmp_path, EncoderSettings())
    load_pretrained(auto_class, tiny_encoder, EncoderSettings())
