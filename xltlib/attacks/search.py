"""Greedy search in the order of word importance, within a budget that ranking may not use up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from textattack.goal_function_results import GoalFunctionResultStatus
from textattack.search_methods import GreedySearch, GreedyWordSwapWIR
from textattack.shared import AttackedText

from xltlib.attacks.goal import SpanGoal
from xltlib.attacks.passage import Passage, passage_of

Saliency = Callable[[Passage, Sequence[int]], Sequence[float]]
"""A text and indices of its words to how much each matters."""


class WordImportance(GreedyWordSwapWIR):
    """TextAttack's greedy search by word importance, which ranks only what can be edited.

    Args:
        ranking: "delete" asks the model for the text without each word; "gradient" goes by the
            length of the gradient at each word, of the model under attack (one query) or of a
            surrogate (none); "random" asks nothing.
        ranking_share: the most of the budget that ranking may take. Words beyond it come after
            those that were ranked, the nearest to a gold answer first.
        saliency: gives the gradients' lengths.
        seed: of the random order.
    """

    goal_function: SpanGoal

    def __init__(
        self,
        ranking: Literal["delete", "gradient", "random"] = "delete",
        *,
        ranking_share: float = 0.5,
        saliency: Saliency | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(wir_method=ranking)
        self.seed = seed
        self.ranking_share = ranking_share
        self.saliency = saliency

    def perform_search(self, initial_result: Any) -> Any:
        """Edit one word after another, each in the best way, as long as the goal gains by it."""
        first, best, goal = initial_result.attacked_text, initial_result, self.goal_function
        for index in self._order(first):
            # Phrases and merged words move those that come after them.
            now = int(best.attacked_text.attack_attrs["original_index_map"][index])
            if now < 0:
                continue
            texts = self.get_transformations(
                best.attacked_text, original_text=first, indices_to_modify=[now]
            )
            if not texts:
                continue
            goal.to_beat = best.score
            results, search_over = self.get_goal_results(texts)
            found = max(results, key=lambda result: result.score, default=best)
            if found.score > best.score:
                best = found
            if search_over or best.goal_status == GoalFunctionResultStatus.SUCCEEDED:
                break
        return best

    def _order(self, text: AttackedText) -> Iterator[int]:
        """The words that can be edited, the most important first."""
        _, indices = self.get_indices_to_order(text)
        indices = sorted(int(index) for index in indices)
        if self.wir_method == "random":
            # Its own random numbers, drawn from the example: nobody else's move them.
            random.Random(f"{self.seed} {text.text}").shuffle(indices)
            yield from indices
        elif self.wir_method == "gradient":
            if self.saliency is None:
                raise ValueError("ranking by gradient needs a saliency")
            lengths = self.saliency(passage_of(text), indices)
            rounded = [float(f"{length:.4g}") for length in lengths]
            order = np.argsort(-np.asarray(rounded, dtype=float), kind="stable")
            yield from (indices[i] for i in order)
        else:
            goal = self.goal_function
            near = sorted(indices, key=lambda index: self._distance(text, index))
            share = min(
                int(self.ranking_share * goal.query_budget), goal.query_budget - goal.num_queries
            )
            ranked = sorted(near[: max(share, 0)])
            yield from self._by_deletion(text, ranked)
            yield from near[len(ranked) :]

    def _by_deletion(self, text: AttackedText, indices: list[int]) -> Iterator[int]:
        """Words by what the goal gains when each is taken out; a tie goes to the earlier word."""
        goal = self.goal_function
        without = {index: text.delete_word_at_index(index) for index in indices}
        left = dict(zip(indices, goal.importance(list(without.values())), strict=True))
        exact = set(indices) if goal.model.guide != "equal" else set()
        fast = dict(left)
        while left:
            best = max(left, key=lambda index: left[index])
            # Whatever float32 may put before the best has to be asked in float32.
            least = left[best] - (1 if best in exact else 2) * goal.margin
            close = [i for i in left if i not in exact and left[i] >= least]
            if not close:
                del left[best]
                yield best
                continue
            for index, score in zip(
                close, goal.exact_importance([without[i] for i in close]), strict=True
            ):
                goal.saw(fast[index], score)
                left[index] = score
            exact.update(close)

    def _distance(self, text: AttackedText, index: int) -> tuple[int, int]:
        """How many characters a word is away from the nearest gold answer; then its place."""
        passage = passage_of(text)
        start, end = passage.spans[index - passage.question_words]
        answers = self.goal_function.answers
        away = [
            max(place - end, start - (place + len(answer)), 0)
            for answer, place in zip(answers["text"], answers["answer_start"], strict=True)
        ]
        return min(away, default=0), index

    @property
    def is_black_box(self) -> bool:
        return True  # the gradients, where there are any, are not taken through TextAttack

    def extra_repr_keys(self) -> list[str]:
        return ["wir_method", "ranking_share"]


class Greedy(GreedySearch):
    """TextAttack's greedy search, without an end where ties are broken by the machine."""

    def perform_search(self, initial_result: Any) -> Any:
        """At each step the best edit of any word, as long as there is one."""
        first, best = initial_result.attacked_text, initial_result
        while best.goal_status != GoalFunctionResultStatus.SUCCEEDED:
            texts = self.get_transformations(best.attacked_text, original_text=first)
            results, search_over = self.get_goal_results(texts) if texts else ([], True)
            best = max(results, key=lambda result: result.score, default=best)
            if search_over:
                break
        return best


class Beam(GreedySearch):
    """Beam search that goes on from the best texts so far, ties to the one found first.

    Args:
        width: texts kept from step to step.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.beam_width = width

    def perform_search(self, initial_result: Any) -> Any:
        """At each step the best texts one edit away from any text of the beam."""
        first, best, beam = initial_result.attacked_text, initial_result, [initial_result]

        def rank(result: Any) -> tuple[bool, float]:
            return result.goal_status == GoalFunctionResultStatus.SUCCEEDED, result.score

        while best.goal_status != GoalFunctionResultStatus.SUCCEEDED:
            texts = [
                text
                for result in beam
                for text in self.get_transformations(result.attacked_text, original_text=first)
            ]
            results, search_over = self.get_goal_results(list(dict.fromkeys(texts)))
            beam = sorted(results, key=rank, reverse=True)[: self.beam_width]
            best = max([best, *beam[:1]], key=rank)
            if search_over or not beam:
                break
        return best
