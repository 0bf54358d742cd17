"""The attacks of a profile: the models and test sets attacked, the recipe and the engine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from xltlib.languages.codes import require_misspellings
from xltlib.params.base import Settings, TestSet
from xltlib.params.recipes import Recipe, RecipeSettings, TasaSettings, WordSettings
from xltlib.params.values import Count, Distinct, Name, Precision, Seed

PAIR_RECIPES = ("typo", "homoglyph", "imperceptible", "misspelling", "synonym", "mlm", "codemix")
"""Recipes that also work on sentence pairs, because they need no answer in a passage."""


ENSEMBLE = "ensemble"
"""What results call the worst of several attacks."""
WORST_FIRST = ("succeeded", "error", "failed", "no_candidates", "skipped")
"""Outcomes of attacks, the worst first; an error leaves it unknown whether an example is broken."""


class EngineSettings(Settings):
    """How queries are answered. In float32, or with `equal`, no setting changes an outcome.

    With a precision of bf16, a faster copy of the model guides the search, and float32 decides
    whether it succeeded.
    """

    at_once: Count = 16
    """Examples attacked in parallel."""
    batch_size: Count = 16
    """Texts per forward pass: 16 fit into a CPU's caches; use 128 on a GPU."""
    precision: Precision = "float32"
    """`auto` is bf16 if the device supports it in hardware, otherwise float32 without a guide. With
    `equal` it is float32 where bf16 would be no faster.
    """
    equal: bool = False
    """float32 also decides among all candidates that the guide scores within its own error of the
    best, so the attacked texts are the same as in a float32 search.
    """
    guide_words: Count | None = None
    """The guide reads only this many words on each side of the answer; the float32 model reads the
    whole passage.
    """

    @model_validator(mode="after")
    def _guide(self) -> EngineSettings:
        if self.guide_words is not None and self.precision == "float32":
            raise ValueError("guide_words needs a guide: set precision: bf16 or auto")
        if self.equal and self.precision == "float32":
            raise ValueError("equal corrects a bf16 guide: set precision: bf16 or auto")
        if self.equal and self.guide_words is not None:
            raise ValueError(
                "equal and guide_words exclude each other, because a guide that reads only some "
                "words cannot match float32; leave one out"
            )
        return self

    def computing_in(self, precision: Literal["float32", "bf16"]) -> EngineSettings:
        """The same settings with `auto` replaced by this precision; float32 needs no guide."""
        if self.precision != "auto":
            return self
        changes: dict[str, Any] = {"precision": precision}
        if precision == "float32":
            changes |= {"equal": False, "guide_words": None}
        return self.model_copy(update=changes)

    @property
    def guide(self) -> Literal["none", "fast", "partial", "equal"]:
        """What guides a search, once `auto` has been replaced by a precision."""
        if self.precision == "float32":
            return "none"
        if self.equal:
            return "equal"
        return "fast" if self.guide_words is None else "partial"

    def check(self, recipe: RecipeSettings) -> None:
        """Whether the engine can run a recipe.

        Raises:
            ValueError: a guide that would not read what the recipe puts into the passage.
        """
        near = isinstance(recipe, WordSettings) and not isinstance(recipe, TasaSettings)
        near = near and recipe.kind != "custom"  # which may edit anywhere
        if self.equal and getattr(recipe, "search", None) == "beam":
            raise ValueError(
                "equal: float32 decides which text is the best, but a beam keeps several; leave "
                "equal out, or search by word-importance or greedy"
            )
        if self.guide_words is not None and not near:
            raise ValueError(
                f"guide_words: recipe {recipe.kind} edits beyond the words around the answer, so a "
                "guide that reads only those cannot judge it; leave guide_words out"
            )


class AttackSettings(Settings):
    """One attack on the models of one target task; every arm and seed gets the same examples."""

    target: Name
    """A key of `targets`."""
    arms: Annotated[list[Name], Field(min_length=1), Distinct] | None = None
    """Names of the arms to attack; by default all."""
    test_sets: Annotated[list[TestSet], Field(min_length=1)]
    """The test sets from which the examples come."""
    examples_per_language: Count
    """Examples per test set and language."""
    seed: Seed = 0
    """Seed for the choice of examples."""
    recipe: Recipe
    """What the attack may edit, and its budgets."""
    engine: EngineSettings = EngineSettings()
    """How queries are answered."""
    transfer: bool = True
    """Whether attacked texts are also tried on the other models, which must then be on this machine
    when stage 06 runs.
    """

    def check_on_pairs(self) -> str | None:
        """Why this attack cannot run on sentence-pair classifiers; None if it can."""
        recipe = self.recipe
        if recipe.kind not in PAIR_RECIPES:
            known = ", ".join(PAIR_RECIPES)
            return f"recipe.kind: {recipe.kind} needs a passage; for sentence pairs: {known}"
        if recipe.goal != "untargeted":
            return "recipe.goal: attacks on sentence pairs are untargeted; leave it out"
        if getattr(recipe, "ranking", "") == "gradient":
            return "recipe.ranking: only span QA has gradients; rank by delete or random"
        if self.engine.precision != "float32":
            return "engine.precision: nothing guides attacks on sentence pairs; give float32"
        if any(one.pairs for one in self.test_sets):
            return "test_sets: pairs of languages are not attacked; leave pairs out"
        return None

    @model_validator(mode="after")
    def _engine_can(self) -> AttackSettings:
        self.engine.check(self.recipe)
        recipe = self.recipe
        if recipe.kind == "codemix" and not recipe.lexicons and recipe.parallel is None:
            raise ValueError("codemix needs `lexicons` by language, or `parallel` text")
        if recipe.kind == "misspelling":
            require_misspellings(code for one in self.test_sets for code in one.languages)
        return self
