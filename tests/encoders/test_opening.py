"""Any model is opened whole, in float32, with its own tokenizer, or refused by name."""

import json
import os
import shutil
from codecs import BOM_UTF8
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    PreTrainedTokenizerFast,
    set_seed,
)

from tests import tiny_tokenizers
from xltlib.artifacts import InputError
from xltlib.encoders import encoder_folder
from xltlib.encoders.device import usable_device
from xltlib.encoders.loading_report import MissingHeadError
from xltlib.encoders.opening import max_tokens, open_model, open_tokenizer
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.params import SpanQASettings

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 128,
}
# Architecture -> its tokenizer, its settings beside SMALL, and the tokens that it can read.
ARCHITECTURES = {
    "Bert": ("wordpiece", {}, 128),
    "XLMRoberta": ("unigram", {"max_position_embeddings": 130, "type_vocab_size": 1}, 128),
    "Roberta": ("byte-level", {"max_position_embeddings": 130, "type_vocab_size": 1}, 128),
    "DistilBert": ("wordpiece", {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}, 128),
    "Albert": ("wordpiece", {"embedding_size": 8}, 128),
    "DebertaV2": (
        "unigram",
        {
            "relative_attention": True,
            "position_biased_input": False,
            "pos_att_type": ["p2c", "c2p"],
            "type_vocab_size": 0,
        },
        128,
    ),
    "Electra": ("wordpiece", {"embedding_size": 8}, 128),
    "ModernBert": (
        "byte-level",
        {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0}
        | {"sep_token_id": 2},
        128,
    ),
    "MPNet": ("byte-level", {"max_position_embeddings": 130}, 128),
    "IBert": ("byte-level", {"max_position_embeddings": 130, "type_vocab_size": 1}, 128),
    "MT5": (
        "unigram",
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
        128,
    ),
}


def build(folder: Path, name: str, head: str = "ForQuestionAnswering") -> Path:
    """A folder with a tiny model of an architecture, its weights random, and its tokenizer."""
    kind, settings, _ = ARCHITECTURES[name]
    tokenizer = tiny_tokenizers.KINDS[kind]()
    config = getattr(transformers, f"{name}Config")(
        **(SMALL | settings | {"vocab_size": len(tokenizer), "initializer_range": 0.5})
    )
    set_seed(0)
    getattr(transformers, f"{name}{head}")(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return build(tmp_path_factory.mktemp("bert"), "Bert")


@pytest.fixture
def copy(bert, tmp_path):
    """A copy of the folder, to be damaged."""
    return Path(shutil.copytree(bert, tmp_path / "model"))


def edit_json(path: Path, **changes: object) -> None:
    value = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(value))


def edit_weights(folder: Path, edit) -> None:
    state = load_file(folder / "model.safetensors")
    save_file(edit(state), folder / "model.safetensors", metadata={"format": "pt"})


def without(*parts: str):
    return lambda state: {n: t for n, t in state.items() if not any(p in n for p in parts)}


def refused(folder: Path, message: str, **options: object) -> None:
    """The folder's model does not answer."""
    with pytest.raises(InputError, match=message):
        SpanPredictor.load(folder, **options)


QUESTIONS = ["Where is it?", "Who?"]
CONTEXTS = ["It is in the old town near the river. " * 2, "Ann."]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_answers_as_it_does_alone(name, tmp_path):
    folder = build(tmp_path, name)
    predictor = SpanPredictor.load(folder)
    together = predictor.predict(QUESTIONS, CONTEXTS)
    for question, context, answer in zip(QUESTIONS, CONTEXTS, together, strict=True):
        (alone,) = SpanPredictor.load(folder, batch_size=1).predict([question], [context])
        assert alone.text == answer.text
        assert alone.probability == pytest.approx(answer.probability, rel=1e-3)
    assert max_tokens(predictor.model) == ARCHITECTURES[name][2]
    assert predictor.settings.max_length == ARCHITECTURES[name][2]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_encoder_without_a_head_is_refused_and_can_be_trained(name, tmp_path):
    folder = build(tmp_path, name, "Model")
    with pytest.raises(MissingHeadError, match="an encoder without a span-QA head"):
        SpanPredictor.load(folder)
    model = open_model(AutoModelForQuestionAnswering, folder, new_head=True)
    assert model.config.num_labels == 2


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_lost_layers_are_named_in_every_architecture(name, tmp_path):
    folder = build(tmp_path, name)
    lost = next(n for n in load_file(folder / "model.safetensors") if "ayer" in n)
    edit_weights(folder, without(lost))
    for auto_class, new_head in (
        (AutoModelForQuestionAnswering, False),
        (AutoModelForQuestionAnswering, True),
        (AutoModel, False),
    ):
        with pytest.raises(InputError, match=r"the weights lack 1 tensor, e\.g\. .*ayer"):
            open_model(auto_class, folder, new_head=new_head)


@pytest.mark.parametrize("name", ["Bert", "XLMRoberta", "ModernBert", "DebertaV2"])
def test_what_pretraining_leaves_does_not_stop_training(name, tmp_path):
    folder = build(tmp_path, name, "ForMaskedLM")
    open_model(AutoModel, folder)
    open_model(AutoModelForQuestionAnswering, folder, new_head=True)
    open_model(AutoModelForMaskedLM, folder)


def test_bigbird_is_refused(tmp_path):
    tokenizer = tiny_tokenizers.wordpiece()
    config = transformers.BigBirdConfig(**SMALL, vocab_size=len(tokenizer))
    transformers.BigBirdForQuestionAnswering(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    refused(tmp_path, "BigBird reads whole blocks")


@pytest.mark.parametrize("name", ["GPT2", "Llama"])
def test_a_tokenizer_without_a_padding_token_pads_with_its_end_of_text(name, tmp_path):
    tokenizer = tiny_tokenizers.byte_level()
    bare = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="</s>", unk_token="<unk>"
    )
    config = getattr(transformers, f"{name}Config")(
        **SMALL, vocab_size=len(bare), bos_token_id=0, eos_token_id=2
    )
    set_seed(0)
    getattr(transformers, f"{name}ForQuestionAnswering")(config).save_pretrained(tmp_path)
    bare.save_pretrained(tmp_path)
    together = SpanPredictor.load(tmp_path).predict(QUESTIONS, CONTEXTS)
    alone = [
        SpanPredictor.load(tmp_path, batch_size=1).predict([q], [c])[0]
        for q, c in zip(QUESTIONS, CONTEXTS, strict=True)
    ]
    assert [a.text for a in together] == [a.text for a in alone]


@pytest.mark.parametrize("auto_class", [AutoModel, AutoModelForQuestionAnswering])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_compute_in_float32(copy, dtype, auto_class):
    edit_weights(copy, lambda state: {n: t.to(dtype) for n, t in state.items()})
    edit_json(copy / "config.json", dtype=str(dtype).removeprefix("torch."))
    model = open_model(auto_class, copy)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_left_padding_changes_no_answer(bert, copy):
    edit_json(copy / "tokenizer_config.json", padding_side="left", truncation_side="left")
    assert SpanPredictor.load(copy).predict(QUESTIONS, CONTEXTS) == SpanPredictor.load(
        bert
    ).predict(QUESTIONS, CONTEXTS)


def test_padding_saved_with_the_tokenizer_changes_no_answer(bert, copy):
    tokenizer = open_tokenizer(bert)
    tokenizer.backend_tokenizer.enable_truncation(8)
    tokenizer.backend_tokenizer.enable_padding(length=8, direction="left")
    tokenizer.backend_tokenizer.save(str(copy / "tokenizer.json"))
    assert SpanPredictor.load(copy).predict(QUESTIONS, CONTEXTS) == SpanPredictor.load(
        bert
    ).predict(QUESTIONS, CONTEXTS)


def test_token_types_beyond_the_models_are_left_out(tmp_path):
    folder = build(tmp_path, "Roberta")
    edit_json(folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids"])
    tokenizer = open_tokenizer(folder)
    assert tokenizer.model_input_names == ["input_ids", "attention_mask"]
    assert SpanPredictor.load(folder).predict(QUESTIONS, CONTEXTS)


def test_tokenizer_json_decides_whatever_transformers_would_rebuild(bert, copy, tmp_path):
    """BERT's class would lower-case, and DeBERTa's would drop the normalizer and the separators."""
    edit_json(copy / "tokenizer_config.json", tokenizer_class="BertTokenizer")
    assert SpanPredictor.load(copy).predict(QUESTIONS, CONTEXTS) == SpanPredictor.load(
        bert
    ).predict(QUESTIONS, CONTEXTS)
    deberta = build(tmp_path / "deberta", "DebertaV2")
    texts = ("Ｗｈｅｒｅ ½?", "Ann\u00a0at ﬁve.")
    core = json.loads((deberta / "tokenizer.json").read_text())
    core["normalizer"] = {"type": "NFKC"}
    (deberta / "tokenizer.json").write_text(json.dumps(core))
    wanted = PreTrainedTokenizerFast(tokenizer_file=str(deberta / "tokenizer.json"))
    edit_json(deberta / "tokenizer_config.json", tokenizer_class="DebertaV2Tokenizer")
    assert open_tokenizer(deberta)(*texts)["input_ids"] == wanted(*texts)["input_ids"]


def test_stated_lower_case_has_priority_and_an_unstated_one_is_not_guessed(copy):
    def pieces(**stated: object) -> list[str]:
        edit_json(copy / "tokenizer_config.json", tokenizer_class="BertTokenizer", **stated)
        return open_tokenizer(copy).tokenize("Ann")

    assert pieces() == pieces(do_lower_case=False) == ["A", "##n", "##n"]
    assert pieces(do_lower_case=True) == ["a", "##n", "##n"]
    vocabulary = open_tokenizer(copy).get_vocab()
    (copy / "tokenizer.json").unlink()
    (copy / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)))
    assert pieces(do_lower_case=False) == ["A", "##n", "##n"]
    (copy / "tokenizer_config.json").unlink()
    refused(copy, r"tokenizer_config\.json: do_lower_case is not stated, so capitals would be lost")


DAMAGES = {
    "a layer lost": (
        lambda f: edit_weights(f, without("layer.1.")),
        r"the weights lack 16 tensors, e\.g\. bert\.encoder\.layer\.1",
    ),
    "no encoder": (lambda f: edit_weights(f, without("bert.")), "the weights lack 37 tensors"),
    "no head": (
        lambda f: edit_weights(f, without("qa_outputs")),
        r"without a span-QA head \(the weights lack 2 tensors, e\.g\. qa_outputs\.bias",
    ),
    "a layer too many": (
        lambda f: edit_json(f / "config.json", num_hidden_layers=1),
        r"no place for 16 tensors, e\.g\. bert\.encoder\.layer\.1",
    ),
    "another size": (
        lambda f: edit_json(f / "config.json", intermediate_size=64),
        r"\(32,\) in the weights but \(64,\) according to config\.json",
    ),
    "another architecture": (
        lambda f: edit_json(
            f / "config.json", model_type="roberta", architectures=["RobertaForQuestionAnswering"]
        ),
        "the weights lack",
    ),
    "an activation that is unknown": (
        lambda f: edit_json(f / "config.json", hidden_act="nosuch"),
        r"config\.json: transformers cannot build a model from it \(KeyError: 'nosuch'\)\. Correct",
    ),
    "no attention heads": (
        lambda f: edit_json(f / "config.json", num_attention_heads=0),
        r"config\.json: transformers cannot build a model from it .ZeroDivisionError",
    ),
    "heads that do not divide the width": (
        lambda f: edit_json(f / "config.json", num_attention_heads=3),
        r"config\.json: transformers cannot build a model .*multiple of the number of attention",
    ),
    "a negative size": (
        lambda f: edit_json(f / "config.json", vocab_size=-1),
        r"config\.json: transformers cannot build a model .*negative dimension",
    ),
    "three labels": (
        lambda f: edit_json(
            f / "config.json", id2label={str(i): str(i) for i in range(3)}, num_labels=3
        ),
        r"num_labels is 3; a span-QA head has 2",
    ),
    "NaN": (
        lambda f: edit_weights(
            f, lambda state: state | {"qa_outputs.bias": torch.tensor([0.0, float("nan")])}
        ),
        r"contain NaN or infinity, e\.g\. in qa_outputs\.bias",
    ),
    "int8": (
        lambda f: edit_weights(f, lambda state: {n: t.to(torch.int8) for n, t in state.items()}),
        "is I8, not floating-point",
    ),
    "int64": (
        lambda f: edit_weights(
            f, lambda state: state | {"qa_outputs.weight": torch.ones(2, 16, dtype=torch.int64)}
        ),
        "qa_outputs.weight is I64, not floating-point",
    ),
    "quantised": (
        lambda f: edit_json(f / "config.json", quantization_config={"quant_method": "gptq"}),
        "a quantised model",
    ),
    "no tokenizer": (
        lambda f: [p.unlink() for p in f.glob("tokenizer*")],
        "no tokenizer here",
    ),
    "only the tokenizer's config": (
        lambda f: (f / "tokenizer.json").unlink(),
        "no tokenizer here",
    ),
    "a damaged tokenizer": (
        lambda f: (f / "tokenizer.json").write_text('{"model": '),
        "the tokenizer cannot be loaded",
    ),
    "no config": (lambda f: (f / "config.json").unlink(), r"config\.json is missing"),
    "a damaged config": (
        lambda f: (f / "config.json").write_text('{"model_type": "bert"'),
        r"config\.json: not complete JSON",
    ),
    "a config nested without end": (
        lambda f: (f / "config.json").write_text("[" * 200_000),
        r"config\.json: JSON nested too deeply",
    ),
    "a config that is no text": (
        lambda f: (f / "config.json").write_bytes(b"\xff\xfe{\0}\0"),
        r"config\.json: is UTF-16",
    ),
    "a config that is a list": (
        lambda f: (f / "config.json").write_text("[]"),
        r"config\.json: not a JSON object",
    ),
    "an unknown architecture": (
        lambda f: edit_json(f / "config.json", model_type="no-such"),
        r"config\.json: not the config of a model that transformers knows",
    ),
    "code of its own": (
        lambda f: edit_json(
            f / "config.json",
            model_type="mine",
            auto_map={"AutoConfig": "mine.Config", "AutoModelForQuestionAnswering": "mine.Model"},
        ),
        "Models with custom code are not supported",
    ),
    "cut short": (
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes()[:-100]
        ),
        r"model\.safetensors: not complete safetensors weights \([\d,]+ bytes instead of",
    ),
    "cut in the header": (
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes()[:50]
        ),
        "the header is cut short",
    ),
    "empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "the header is cut short"),
    "a pointer": (
        lambda f: (f / "model.safetensors").write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
        ),
        r"model\.safetensors: a Git LFS pointer.*git lfs pull",
    ),
    "a tokenizer that is a pointer": (
        lambda f: (f / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\n"),
        r"tokenizer\.json: a Git LFS pointer",
    ),
    "a tokenizer that is a folder": (
        lambda f: ((f / "tokenizer.json").unlink(), (f / "tokenizer.json").mkdir()),
        "no tokenizer here",
    ),
    "weights that are a folder": (
        lambda f: ((f / "model.safetensors").unlink(), (f / "model.safetensors").mkdir()),
        r"no weights here \(model\.safetensors, or its shards and their index\)\.$",
    ),
    "a config with a byte order mark": (
        lambda f: (f / "config.json").write_bytes(BOM_UTF8 + (f / "config.json").read_bytes()),
        r"config\.json: begins with a byte order mark\. Save it as UTF-8 without one",
    ),
    "a tokenizer with a byte order mark": (
        lambda f: (f / "tokenizer.json").write_bytes(BOM_UTF8 + b"{}"),
        r"tokenizer\.json: begins with a byte order mark",
    ),
    "a number as text in the config": (
        lambda f: edit_json(f / "config.json", num_hidden_layers="2"),
        r"config\.json: not the config of a model.*num_hidden_layers.*expected int",
    ),
    "an adapter": (
        lambda f: (f / "adapter_config.json").write_text("{}"),
        "a PEFT adapter, not a whole model.*merge_and_unload",
    ),
}
OTHER_FORMATS = {
    "pytorch_model.bin": r"pickles, which can run code and are never opened",
    "model.gguf": "GGUF",
    "model.onnx": "ONNX",
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_by_name(copy, damage):
    do, message = DAMAGES[damage]
    do(copy)
    refused(copy, message)


@pytest.mark.parametrize("name", OTHER_FORMATS)
@pytest.mark.parametrize("content", [b"\x80\x02", b"version https://git-lfs.github.com/spec/v1\n"])
def test_weights_of_another_format_are_refused_unopened_by_every_user(copy, name, content):
    (copy / "model.safetensors").unlink()
    (copy / name).write_bytes(content)
    refused(copy, f"no weights here.*{OTHER_FORMATS[name]}")
    with pytest.raises(InputError, match=f"no weights here.*{OTHER_FORMATS[name]}"):
        encoder_folder(str(copy), cache=copy)


def test_a_file_is_no_folder(copy):
    refused(copy / "model.safetensors", "a file, not a model folder")


def test_a_tokenizer_with_more_ids_than_the_model_is_refused(copy):
    tokenizer = open_tokenizer(copy)
    tokenizer.add_tokens(["Malmo"])
    tokenizer.save_pretrained(copy)
    refused(copy, r"ids go up to \d+, but the model has \d+ word embeddings")


def test_a_tokenizer_with_less_than_half_of_the_models_ids_is_refused(tmp_path):
    tokenizer = tiny_tokenizers.wordpiece()
    config = transformers.BertConfig(**SMALL, vocab_size=3 * len(tokenizer))
    transformers.BertForQuestionAnswering(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    refused(
        tmp_path, "ids go up to 220, but the model has 663 word embeddings. They belong to diff"
    )


@pytest.mark.parametrize(("path", "problem"), [("a" * 300, "name too long"), ("loop", "links")])
def test_a_path_that_cannot_be_opened_is_refused(tmp_path, path, problem):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / path, problem)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
@pytest.mark.parametrize("name", ["", "config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_may_not_be_read_is_named(copy, name):
    (copy / name).chmod(0)
    try:
        refused(copy, f"{name}: cannot be read .Permission denied")
    finally:
        (copy / name).chmod(0o700)


def test_a_padding_token_of_another_model_is_refused(tmp_path):
    folder = build(tmp_path, "Roberta")
    tokenizer = open_tokenizer(folder)
    tokenizer.pad_token = "<unk>"
    tokenizer.save_pretrained(folder)
    refused(folder, "the padding token is 3 for the tokenizer and 1 for the model")


def test_shards_are_read_and_a_missing_one_is_named(bert, copy):
    model = open_model(AutoModelForQuestionAnswering, bert)
    (copy / "model.safetensors").unlink()
    model.save_pretrained(copy, max_shard_size="10KB")
    shards = sorted(copy.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert SpanPredictor.load(copy).predict(QUESTIONS, CONTEXTS) == SpanPredictor.load(
        bert
    ).predict(QUESTIONS, CONTEXTS)
    shards[0].unlink()
    refused(copy, f"it names files that are not in the folder: {shards[0].name}")


def test_windows_longer_than_the_positions_are_refused(bert):
    refused(bert, r"384 tokens, but .* reads 128 at most", settings=SpanQASettings())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "device cuda: PyTorch finds no CUDA GPU here"),
        ("cuda:7", "device cuda:7: PyTorch finds no CUDA GPU here"),
        ("gpu", "device gpu: not a PyTorch device"),
        ("mps", "device mps: not supported"),
    ],
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, name, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=message):
        usable_device(name)


def test_a_head_with_layers_that_the_architecture_lacks_is_refused(copy):
    edit_weights(copy, lambda state: state | {"qa_outputs_2.weight": torch.zeros(2, 16)})
    refused(copy, r"no place for 1 tensor, e\.g\. qa_outputs_2\.weight")


@pytest.mark.parametrize("longest", ["512", [5], -1, True])
def test_a_length_that_is_none_is_refused(copy, longest):
    edit_json(copy / "tokenizer_config.json", model_max_length=longest)
    refused(copy, r"tokenizer_config\.json: model_max_length is .*; it must be a number of tokens")


def test_an_index_without_metadata_is_named(copy):
    index = {"weight_map": {"a": "model-00001.safetensors"}}
    (copy / "model.safetensors").rename(copy / "model-00001.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(copy, r"index\.json: metadata is not an object\. Add")
