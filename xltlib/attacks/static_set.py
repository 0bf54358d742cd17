"""Attacked examples as a data set, to release and to test other models on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xltlib.artifacts import write_json
from xltlib.attacks.goal import moved
from xltlib.attacks.report import attacked
from xltlib.corpora.local import require_unique
from xltlib.corpora.squad_json import Question, questions
from xltlib.evaluation.answer_scoring import f1_in
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.languages import find_language
from xltlib.params import RecipeSettings
from xltlib.text_files import InputError, shown, shown_path


def save(file: Path, results: pd.DataFrame, **about: Any) -> None:
    """Write attacked passages as a SQuAD 1.1 file, which other tools can read.

    It has the examples that were attacked, with updated answer offsets; every question keeps its id
    and states the outcome of the attack. An answer that can no longer be found has the offset -1.

    Args:
        about: facts about the set for its users, such as the recipe and the attacked model.
    """
    articles = []
    for language, part in attacked(results).groupby("language", sort=True):
        paragraphs = []
        for row in part.itertuples():
            answers = []
            for text, start in zip(row.answers["text"], row.answers["answer_start"], strict=True):
                place = moved(row.context, row.attacked_context, text, int(start))
                answers.append({"text": text, "answer_start": -1 if place is None else place})
            qa = {"id": row.id, "question": row.question, "answers": answers}
            qa |= {"outcome": row.outcome, "clean_context": row.context}
            paragraph = {"context": row.attacked_context, "language": language, "qas": [qa]}
            paragraphs.append(paragraph)
        articles.append({"title": str(language), "paragraphs": paragraphs})
    write_json(file, {"version": "1.1", "about": about, "data": articles})


def read(file: Path, language: str) -> list[dict[str, Any]]:
    """The questions of one language of a static set, in `save`'s form or as any SQuAD file.

    Raises:
        InputError: not a SQuAD file, or an answer is not at its offset.
    """
    found = list(questions(file))
    # Translations share ids. A file that does not state its questions' languages has one.
    if all(map(_language, found)):
        found = [one for one in found if _language(one) == language]
    rows: list[dict[str, Any]] = []
    for one in found:
        placed = [start >= 0 and one.context.startswith(text, start) for text, start in one.answers]
        for (text, start), right in zip(one.answers, placed, strict=True):
            # Beside an answer in the passage, others that are not there may score.
            scores = start == -1 and any(placed) and text not in one.context
            if not (right or scores):
                raise InputError(
                    f"{one.where}: the answer {shown(text)} is not at its answer_start "
                    f"{start}. Correct the offset."
                )
        answers = {
            "text": [text for text, _ in one.answers],
            "answer_start": [start for _, start in one.answers],
        }
        about = {"id": one.id, "language": language, "title": one.title}
        rows.append(about | {"question": one.question, "context": one.context, "answers": answers})
    require_unique([row["id"] for row in rows], shown_path(file))
    return rows


def _language(one: Question) -> str | None:
    """The language that a file states for a question, with its passage or as its title."""
    stated = one.paragraph.get("language", one.title)
    try:
        return find_language(stated).code if isinstance(stated, str) else None
    except InputError:
        return None


def transfer_matrix(
    made: Mapping[str, pd.DataFrame],
    predictors: Iterable[tuple[str, SpanPredictor]],
    recipe: RecipeSettings,
) -> pd.DataFrame:
    """Examples made against one model and tested on all: one row per pair of models.

    Only examples count on which the attack succeeded against its own model, and of those only the
    `n` that the tested model answers correctly when clean, by the recipe's F1 and threshold.
    `broken` is how many of them it answers wrongly when attacked: all, of those made against it.

    Args:
        made: results of the same attack, by the model that it was made against. If a tested model
            has results of its own, they say what it answers correctly when clean.
        predictors: the models to test, one at a time, with their names.
        recipe: the settings of the attack.
    """
    won = pd.concat(
        results[results["outcome"] == "succeeded"].assign(source=source)
        for source, results in made.items()
    )
    golds = [answers["text"] for answers in won["answers"]]
    corpora = won["corpus"] if "corpus" in won else [None] * len(won)
    f1 = [f1_in(recipe.f1, *one) for one in zip(won["language"], corpora, strict=True)]

    def right(predictor: SpanPredictor, column: str, places: np.ndarray) -> np.ndarray:
        """Whether a model answers the examples at some places correctly, given the texts
        in a column."""
        # All in one call, so that a clean passage shared by several attacks is read once.
        asked = won.iloc[places]
        found = predictor.predict(list(asked["question"]), list(asked[column]))
        scores = [f1[i](one.text, golds[i]) for i, one in zip(places, found, strict=True)]
        return np.asarray(scores) >= recipe.f1_threshold

    rows = []
    for name, predictor in predictors:
        # Against its own model every attack has succeeded. On the others, what they cannot answer
        # when clean need not be read again.
        own = (won["source"] == name).to_numpy()
        clean = _clean_f1(won, made.get(name))
        counted, broken = own | (clean >= recipe.f1_threshold), own.copy()
        unknown = np.flatnonzero(~own & np.isnan(clean))
        counted[unknown] = right(predictor, "context", unknown)
        others = np.flatnonzero(counted & ~own)
        broken[others] = ~right(predictor, "attacked_context", others)
        for source in made:
            mine = (won["source"] == source).to_numpy()
            counts = {"broken": int((mine & broken).sum()), "n": int((mine & counted).sum())}
            rows.append({"made against": source, "tested on": name} | counts)
    return pd.DataFrame(rows)


def _clean_f1(asked: pd.DataFrame, results: pd.DataFrame | None) -> np.ndarray:
    """The F1 on clean passages that a model's own results state: [len(asked)]; NaN where they do
    not."""
    if results is None or "original_success_f1" not in results:
        return np.full(len(asked), np.nan)
    of = ["language", "question", "context"] + (["corpus"] if "corpus" in asked else [])
    known = results[[*of, "original_success_f1"]].drop_duplicates(of)
    found = asked[of].merge(known, on=of, how="left")["original_success_f1"]
    return found.to_numpy(dtype=float)
