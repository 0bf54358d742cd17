"""Recipes: each assembles one attack from parts, in TextAttack's own terms.

A recipe is a function of the goal, the example, its settings (`xltlib.params.recipes`) and the
resources, and returns a `textattack.Attack`. `embedding` changes no text, so it is not one of them;
`xltlib.attacks.example` runs it separately.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textattack import Attack
from textattack.constraints import Constraint
from textattack.constraints.pre_transformation import RepeatModification
from textattack.search_methods import SearchMethod
from textattack.transformations import CompositeTransformation, Transformation

from xltlib.attacks.codemix import CodeMix
from xltlib.attacks.constraints import (
    ContextOutsideAnswer,
    MaxEditedGraphemes,
    MaxEditedShare,
    MaxEditedWords,
    MaxGraphemeEdits,
    SameScript,
    WordForWord,
)
from xltlib.attacks.distractor import Distractor
from xltlib.attacks.goal import SpanGoal
from xltlib.attacks.homoglyph import Homoglyph
from xltlib.attacks.hotflip import HotFlip
from xltlib.attacks.imperceptible import Imperceptible
from xltlib.attacks.masked_lm import MaskedLMSwap
from xltlib.attacks.misspelling import Misspelling
from xltlib.attacks.resources import Resources, Row
from xltlib.attacks.search import Beam, OneStep, WordImportance
from xltlib.attacks.similarity import MinSimilarity, MinWindowSimilarity
from xltlib.attacks.synonym import Synonym
from xltlib.attacks.tasa import OfSwaps, OnlyThese, words_to_change
from xltlib.attacks.typo import Typo
from xltlib.attacks.white_box import Saliency
from xltlib.params import (
    CodeMixSettings,
    DistractorSettings,
    EmbeddingSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
    MaskedLMSettings,
    MisspellingSettings,
    RecipeSettings,
    SynonymSettings,
    TasaSettings,
    TypoSettings,
    WordSettings,
)

Build = Callable[[SpanGoal, Row, Any, Resources], Attack]


def typo(goal: SpanGoal, row: Row, settings: TypoSettings, resources: Resources) -> Attack:
    """Typing errors in the passage (as in DeepWordBug, Gao et al. 2018, by grapheme and layout)."""
    swap = Typo(*_place(row, settings), **_candidates(settings))
    return word_attack(goal, settings, resources, swap)


def homoglyph(
    goal: SpanGoal, row: Row, settings: HomoglyphSettings, resources: Resources
) -> Attack:
    """Letters that look alike (as in VIPER, Eger et al. 2019, from Unicode's confusables)."""
    swap = Homoglyph(*_place(row, settings), **_candidates(settings))
    return word_attack(goal, settings, resources, swap)


def imperceptible(
    goal: SpanGoal, row: Row, settings: ImperceptibleSettings, resources: Resources
) -> Attack:
    """Characters that a reader does not see (Boucher et al. 2022)."""
    swap = Imperceptible(*_place(row, settings), **_candidates(settings))
    return word_attack(goal, settings, resources, swap)


def misspelling(
    goal: SpanGoal, row: Row, settings: MisspellingSettings, resources: Resources
) -> Attack:
    """Spelling mistakes that people really make."""
    swap = Misspelling(*_place(row, settings), **_candidates(settings))
    return word_attack(goal, settings, resources, swap)


def synonym(goal: SpanGoal, row: Row, settings: SynonymSettings, resources: Resources) -> Attack:
    """Words of a near meaning (as in TextFooler, Jin et al. 2020)."""
    near = resources.noted(settings, row["language"])
    swap = Synonym(
        *_place(row, settings), near, same_form=settings.same_form, **_candidates(settings)
    )
    return word_attack(goal, settings, resources, swap)


def mlm(goal: SpanGoal, row: Row, settings: MaskedLMSettings, resources: Resources) -> Attack:
    """Words that a masked LM proposes (BAE, Garg and Ramakrishnan 2020; CLARE, Li et al. 2021)."""
    swap = MaskedLMSwap(
        *_place(row, settings),
        resources.masked_lm(settings),
        edits=settings.edits,
        free=ContextOutsideAnswer(goal, settings.window_words).outside,
        **_candidates(settings),
    )
    return word_attack(goal, settings, resources, swap)


def codemix(goal: SpanGoal, row: Row, settings: CodeMixSettings, resources: Resources) -> Attack:
    """Words and phrases in other languages (as in PolyGloss, Tan and Joty 2021)."""
    lexicon = resources.lexicon(settings, row["language"])
    swap = CodeMix(*_place(row, settings), lexicon, **_candidates(settings))
    return word_attack(goal, settings, resources, swap)


def hotflip(goal: SpanGoal, row: Row, settings: HotFlipSettings, resources: Resources) -> Attack:
    """White box: words that the gradient points to (HotFlip, Ebrahimi et al. 2018)."""
    swap = HotFlip(
        *_place(row, settings),
        resources.white_box,
        goal,
        resources.vocabulary,
        **_candidates(settings),
    )
    return word_attack(goal, settings, resources, swap)


def distractor(
    goal: SpanGoal, row: Row, settings: DistractorSettings, resources: Resources
) -> Attack:
    """One false sentence (AddSent, Jia and Liang 2017; Rosenthal et al. 2021)."""
    sentences: Transformation = Distractor(
        row["language"],
        resources.falsehoods.sentences(settings, row),
        settings.places,
        row["answers"]["text"],
    )
    return Attack(goal, [], sentences, OneStep())


def tasa(goal: SpanGoal, row: Row, settings: TasaSettings, resources: Resources) -> Attack:
    """Words of the answer's sentence, and a false copy of it (TASA, Cao et al. 2022)."""
    copies = Distractor(
        row["language"],
        resources.falsehoods.copies(settings, row),
        ["end"],
        row["answers"]["text"],
    )
    near = resources.noted(settings, row["language"])
    swap = Synonym(
        *_place(row, settings), near, same_form=settings.same_form, **_candidates(settings)
    )
    rules: list[Any] = [
        RepeatModification(),
        OnlyThese(words_to_change(row, settings.window_words)),
        WordForWord(),
    ]
    # The copy of the sentence is no edit of a word: limits on edits do not apply to it.
    rules += [OfSwaps(rule) for rule in _limits(settings, resources)]
    both = CompositeTransformation([swap, copies])
    return Attack(goal, rules, both, Beam(settings.beam_width))


RECIPES: dict[str, Build] = {
    "typo": typo,
    "homoglyph": homoglyph,
    "imperceptible": imperceptible,
    "misspelling": misspelling,
    "synonym": synonym,
    "mlm": mlm,
    "codemix": codemix,
    "hotflip": hotflip,
    "distractor": distractor,
    "tasa": tasa,
}
SETTINGS: dict[str, type[RecipeSettings]] = {
    settings.model_fields["kind"].default: settings
    for settings in (
        TypoSettings,
        HomoglyphSettings,
        ImperceptibleSettings,
        MisspellingSettings,
        SynonymSettings,
        MaskedLMSettings,
        CodeMixSettings,
        HotFlipSettings,
        DistractorSettings,
        TasaSettings,
        EmbeddingSettings,
    )
}
"""The settings of every recipe, including `embedding`, by name."""


def seed_of(row: Row, settings: RecipeSettings) -> str:
    """The seed of an example's random numbers: its language and id, and the recipe's seed."""
    return f"{settings.seed} {row['language']} {row['id']}"


def _place(row: Row, settings: RecipeSettings) -> tuple[str, str]:
    return row["language"], seed_of(row, settings)


def _candidates(settings: WordSettings) -> dict[str, Any]:
    return {
        "candidates_per_word": settings.candidates_per_word,
        "min_word_length": settings.min_word_length,
    }


def word_attack(
    goal: SpanGoal, settings: WordSettings, resources: Resources, swap: Transformation
) -> Attack:
    """An attack that replaces words, with the constraints and search of its settings."""
    return Attack(goal, _rules(goal, settings, resources), swap, _search(goal, settings, resources))


def _search(goal: SpanGoal, settings: WordSettings, resources: Resources) -> SearchMethod:
    if settings.search == "greedy":
        return Beam(1)
    if settings.search == "beam":
        return Beam(settings.beam_width)
    saliency = None
    if settings.ranking == "gradient":
        box = resources.gradients(settings, fast=goal.model.guide in ("fast", "partial"))
        saliency = Saliency(box, goal, own=settings.surrogate is None)
    return WordImportance(
        settings.ranking,
        ranking_share=settings.ranking_share,
        saliency=saliency,
        seed=settings.seed,
    )


def _rules(goal: SpanGoal, settings: WordSettings, resources: Resources) -> list[Any]:
    """The constraints of every word recipe, then those in its settings."""
    return [
        RepeatModification(),
        ContextOutsideAnswer(goal, settings.window_words),
        WordForWord(),
        *_limits(settings, resources),
    ]


def _limits(settings: WordSettings, resources: Resources) -> list[Constraint]:
    """The constraints in a recipe's settings."""
    rules: list[Constraint] = []
    if settings.max_edited_words is not None:
        rules.append(MaxEditedWords(settings.max_edited_words))
    if settings.same_script:
        rules.append(SameScript())
    if settings.max_edited_share is not None:
        rules.append(MaxEditedShare(settings.max_edited_share))
    if settings.max_edited_graphemes is not None:
        rules.append(MaxEditedGraphemes(settings.max_edited_graphemes))
    if settings.max_grapheme_edits is not None:
        rules.append(MaxGraphemeEdits(settings.max_grapheme_edits))
    if settings.min_similarity is not None:
        rules.append(MinSimilarity(resources.vectors, settings.min_similarity))
    if isinstance(settings, SynonymSettings) and settings.min_window_similarity is not None:
        rules.append(MinWindowSimilarity(resources.vectors, settings.min_window_similarity))
    return rules
