"""Greedy search in order of word importance, within a budget that ranking must not use up."""

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
"""Maps a text and indices of its words to the importance of each."""


def _rank(result: Any) -> tuple[bool, float]:
    """What makes a text better than another: first that it succeeds, then its score."""
    return result.goal_status == GoalFunctionResultStatus.SUCCEEDED, result.score


class WordImportance(GreedyWordSwapWIR):
    """TextAttack's greedy search by word importance, ranking only words that can be edited.

    Args:
        ranking: "delete" queries the text without each word; "gradient" uses the length of the
            gradient at each word, from the model under attack (one query) or a surrogate (none);
            "random" needs no query.
        ranking_share: the largest share of the budget for ranking. Words left unranked come last,
            those nearest to a gold answer first.
        saliency: computes the lengths of gradients.
        seed: determines the random order.
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
        """Edit one word after another, each in the best way, as long as the score improves."""
        first, best, goal = initial_result.attacked_text, initial_result, self.goal_function
        for index in self._order(first):
            # Phrases and merged words shift the words after them.
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
            found = max(results, key=_rank, default=best)
            if _rank(found) > _rank(best):
                best = found
            if search_over or best.goal_status == GoalFunctionResultStatus.SUCCEEDED:
                break
        return best

    def _order(self, text: AttackedText) -> Iterator[int]:
        """The words that can be edited, most important first."""
        _, indices = self.get_indices_to_order(text)
        indices = sorted(int(index) for index in indices)
        if self.wir_method == "random":
            # Random numbers that depend on the example alone.
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
        """Words ranked by the score without them; ties go to the earlier word."""
        goal = self.goal_function
        without = {index: text.delete_word_at_index(index) for index in indices}
        left = dict(zip(indices, goal.importance(list(without.values())), strict=True))
        exact = set(indices) if goal.model.guide != "equal" else set()
        fast = dict(left)
        while left:
            best = max(left, key=lambda index: left[index])
            # Every word that float32 might rank above the best has to be read in float32.
            unsure = {index: 0 if index in exact else goal.margin for index in left}
            least = left[best] - unsure[best]
            rivals = [i for i in left if i != best and left[i] + unsure[i] >= least]
            close = [i for i in (best, *rivals) if i not in exact] if rivals else []
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
        """A word's distance in characters to the nearest gold answer, then its place."""
        passage = passage_of(text)
        start, end = passage.spans[index - passage.question_words]
        answers = self.goal_function.answers
        away = [
            max(place - end, start - (place + len(answer)), 0)
            for answer, place in zip(answers["text"], answers["answer_start"], strict=True)
            if place >= 0  # others are not in the passage
        ]
        return min(away, default=0), index

    @property
    def is_black_box(self) -> bool:
        return True  # gradients, if used, do not go through TextAttack

    def extra_repr_keys(self) -> list[str]:
        return ["wir_method", "ranking_share"]


class OneStep(GreedySearch):
    """The best of all texts that are one edit away, even if it is no better than the original."""

    def perform_search(self, initial_result: Any) -> Any:
        """Take the best edit, if there is any."""
        first = initial_result.attacked_text
        results, _ = self.get_goal_results(self.get_transformations(first, original_text=first))
        return max(results, key=_rank, default=initial_result)


class Beam(GreedySearch):
    """Beam search from the best texts so far; ties go to the text found first.

    Args:
        width: the number of texts kept at each step; with 1, the search is greedy.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.beam_width = width

    def perform_search(self, initial_result: Any) -> Any:
        """At each step, keep the best texts that are one edit away from a text of the beam.

        They may be worse than those before; the best of all steps is returned.
        """
        first, best, beam = initial_result.attacked_text, initial_result, [initial_result]

        while best.goal_status != GoalFunctionResultStatus.SUCCEEDED:
            texts = [
                text
                for result in beam
                for text in self.get_transformations(result.attacked_text, original_text=first)
            ]
            results, search_over = self.get_goal_results(list(dict.fromkeys(texts)))
            beam = sorted(results, key=_rank, reverse=True)[: self.beam_width]
            best = max([best, *beam[:1]], key=_rank)
            if search_over or not beam:
                break
        return best
