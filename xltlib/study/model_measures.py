"""Stage 08's measures of a fine-tuned span-QA model: rank consistency, and the effect of a
rotation."""

from __future__ import annotations

import pandas as pd

from xltlib.analysis.blocks import large_enough
from xltlib.analysis.intervals import contrast
from xltlib.analysis.tables import MACRO
from xltlib.encoders.parts import base_encoder
from xltlib.evaluation.alignment import rotated, rotation
from xltlib.evaluation.candidates import candidate_logits, candidate_spans
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.retrieval import mean_states
from xltlib.evaluation.span_qa import answer
from xltlib.params import Params
from xltlib.study import data
from xltlib.study.encoder_measures import Rows, consistency_rows


def span_consistency(params: Params, task: str, predictor: SpanPredictor) -> Rows:
    """Rank consistency of the candidate answers in a passage, for every pair of languages."""
    settings = params.representation.rank_consistency
    if settings is None:
        return []
    sets = data.test_set(params, settings)
    scores = candidate_logits(predictor, sets, candidate_spans(sets))
    asked = len({identity for rows in sets.values() for identity in rows["id"]})
    compared = len(next(iter(scores.values())))
    about = {"corpus": settings.corpus, "model": task}
    return consistency_rows(about, scores, left_out=asked - compared)


def rotation_gains(params: Params, task: str, predictor: SpanPredictor) -> Rows:
    """F1 with unchanged states and with states rotated onto English, by language and averaged, in
    points.

    Each language's rotation is learnt from the mean-pooled states of this model's own encoder on
    the language's bitext, without any question.
    """
    settings, options = params.representation, params.analysis
    if settings.rotation is None:
        return []
    sources = data.bitexts(params)
    frames = []
    for code, rows in data.test_set(params, settings.rotation).items():
        bitext = sources[code].model_copy(update={"languages": [code]})
        pairs = data.test_set(params, bitext)[code]
        turn = rotation(
            *(
                mean_states(
                    base_encoder(predictor.model),
                    predictor.tokenizer,
                    list(pairs[side]),
                    settings.batch_size,
                )
                for side in ("query", "candidate")
            )
        )
        frames.append(answer(predictor, settings.rotation.corpus, rows).assign(arm="plain"))
        with rotated(predictor.model, turn):
            frames.append(answer(predictor, settings.rotation.corpus, rows).assign(arm="rotated"))
    answers = pd.concat(frames, ignore_index=True).assign(seed=0)
    gains: Rows = []
    for language, part in [*answers.groupby("language", sort=False), (MACRO, answers)]:
        weights = {"rotated": 1.0, "plain": -1.0}
        part = large_enough(part)
        gain = contrast(part, "f1", weights, level=options.level)
        means = 100 * part.groupby(["arm", "language"])["f1"].mean().groupby("arm").mean()
        gains.append(
            {
                "task": task,
                "corpus": settings.rotation.corpus,
                "language": language,
                "languages": part["language"].nunique(),
                "f1": means["plain"],
                "f1 rotated": means["rotated"],
                "gain": gain.estimate,
                "low": gain.low,
                "high": gain.high,
                "level (%)": 100 * options.level,
                "n": gain.n_examples,
            }
        )
    return gains
