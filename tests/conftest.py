"""Fixtures that several packages share: real samples, and a tiny model made on the spot."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def made_once_per_run(tmp_path_factory):
    """A function that makes a folder once, however many processes run the tests."""

    def made(name: str, make: Callable[[Path], None]) -> Path:
        base = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            base = base.parent
        folder, mark = base / name, base / f"{name}.made"
        with FileLock(base / f"{name}.lock"):
            if not mark.exists():
                folder.mkdir()
                make(folder)
                mark.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real samples beside the project; a test that needs them is skipped without them."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data samples are not here ({folder} is absent)")
    return folder


@pytest.fixture(scope="session")
def edit_profile():
    """A function that writes a params file like another, with values replaced at dotted keys."""

    def edit(source: Path, target: Path, edits: dict[str, object]) -> Path:
        raw = yaml.safe_load(source.read_text(encoding="utf-8"))
        for key, value in edits.items():
            *path, last = key.split(".")
            section = raw
            for part in path:
                section = section[part]
            section[last] = value
        if "claims" in raw:
            raw["claims"] = str((source.parent / raw["claims"]).resolve())
        target.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
        return target

    return edit


@pytest.fixture(scope="session")
def tiny_tokenizer():
    """A tokenizer of single characters of many scripts, shaped like XLM-R's."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ranges = ["!~", "À\u024f", "Ѐ\u04ff", "\u0600\u06ff", "\u0900\u097f", "\u0980\u09ff"]
    ranges += ["\u0c00\u0c7f", "\u0e00\u0e7f"]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁"]
    pieces += [chr(c) for first, last in ranges for c in range(ord(first), ord(last) + 1)]
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=512,
    )


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory, tiny_tokenizer) -> Path:
    """A folder with a two-layer encoder of random weights and the tiny tokenizer."""
    from transformers import BertConfig, BertModel, set_seed

    set_seed(0)
    config = BertConfig(
        vocab_size=len(tiny_tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        pad_token_id=1,
    )
    folder = tmp_path_factory.mktemp("tiny-encoder")
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory, tiny_encoder, tiny_tokenizer) -> Path:
    """A folder with a span-QA model of random weights."""
    from transformers import AutoModelForQuestionAnswering

    folder = tmp_path_factory.mktemp("model")
    AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_masked_lm(tmp_path_factory, tiny_tokenizer) -> Path:
    """A folder with a masked LM of random weights; its tokenizer is the tiny one and a mask."""
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast, set_seed

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer.backend_tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_input_names=["input_ids", "attention_mask"],
    )
    set_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        pad_token_id=1,
    )
    folder = tmp_path_factory.mktemp("masked-lm")
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def me5_small() -> Path:
    """The converted encoder, in the cache that the quick profile fills."""
    from xltlib import encoders

    return encoders.encoder_folder("me5-small", cache=ROOT / "outputs" / "cache")
