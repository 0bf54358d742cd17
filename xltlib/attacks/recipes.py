"""Recipes: each names the parts of one attack."""

from __future__ import annotations

from collections.abc import Callable

from textattack import Attack
from textattack.constraints.overlap import MaxWordsPerturbed
from textattack.constraints.pre_transformation import RepeatModification
from textattack.search_methods import GreedyWordSwapWIR

from xltlib.attacks.constraints import ContextOutsideAnswer
from xltlib.attacks.goal import Predictor, SpanQAVictim, UntargetedSpanF1
from xltlib.attacks.typo import Typo
from xltlib.params import AttackSettings

Recipe = Callable[[Predictor, AttackSettings, str, str], Attack]


def typo(predictor: Predictor, settings: AttackSettings, language: str, seed: str) -> Attack:
    """Typing errors in the context, the most important words first (as in DeepWordBug, 2018)."""
    goal = UntargetedSpanF1(
        SpanQAVictim(predictor),
        f1_threshold=settings.f1_threshold,
        query_budget=settings.max_queries,
        model_batch_size=settings.batch_size,
    )
    constraints = [
        RepeatModification(),
        ContextOutsideAnswer(goal, settings.window_words),
        MaxWordsPerturbed(max_num_words=settings.max_edited_words),
    ]
    transformation = Typo(
        language,
        seed,
        candidates_per_word=settings.candidates_per_word,
        min_word_length=settings.min_word_length,
    )
    search = GreedyWordSwapWIR(wir_method=settings.ranking)
    return Attack(goal, constraints, transformation, search)


RECIPES: dict[str, Recipe] = {"typo": typo}
