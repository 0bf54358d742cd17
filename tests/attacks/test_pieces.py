"""Whole words of every kind of vocabulary, in scripts with and without spaces."""

from __future__ import annotations

from unicodedata import normalize

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from xltlib.attacks.hotflip import one_piece_words
from xltlib.attacks.pieces import Pieces
from xltlib.attacks.synonym import VocabularyNeighbours


def sentencepiece():
    pieces = ["<unk>", "▁", "▁house", "s", "▁东", "京", "กรุง", "ใน", "▁Москва", "ва", "▁12", "దు"]
    core = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    core.pre_tokenizer, core.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return core


def wordpiece():
    pieces = ["[UNK]", "house", "##s", "东", "##京", "ใน", "##กรุง", "Москва", "##ва", "12", "##దు"]
    return Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )


def byte_level():
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    texts = [" house", "s", " 东", "京", "กรุง", "ใน", " Москва", "ва", " 12", "దు"]
    encoded = ["".join(piece for piece, _ in level.pre_tokenize_str(text)) for text in texts]
    vocabulary = {piece: i for i, piece in enumerate(["<unk>", *encoded, "Ð", "ĠÐ"])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    core.pre_tokenizer, core.decoder = level, decoders.ByteLevel()
    return core


@pytest.mark.parametrize("make", [sentencepiece, wordpiece, byte_level])
def test_every_kind_of_vocabulary_gives_its_words(make):
    core = make()
    unknown = "[UNK]" if make is wordpiece else "<unk>"
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token=unknown)
    words = {word for word, _ in Pieces(tokenizer).words()}
    # Endings of spaced scripts are no words; in unspaced ones a word begins anywhere.
    assert words == {"house", "东", "京", "กรุง", "ใน", "Москва"}
    found = one_piece_words(tokenizer, torch.eye(len(tokenizer)))
    assert {name: sorted(part) for name, (part, _) in found.items()} == {
        "Latin": ["house"],
        "Han": ["东", "京"],
        "Thai": ["กรุง", "ใน"],
        "Cyrillic": ["Москва"],
    }
    for part, vectors in found.values():
        for word, vector in zip(part, vectors, strict=True):
            number = int(vector.argmax())
            assert Pieces(tokenizer).word(tokenizer.convert_ids_to_tokens(number)) == word


def end_of_word(*, byte_level: bool = False):
    """HerBERT's kind, or CLIP's."""
    pieces = ["house</w>", "s", "京", "京</w>", "Москва</w>", "Моск", "12</w>", "##x", "▁x"]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if byte_level:
        encoded = [level.pre_tokenize_str(piece.removesuffix("</w>"))[0][0] for piece in pieces]
        ends = ["</w>" if piece.endswith("</w>") else "" for piece in pieces]
        pieces = [piece + end for piece, end in zip(encoded, ends, strict=True)]
    vocabulary = {piece: i for i, piece in enumerate(["<unk>", *pieces])}
    core = Tokenizer(
        models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", end_of_word_suffix="</w>")
    )
    if byte_level:
        core.pre_tokenizer = level
    return core


@pytest.mark.parametrize("byte_level", [False, True])
def test_words_that_a_mark_ends(byte_level):
    core = end_of_word(byte_level=byte_level)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")
    assert {word for word, _ in Pieces(tokenizer).words()} == {"house", "京", "Москва"}


def neighbours(tokenizer, language):
    """With the same vector for every piece, so that all words are neighbours."""
    vectors = torch.ones(len(tokenizer), 2)
    return VocabularyNeighbours(language, tokenizer, vectors, nearest=9, min_cosine=0.5)


def test_decomposed_pieces_are_the_words_of_composed_texts():
    pieces = [("<unk>", 0.0), *((normalize("NFKD", f"▁{word}"), -1.0) for word in ("서울", "부산"))]
    core = Tokenizer(models.Unigram(pieces, unk_id=0))
    core.normalizer, core.pre_tokenizer = normalizers.NFKD(), pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")
    found = neighbours(tokenizer, "ko")
    assert found.get("서울") == ("부산",)
    assert found.get(normalize("NFD", "서울")) == ("부산",)


def test_words_are_looked_up_as_the_tokenizer_normalises_them():
    core = Tokenizer(models.WordPiece({"[UNK]": 0, "cafe": 1, "hotel": 2}, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    found = neighbours(PreTrainedTokenizerFast(tokenizer_object=core, unk_token="[UNK]"), "fr")
    assert found.get("Café") == ("hotel",)
    assert not found.get("bar")


def test_a_real_vocabulary_has_words_in_every_script(me5_small):
    found: dict[str, int] = {}
    tokenizer = AutoTokenizer.from_pretrained(me5_small)
    words = one_piece_words(tokenizer, torch.zeros(len(tokenizer), 1))
    found = {script: len(part) for script, (part, _) in words.items()}
    assert min(found[s] for s in ("Han", "Hiragana", "Thai", "Telugu", "Bengali", "Hangul")) > 500
    assert found["Han"] > 5_000
    assert found["Katakana"] > 500
