"""Stage 08's measures of an arm's encoder: retrieval, alignment, probe transfer and cloze ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xltlib import corpora
from xltlib.encoders.footprint import require_reading
from xltlib.encoders.parts import on_device
from xltlib.evaluation import cloze
from xltlib.evaluation.alignment import similarity
from xltlib.evaluation.probe import probe_transfer, split_sentences, word_states
from xltlib.evaluation.rank_consistency import rank_consistency
from xltlib.evaluation.retrieval import answer_retrieval, bitext_accuracy, embed_pairs
from xltlib.params import Params, TestSet
from xltlib.study import data
from xltlib.study.intermediate import arm_draws
from xltlib.tasks.kind import BLOCK

CONSISTENCY = [
    *("corpus", "model", "language 1", "language 2"),
    *("RankC", "chance", "corrected", "n", "left out"),
]
Rows = list[dict[str, Any]]
"""The rows of a table."""


def retrieval_and_alignment(
    params: Params,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    progress: bool,
) -> tuple[Rows, Rows]:
    """One row per corpus and language: the metric in points, and mean cosines for bitexts."""
    settings = params.representation
    options = (model, tokenizer, settings.batch_size)
    scores: Rows = []
    cosines: Rows = []
    for test_set in tqdm(settings.retrieval, desc="retrieval sets", disable=not progress):
        sets = data.test_set(params, test_set)
        points = {}
        if corpora.corpus(test_set.corpus).kind == "bitext":
            metric = "accuracy"
            for code, rows in sets.items():
                vectors = embed_pairs(rows, *options)
                points[code] = bitext_accuracy(*vectors)
                near = similarity(*vectors)
                cosines.append(
                    {
                        "corpus": test_set.corpus,
                        "language": code,
                        "translations": near.translations,
                        "others": near.others,
                        "margin": near.margin,
                        "n": len(rows),
                    }
                )
        else:
            metric, points = "mAP@20", answer_retrieval(sets, *options)
        scores += [
            {
                "corpus": test_set.corpus,
                "language": code,
                "metric": metric,
                "points": points[code],
                "n": sum(map(bool, rows["query"])),
            }
            for code, rows in sets.items()
        ]
    return scores, cosines


def probe(
    params: Params, seed: int, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> Rows:
    """Probe transfer: one row per ordered pair of languages of the probe's test set, if there is
    one.

    Sentences that any arm was trained on with this seed are left out, so that every arm is tested
    on the same sentences.
    """
    settings = params.representation
    test_set = settings.probe
    if test_set is None:
        return []
    whole = data.test_set(params, test_set.model_copy(update={"max_examples": None}))
    ids = [identity for rows in whole.values() for identity in rows["id"]]
    labels = corpora.labels(test_set.corpus, params.corpora[test_set.corpus])
    words = []
    for side in split_sentences(ids, _drawn(params, seed, test_set), test_set.max_examples):
        chosen = set(side)
        words.append(
            {
                code: word_states(
                    model,
                    tokenizer,
                    rows.select([i for i, name in enumerate(rows["id"]) if name in chosen]),
                    labels,
                    settings.batch_size,
                )
                for code, rows in whole.items()
            }
        )
    return probe_transfer(*words, seed=seed)


def _drawn(params: Params, seed: int, test_set: TestSet) -> set[str]:
    """The ids of a test set's split that intermediate training draws in any arm."""
    return {
        draw.item
        for arm, settings in params.intermediate.arms.items()
        for name, task in settings.tasks.items()
        if (task.corpus, task.split) == (test_set.corpus, test_set.split)
        for draw in arm_draws(params, arm, seed)[name]
    }


def cloze_consistency(params: Params, folder: Path) -> Rows:
    """Rank consistency of the words that fill a prompt's gap; no rows if the weights have no
    masked-LM head."""
    settings = params.representation
    if settings.cloze is None:
        return []
    found = cloze.masked_lm(folder)
    if found is None:
        return []
    model, tokenizer = found
    on_device(model, params.compute.device)
    prompts = (settings.batch_size, BLOCK)  # prompts are short
    require_reading(params.compute, model, prompts, "representation.batch_size")
    sets = data.test_set(params, settings.cloze)
    places = cloze.comparable(sets)
    scores = {
        code: cloze.candidate_scores(model, tokenizer, rows.select(places), settings.batch_size)
        for code, rows in sets.items()
    }
    rows = len(next(iter(sets.values())))
    about = {"corpus": settings.cloze.corpus, "model": "masked LM"}
    return consistency_rows(about, scores, left_out=rows - len(places))


def consistency_rows(
    about: Mapping[str, str], scores: Mapping[str, Sequence[np.ndarray]], left_out: int
) -> Rows:
    """RankC of every pair of languages, in points; no row if no query is left.

    Args:
        about: the corpus and the model, repeated in every row.
        scores: the candidates' scores for each query, by language.
        left_out: queries that could not be compared.
    """
    rows: Rows = []
    for one, other in combinations(scores, 2):
        if len(scores[one]) == 0:
            continue
        found = rank_consistency(scores[one], scores[other])
        rows.append(
            {
                **about,
                "language 1": one,
                "language 2": other,
                "RankC": 100 * found.value,
                "chance": 100 * found.chance,
                "corrected": 100 * found.corrected,
                "n": found.n,
                "left out": left_out,
            }
        )
    return rows
