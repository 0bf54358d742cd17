"""The parts of models of many architectures."""

import pytest
from transformers import (
    AlbertConfig,
    AutoModel,
    AutoModelForQuestionAnswering,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    RobertaConfig,
    XLMConfig,
)

from xltlib.artifacts import InputError
from xltlib.encoders.parts import first_layers

SMALL = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 40}
SMALL |= {"intermediate_size": 8, "pad_token_id": 0}
CONFIGS = {
    "DeBERTa": DebertaV2Config(**SMALL, relative_attention=True, pos_att_type=["p2c"]),
    "DistilBERT": DistilBertConfig(vocab_size=40, dim=8, hidden_dim=8, n_layers=3, n_heads=2),
    "ELECTRA": ElectraConfig(**SMALL, embedding_size=4),
    "ModernBERT": ModernBertConfig(**SMALL, bos_token_id=1, eos_token_id=2, cls_token_id=1),
    "RoBERTa": RobertaConfig(**SMALL),
    "XLM": XLMConfig(vocab_size=40, emb_dim=8, n_layers=3, n_heads=2, max_position_embeddings=16),
}


def layer_of(name):
    """The number of the layer that a weight is in, from its name; None if in no layer."""
    numbers = [int(part) for part in name.split(".") if part.isdigit()]
    return numbers[0] if numbers else None


@pytest.mark.parametrize("architecture", CONFIGS)
@pytest.mark.parametrize("auto_class", [AutoModel, AutoModelForQuestionAnswering])
def test_the_first_layers_are_those_below_the_rest(architecture, auto_class):
    model = auto_class.from_config(CONFIGS[architecture])
    chosen = {id(weight) for weight in first_layers(model, 2)}
    encoder = model.base_model
    layers = {layer_of(n): set() for n, _ in encoder.named_parameters()}
    for name, weight in encoder.named_parameters():
        layers[layer_of(name)].add(id(weight) in chosen)
    assert (layers[0], layers[1], layers[2]) == ({True}, {True}, {False})
    assert id(encoder.get_input_embeddings().weight) in chosen
    head = {id(w) for w in model.parameters()} - {id(w) for w in encoder.parameters()}
    assert not head & chosen


def test_layers_that_are_not_there_are_refused():
    model = AutoModel.from_config(CONFIGS["RoBERTa"])
    with pytest.raises(InputError, match=r"frozen_layers: 4, but this roberta has 3 layers"):
        first_layers(model, 4)
    shared = AutoModel.from_config(AlbertConfig(**SMALL, embedding_size=4))
    with pytest.raises(InputError, match=r"this albert have no weights of their own; leave it out"):
        first_layers(shared, 1)
