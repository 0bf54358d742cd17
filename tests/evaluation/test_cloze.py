"""A masked LM's candidates for a gap: scored by hand, and absent where there is no head."""

import numpy as np
import pytest
import torch
from datasets import Dataset

from xltlib import corpora
from xltlib.artifacts import InputError
from xltlib.evaluation import cloze
from xltlib.evaluation.rank_consistency import rank_consistency
from xltlib.params import CorpusSource


def prompts(*rows):
    return Dataset.from_list(
        [{"id": str(i), "prompt": p, "candidates": list(c)} for i, (p, c) in enumerate(rows)]
    )


def test_a_candidates_score_is_the_mean_log_probability_of_its_tokens(tiny_masked_lm):
    model, tokenizer = cloze.masked_lm(tiny_masked_lm)
    rows = prompts(
        ("the sky is <mask>.", ["red", "blue", "wet"]), ("<mask> is far", ["sea", "sun"])
    )
    scores = cloze.candidate_scores(model, tokenizer, rows, batch_size=2)
    assert [len(of) for of in scores] == [3, 2]
    ids = tokenizer("blue", add_special_tokens=False)["input_ids"]
    gap = tokenizer.mask_token * len(ids)
    batch = tokenizer(f"the sky is {gap}.", return_tensors="pt")
    places = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero().flatten()
    assert len(places) == len(ids) > 1
    with torch.inference_mode():
        log_p = model(**batch).logits[0, places].log_softmax(-1)
    expected = log_p[torch.arange(len(ids)), torch.tensor(ids)].mean().item()
    assert scores[0][1] == pytest.approx(expected, abs=1e-5)


def test_weights_without_a_head_are_no_masked_lm(tiny_masked_lm, tiny_encoder, tmp_path):
    assert cloze.masked_lm(tiny_masked_lm) is not None
    assert cloze.masked_lm(tiny_encoder) is None
    # A mask in the vocabulary is not enough: the encoder alone was saved.
    model, tokenizer = cloze.masked_lm(tiny_masked_lm)
    model.base_model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert cloze.masked_lm(tmp_path) is None


def test_rows_with_other_candidates_in_some_language_are_not_compared():
    rows = [("a <mask>", ["x", "y"]), ("b <mask>", ["x"]), ("c <mask>", ["x", "y"])]
    other = [("a <mask>", ["x", "y"]), ("b <mask>", ["x"]), ("c <mask>", ["x", "y", "z"])]
    assert cloze.comparable({"en": prompts(*rows), "fi": prompts(*other)}) == [0]
    with pytest.raises(InputError, match="en, fi: not the same rows"):
        cloze.comparable({"en": prompts(*rows), "fi": prompts(*rows[:2])})


def test_bmlama_is_ranked_in_two_languages(tiny_masked_lm, shared_data):
    source = CorpusSource(source="local", folder=shared_data / "bmlama53")
    model, tokenizer = cloze.masked_lm(tiny_masked_lm)
    sets = {code: corpora.load("bmlama53", source, code, "test") for code in ("en", "ru")}
    sets = {code: rows.select(range(20)) for code, rows in sets.items()}
    assert cloze.comparable(sets) == list(range(20))
    scores = {code: cloze.candidate_scores(model, tokenizer, rows) for code, rows in sets.items()}
    assert all(np.isfinite(of).all() for of in scores["ru"])
    found = rank_consistency(scores["en"], scores["ru"])
    assert found.n == 20
    assert found.value < 0.95
    assert rank_consistency(scores["en"], scores["en"]).value == pytest.approx(1)
