"""Encoders by name: what is refused, what is made once, and what trimming leaves alone."""

import json
import threading
import time

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertForMaskedLM,
    set_seed,
)

from xltlib import encoders
from xltlib.artifacts import InputError
from xltlib.attacks import identity
from xltlib.encoders import vocabulary
from xltlib.encoders.cache import made_once
from xltlib.encoders.opening import open_model

TEXTS = ["Where is Helsinki?", "Где столица?", "হয়েছে ঢাকা", "naïve ½ café"]


def states(folder, texts):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    with torch.inference_mode():
        return model(**tokenizer(texts, padding=True, return_tensors="pt")).last_hidden_state


def trimmed(encoder, cache, texts=TEXTS, extra=0):
    return encoders.encoder_folder(
        str(encoder), cache=cache, vocabulary_texts=texts, extra_pieces=extra
    )


def test_trimming_leaves_hidden_states_bit_identical(me5_small, tmp_path):
    folder = trimmed(me5_small, tmp_path)
    size = len(AutoTokenizer.from_pretrained(folder))
    assert size < 0.2 * len(AutoTokenizer.from_pretrained(me5_small))
    assert torch.equal(states(folder, TEXTS), states(me5_small, TEXTS))


def test_trimmed_special_tokens_and_padding_keep_their_places(tiny_encoder, tmp_path):
    folder = trimmed(tiny_encoder, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert AutoModel.from_pretrained(folder).config.pad_token_id == tokenizer.pad_token_id
    coded = tokenizer("ab", "c", padding="max_length", max_length=12)["input_ids"]
    shown = tokenizer.convert_ids_to_tokens(coded)
    assert shown[0] == "<s>"
    assert shown[-1] == "<pad>"
    assert shown.count("</s>") == 3


def test_unseen_text_does_not_turn_unknown_after_trimming(me5_small, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(trimmed(me5_small, tmp_path))
    for text in ("совсем другой текст", "తెలుగు భాష", "완전히 다른 글"):
        assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]


def test_the_same_texts_give_the_same_folder_and_others_another(me5_small, tmp_path):
    first = trimmed(me5_small, tmp_path)
    made = first.stat().st_mtime_ns
    assert trimmed(me5_small, tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert trimmed(me5_small, tmp_path, extra=500) != first


def test_another_tokenizer_kind_cannot_be_trimmed_and_says_so(tiny_encoder, tmp_path):
    folder = tmp_path / "wordpiece"
    folder.mkdir()
    for file in tiny_encoder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    core = json.loads((folder / "tokenizer.json").read_text())
    core["model"]["type"] = "WordPiece"
    (folder / "tokenizer.json").write_text(json.dumps(core))
    with pytest.raises(InputError, match=r"this one is WordPiece\. Set trim_vocabulary: false"):
        trimmed(folder, tmp_path)
    (folder / "tokenizer.json").unlink()
    (folder / "sentencepiece.bpe.model").write_bytes(b"")
    with pytest.raises(InputError, match=r"needs tokenizer\.json, which is missing"):
        trimmed(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/no/such/model", "no such model folder"),
        ("not a name!", "neither an existing folder nor me5-small, and not the name of a hub"),
        ("https://huggingface.co/x/y", "a web address; give the name alone, x/y"),
        ("", "'': no such model"),
        ("x..y", "not the name of a hub repository"),
        ("a\0b", "not the name of a hub repository"),
        ("x" * 300, "not the name of a hub repository"),
        ("x/y/z", r"path of a folder begins with \./"),
    ],
    ids=repr,
)
def test_what_is_not_an_encoder_is_explained(tmp_path, name, message):
    with pytest.raises(InputError, match=message):
        encoders.encoder_folder(name, cache=tmp_path)


def test_an_incomplete_folder_names_what_it_lacks(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"no weights here \(model.safetensors"):
        encoders.encoder_folder(str(tmp_path), cache=tmp_path)


def test_a_hub_encoder_without_a_network_fails_within_five_seconds(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    started = time.monotonic()
    with pytest.raises(
        InputError,
        match=r"not a folder here but may be on the hub: .*be reached.*its folder as the name",
    ):
        encoders.encoder_folder("FacebookAI/xlm-roberta-base", cache=tmp_path)
    assert time.monotonic() - started < 5


def test_a_failed_conversion_leaves_nothing_that_looks_finished(tmp_path):
    def half(folder):
        (folder / "config.json").write_text("{}")
        raise InputError("the disk is full")

    with pytest.raises(InputError, match="the disk is full"):
        made_once(tmp_path / "model", half)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    done = made_once(tmp_path / "model", lambda f: (f / "config.json").write_text("{}"))
    assert (done / "config.json").read_text() == "{}"


def test_two_that_want_the_same_folder_make_it_once(tmp_path):
    made = []

    def make(folder):
        time.sleep(0.2)
        made.append(folder)

    threads = [
        threading.Thread(target=made_once, args=(tmp_path / "model", make)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="Choose another `cache`"):
        made_once(tmp_path / "file" / "model", lambda folder: None)


def flip(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


DAMAGES = {
    "model.safetensors": flip,
    "tokenizer.json": lambda file: file.write_bytes(file.read_bytes()[:-20]),
    "config.json": lambda file: file.unlink(),
    ".digests.json": lambda file: file.write_text("{}"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_encoder_in_the_cache_is_made_again(tiny_encoder, tmp_path, name, capsys):
    folder = trimmed(tiny_encoder, tmp_path)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    known = identity.of_path(folder)
    assert trimmed(tiny_encoder, tmp_path) == folder
    assert capsys.readouterr().out == ""
    DAMAGES[name](folder / name)
    assert trimmed(tiny_encoder, tmp_path) == folder
    assert f"{name} " in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert identity.of_path(folder) == known


def test_a_damaged_encoder_that_cannot_be_made_again_is_refused_by_name(tmp_path):
    def gone(folder):
        raise InputError("encoder me5-small: its weights are in a package")

    folder = made_once(tmp_path / "me5-small", lambda f: (f / "config.json").write_text("{}"))
    flip(folder / "config.json")
    with pytest.raises(
        InputError, match=r"me5-small: config\.json was damaged.*cannot be made again.*a package"
    ):
        made_once(folder, gone)
    assert (folder / "config.json").exists()


def test_an_encoder_made_before_digests_were_kept_is_checked_from_then_on(tmp_path):
    folder = made_once(tmp_path / "model", lambda f: (f / "config.json").write_text("{}"))
    (folder / ".digests.json").unlink()
    made_once(folder, lambda f: pytest.fail("it is whole"))
    flip(folder / "config.json")
    made_once(folder, lambda f: (f / "config.json").write_text("[]"))
    assert (folder / "config.json").read_text() == "[]"


def test_trimming_keeps_the_head_that_predicts_pieces(tiny_encoder, tmp_path):
    set_seed(0)
    encoder = BertForMaskedLM(AutoConfig.from_pretrained(tiny_encoder))
    encoder.cls.predictions.bias.data.normal_()  # zeros would not show a wrong order
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    for part in (encoder, tokenizer):
        part.save_pretrained(tmp_path / "whole")
    keep = [*sorted(tokenizer.all_special_ids), *range(10, len(tokenizer), 2)]
    vocabulary.trim(tmp_path / "whole", keep, tmp_path / "trimmed")
    ids = {"whole": torch.tensor([keep[5:9]]), "trimmed": torch.tensor([[5, 6, 7, 8]])}
    logits = {}
    for name, texts in ids.items():
        model = open_model(AutoModelForMaskedLM, tmp_path / name)
        with torch.inference_mode():
            logits[name] = model(texts).logits
    assert logits["trimmed"].shape[-1] == len(keep)
    torch.testing.assert_close(logits["trimmed"], logits["whole"][..., keep])


def test_tokens_added_after_the_pieces_cannot_be_trimmed(tiny_masked_lm, tmp_path):
    with pytest.raises(
        InputError, match=r"tokens that were added after the pieces, e\.g\. '<mask>'"
    ):
        trimmed(tiny_masked_lm, tmp_path)
