"""One encoder, several heads: each batch trains its own head and the shared encoder."""

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForQuestionAnswering, set_seed

from xltlib.artifacts import InputError
from xltlib.params import EncoderSettings
from xltlib.tasks.classification import SequenceClassification
from xltlib.tasks.tagging import Tagging
from xltlib.training.multitask import MultiTaskModel, load_pretrained

NLI = SequenceClassification()
TAGS = Tagging(("O", "B-CITY", "I-CITY"))
PAIRS = Dataset.from_dict(
    {"premise": ["it rains", "it is dry"], "hypothesis": ["wet", "wet"], "label": [0, 2]}
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
    return kind.collate(tokenizer, kind.rows(tokenizer, dataset, 64))


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


def test_evaluate_scores_what_it_should(model, tiny_tokenizer):
    scores = model.evaluate("nli", NLI, tiny_tokenizer, PAIRS, 64, batch_size=1)
    assert scores["accuracy"] in (0.0, 50.0, 100.0)
    scores = model.evaluate("tagging", TAGS, tiny_tokenizer, SENTENCES, 64)
    assert set(scores) == {"accuracy", "entity_f1"}


def test_frozen_word_embeddings_get_no_gradient(tiny_encoder, tiny_tokenizer):
    settings = EncoderSettings(freeze_word_embeddings=True, attention_dropout=0.0)
    model = MultiTaskModel(load_pretrained(AutoModel, tiny_encoder, settings), {"nli": NLI})
    model("nli", **batch(NLI, tiny_tokenizer, PAIRS))["loss"].backward()
    assert model.encoder.get_input_embeddings().weight.grad is None
    assert model.encoder.config.attention_probs_dropout_prob == 0.0


def test_damaged_weights_name_the_folder(tiny_encoder, tmp_path):
    for path in tiny_encoder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(InputError, match="the encoder cannot be loaded"):
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
    with pytest.raises(InputError, match=r"the weights lack 1 tensors, e\.g\. .*layer\.1"):
        load_pretrained(auto_class, tmp_path, EncoderSettings())
    load_pretrained(auto_class, tiny_encoder, EncoderSettings())
