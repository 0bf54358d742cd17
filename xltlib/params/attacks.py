"""The attacks of a profile: on which models and test sets, by which recipe and engine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from xltlib.params.base import Name, Precision, Seed, Settings, TestSet
from xltlib.params.recipes import Recipe, RecipeSettings, TasaSettings, WordSettings

PAIR_RECIPES = ("typo", "homoglyph", "imperceptible", "misspelling", "synonym", "mlm", "codemix")
"""Recipes that work on pairs of sentences too: they need no answer in a passage."""


class EngineSettings(Settings):
    """How queries are answered; in float32, or with `equal`, none of it changes an outcome.

    `at_once` examples are attacked side by side. With `precision: bf16` a faster copy of the model
    guides the search, and whether it succeeded is decided in float32; `auto` is bf16 where the
    device has units for it, and elsewhere float32 without any guide. With `equal`, float32 also
    decides between all candidates that the guide scores within its own error of the best, so that
    texts are those of a float32 search. With `guide_words` the guide reads only so many words on
    either side of the answer, and the whole passage decides. Batches of 16 keep in the caches of a
    processor; a GPU wants 128.
    """

    at_once: PositiveInt = 16
    batch_size: PositiveInt = 16
    precision: Precision = "float32"
    equal: bool = False
    guide_words: PositiveInt | None = None

    @model_validator(mode="after")
    def _guide(self) -> EngineSettings:
        if self.guide_words is not None and self.precision == "float32":
            raise ValueError("guide_words needs a guide: set precision: bf16 or auto")
        if self.equal and self.precision == "float32":
            raise ValueError("equal corrects a bf16 guide: set precision: bf16 or auto")
        if self.equal and self.guide_words is not None:
            raise ValueError("a guide that reads guide_words only cannot be equal to float32")
        return self

    def computing_in(self, precision: Literal["float32", "bf16"]) -> EngineSettings:
        """The same settings where `auto` is this precision; float32 alone needs no guide."""
        if self.precision != "auto":
            return self
        changes: dict[str, Any] = {"precision": precision}
        if precision == "float32":
            changes |= {"equal": False, "guide_words": None}
        return self.model_copy(update=changes)

    @property
    def guide(self) -> Literal["none", "fast", "partial", "equal"]:
        """What guides a search, once `auto` has become a precision."""
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
    """One attack on the models of one target task; the same examples for every arm and seed.

    `arms` names those that are attacked; without it, all are.
    """

    target: Name
    arms: Annotated[list[Name], Field(min_length=1)] | None = None
    test_sets: Annotated[list[TestSet], Field(min_length=1)]
    examples_per_language: PositiveInt
    seed: Seed = 0
    recipe: Recipe
    engine: EngineSettings = EngineSettings()

    def check_on_pairs(self) -> str | None:
        """What keeps this attack from classifiers of sentence pairs; None if nothing does."""
        recipe = self.recipe
        if recipe.kind not in PAIR_RECIPES:
            known = ", ".join(PAIR_RECIPES)
            return f"recipe.kind: {recipe.kind} needs a passage; on pairs of sentences: {known}"
        if recipe.goal != "untargeted":
            return "recipe.goal: on pairs of sentences attacks are untargeted"
        if getattr(recipe, "ranking", "") == "gradient":
            return "recipe.ranking: gradients are of span QA only; rank by delete or random"
        if self.engine.precision != "float32":
            return "engine.precision: on pairs of sentences nothing guides the search; give float32"
        if any(one.pairs for one in self.test_sets):
            return "test_sets: pairs of languages are not attacked; leave pairs out"
        return None

    @model_validator(mode="after")
    def _engine_can(self) -> AttackSettings:
        self.engine.check(self.recipe)
        return self
