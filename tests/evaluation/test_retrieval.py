"""Retrieval: mean-pooled embeddings, nearest neighbours, and average precision by hand."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModel, AutoTokenizer

from xltlib import corpora
from xltlib.evaluation.retrieval import (
    answer_retrieval,
    average_precision,
    bitext_accuracy,
    embed,
    embed_pairs,
    nearest_is_own,
)
from xltlib.params import CorpusSource


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return AutoModel.from_pretrained(tiny_encoder).eval()


def test_an_embedding_is_the_mean_of_its_own_token_states(encoder, tiny_tokenizer):
    texts = ["red", "a long sentence of many letters", "sea"]
    vectors = embed(encoder, tiny_tokenizer, texts, batch_size=2)
    for text, vector in zip(texts, vectors, strict=True):
        with torch.inference_mode():
            states = encoder(**tiny_tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        expected = torch.nn.functional.normalize(states.mean(0), dim=0)
        np.testing.assert_allclose(vector, expected.numpy(), atol=1e-5)


def test_the_nearest_candidate_is_counted_where_it_is_the_own_one():
    candidates = np.eye(3, dtype=np.float32)
    queries = candidates[[0, 2, 2]]
    assert nearest_is_own(queries, candidates).tolist() == [True, False, True]


def test_average_precision_by_hand():
    scores = np.array([[0.9, 0.8, 0.7, 0.1], [0.9, 0.8, 0.7, 0.1]])
    relevant = np.array([[True, False, True, False], [False, False, False, True]])
    # Hits at ranks 1 and 3: (1/1 + 2/3) / 2; a hit beyond the depth counts for nothing.
    found = average_precision(scores, relevant, depth=3)
    assert found.tolist() == [pytest.approx((1 + 2 / 3) / 2), 0.0]


def test_sentences_find_themselves(encoder, tiny_tokenizer):
    texts = ["red sky", "blue sea now", "many more words here"]
    rows = Dataset.from_dict({"query": texts, "candidate": texts})
    assert bitext_accuracy(*embed_pairs(rows, encoder, tiny_tokenizer)) == 100.0


def test_answers_in_every_language_are_relevant_and_a_sentence_without_question_competes(
    encoder, tiny_tokenizer
):
    def language(*rows):
        return Dataset.from_list(
            [{"id": i, "query": query, "candidate": candidate} for i, query, candidate in rows]
        )

    sets = {
        # The question is its own answer here, so it ranks first in its own language.
        "en": language(("q", "red sky", "red sky"), ("s", "", "blue sea now")),
        "ru": language(("q", "небо", "небо")),
    }
    scores = answer_retrieval(sets, encoder, tiny_tokenizer)
    pool = ["red sky", "blue sea now", "небо"]
    vectors = embed(encoder, tiny_tokenizer, pool)
    expected = average_precision(vectors[[0, 2]] @ vectors.T, np.array([[True, False, True]] * 2))
    assert [scores["en"], scores["ru"]] == pytest.approx(list(100 * expected))


def test_the_real_encoder_finds_most_translations(shared_data, me5_small):
    source = CorpusSource(source="local", folder=shared_data / "tatoeba")
    rows = corpora.load("tatoeba", source, "ru", "test").select(range(100))
    tokenizer = AutoTokenizer.from_pretrained(me5_small)
    vectors = embed_pairs(rows, AutoModel.from_pretrained(me5_small), tokenizer)
    assert bitext_accuracy(*vectors) > 85
