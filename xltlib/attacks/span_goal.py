"""The victim, and what all goals have in common: querying texts and counting queries."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from textattack.goal_function_results import GoalFunctionResult
from textattack.goal_functions import GoalFunction
from textattack.models.wrappers import ModelWrapper
from textattack.shared import AttackedText

from xltlib.attacks.query import Output, Query, Reading, Scorer, Spans
from xltlib.evaluation.answer_scoring import SQUAD_F1, ScoreAnswer

Guide = Literal["none", "fast", "partial", "equal"]
"""What guides a search: float32 itself; a faster model; one that reads part of the passage; or a
faster model whose close calls are decided by float32, so that the search is the same as in
float32."""
# For the guide "equal": the margin, relative to the largest difference seen so far between the fast
# model and float32, and its minimum, in log-odds.
SAFETY, LEAST_MARGIN = 1.5, 0.1


class SpanQAVictim(ModelWrapper):
    """A span-QA model as TextAttack sees it: maps a list of queries to a list of outputs.

    Args:
        scorer: answers queries.
        guide: the kind of model that guides the search.
    """

    def __init__(self, scorer: Scorer, guide: Guide = "none") -> None:
        self.model = scorer
        self.guide = guide

    def __call__(self, text_input_list: list[Query]) -> list[Output]:
        """Answer the queries."""
        return self.model(text_input_list) if text_input_list else []


class SpanQAResult(GoalFunctionResult):
    """A result as TextAttack prints it."""

    def get_text_color_input(self) -> str:
        return "green"

    def get_text_color_perturbed(self) -> str:
        return "red"

    def get_colored_output(self, color_method: str | None = None) -> str:
        return str(self.output)


class SpanGoal(GoalFunction):
    """A goal for the answer of a span-QA model: the base of `UntargetedSpanF1` and `TargetedSpan`.

    The ground truth is a JSON string, because TextAttack needs a string: {"text": [...],
    "answer_start": [...]} with offsets into the unperturbed context, and optionally "target", a
    text of the context.

    **What counts as a query.** `query_budget` limits `num_queries`, which counts each text that the
    model answers (including the clean one), each gradient, and each second reading if a fast model
    guides the search. A repeated text costs nothing. With the guide "equal" a text counts once, as
    it would in float32. `readings` counts every text that the model read.

    If a fast model guides the search, the clean example and every text that would end it are read
    in float32, which decides; `unconfirmed` counts the texts that only a faster reading got wrong.
    A guide that reads part of the passage cannot see answers elsewhere, so the best text of every
    step is read whole.

    Args:
        f1: scores answers against the gold ones.
    """

    def __init__(self, victim: SpanQAVictim, *, f1: ScoreAnswer = SQUAD_F1, **options: Any) -> None:
        # Clearing TextAttack's default cache of a million entries takes longer than an example.
        super().__init__(victim, model_cache_size=2**14, **options)
        self.f1_of = f1
        self.f1 = lru_cache(maxsize=4096)(lambda answer: f1(answer, self.answers["text"]))
        self._begin()

    def _begin(self) -> None:
        self.num_queries = self.readings = self.tried = self.unconfirmed = 0
        # Set by a transformation that the budget leaves no query to find candidates with.
        self.starved = False
        self.margin = LEAST_MARGIN
        # A search sets this to the score that a text must beat.
        self.to_beat = float("-inf")
        self.f1.cache_clear()

    @property
    def answers(self) -> dict[str, Any]:
        """The gold answers of the example under attack."""
        return _parsed(self.ground_truth_output)

    def wanted_spans(self, context: str) -> Spans:
        """The spans of a context whose probability guides the search."""
        raise NotImplementedError

    def reached(self, output: Output) -> bool:
        """Whether an answer is what the attack wants."""
        raise NotImplementedError

    def score(self, output: Output) -> float:
        """The score that the search climbs."""
        raise NotImplementedError

    def init_attack_example(self, attacked_text: AttackedText, ground_truth_output: str) -> Any:
        """Begin an example, as TextAttack does, and reset the counts."""
        self.clear_cache()
        self._begin()
        return super().init_attack_example(attacked_text, ground_truth_output)

    def query(self, attacked_text: AttackedText, reading: Reading = "exact") -> Query:
        """The query about a text."""
        question, context = attacked_text.tokenizer_input
        return Query(question, context, self.wanted_spans(context), reading)

    def spend(self, queries: int) -> bool:
        """Count queries made elsewhere, such as gradients; False if they exceed the budget.

        One query is reserved for the texts that they lead to.
        """
        if self.num_queries + queries >= self.query_budget:
            return False
        self.num_queries += queries
        self.readings += queries
        return True

    def get_results(
        self, attacked_text_list: list[AttackedText], check_skip: bool = False
    ) -> tuple[list[SpanQAResult], bool]:
        """Results for as many texts as the budget allows, and whether it is used up."""
        known = self._call_model_cache
        new = [text for text in dict.fromkeys(attacked_text_list) if text not in known]
        left = self.query_budget - self.num_queries
        if self.model.guide in ("fast", "partial") and new != [self.initial_attacked_text]:
            # Texts are useless if the budget leaves no query to confirm one.
            left = max(min(left, 1), left - (2 if self.model.guide == "partial" else 1))
        new = new[: int(min(left, len(new)))] if left > 0 else []
        for text, output in zip(new, self._answers_to(new), strict=True):
            known[text] = output
        results = []
        for text in attacked_text_list:
            if text in known:
                output = known[text]
                status = self._get_goal_status(output, text, check_skip=check_skip)
                score = self._get_score(output, text)
                about = (output.answer, status, score, self.num_queries, self.ground_truth_output)
                results.append(SpanQAResult(text, output, *about))
        return results, self.num_queries >= self.query_budget

    def importance(self, texts: list[AttackedText]) -> list[float]:
        """Scores of texts that only rank words; no search ends on one.

        Args:
            texts: the texts to rank; each different one costs a query.
        """
        self._count(len(set(texts)))
        reading: Reading = "exact" if self.model.guide == "none" else "guide"
        return [self.score(output) for output in self._read(texts, reading)]

    def exact_importance(self, texts: list[AttackedText]) -> list[float]:
        """The same in float32, if a fast guide must give the same search."""
        return [self.score(output) for output in self._read(texts, "exact")]

    def saw(self, fast: float, exact: float) -> None:
        """Widen the margin by a difference between the fast model and float32."""
        self.margin = max(self.margin, SAFETY * abs(fast - exact))

    def _count(self, texts: int) -> None:
        self.num_queries += texts

    def _read(self, texts: list[AttackedText], reading: Reading) -> list[Output]:
        queries = [self.query(text, reading) for text in texts]
        new = list(dict.fromkeys(queries))
        self.readings += len(new)
        known = dict(zip(new, self.model(new), strict=True))
        return [known[query] for query in queries]

    def _answers_to(self, texts: list[AttackedText]) -> list[Output]:
        """Answers for texts that are not in the cache."""
        if not texts:
            return []
        self._count(len(texts))
        if texts == [self.initial_attacked_text]:
            outputs = self._read(texts, "exact")
            if self.model.guide == "equal":
                (fast,) = self._read(texts, "guide")
                self.saw(self.score(fast), self.score(outputs[0]))
            return outputs
        self.tried += len(texts)
        if self.model.guide == "none":
            return self._read(texts, "exact")
        outputs = self._read(texts, "guide")
        if self.model.guide == "equal":
            return self._decided(texts, outputs)
        return self._confirmed(texts, outputs)

    def _confirmed(self, texts: list[AttackedText], outputs: list[Output]) -> list[Output]:
        """A fast guide's answers; the best that seems to reach the goal is read again."""
        # A search continues with the first of the best texts of a step.
        best_first = sorted(range(len(texts)), key=lambda i: -self.score(outputs[i]))
        unseen = best_first[:1] if self.model.guide == "partial" else []
        confirmed = False
        for i in best_first:
            seems = self.reached(outputs[i])
            if seems and (confirmed or self.num_queries >= self.query_budget):
                outputs[i] = replace(outputs[i], confirmed=False)
            elif seems or i in unseen:
                outputs[i] = self._read_again(texts[i], outputs[i])
                confirmed = confirmed or self.reached(outputs[i])
        return outputs

    def _read_again(self, text: AttackedText, output: Output) -> Output:
        """The output of increasingly exact readings, as long as they reach the goal."""
        readings: list[Reading] = ["whole", "exact"] if self.model.guide == "partial" else ["exact"]
        for reading in readings:
            if self.num_queries >= self.query_budget:
                return replace(output, confirmed=False)
            found = self.reached(output)
            self._count(1)
            (output,) = self._read([text], reading)
            if not self.reached(output):
                self.unconfirmed += found
                break
        return output

    def _decided(self, texts: list[AttackedText], outputs: list[Output]) -> list[Output]:
        """A fast guide's answers, with float32's for every text that may be the best: those that
        seem to reach the goal, and those with a score near the highest."""
        scores = [self.score(output) for output in outputs]
        close: list[int] = []

        def unread() -> list[int]:
            if max(scores) + self.margin <= self.to_beat:
                return []
            least = max(scores) - 2 * self.margin
            return [i for i, score in enumerate(scores) if score >= least and i not in close]

        more = [i for i, output in enumerate(outputs) if self.reached(output)] or unread()
        while more:
            close += more
            for i, exact in zip(more, self._read([texts[i] for i in more], "exact"), strict=True):
                self.saw(scores[i], self.score(exact))
                outputs[i] = exact
            # The observed differences may have widened the margin; then more texts are close.
            more = unread()
        return [
            output if i in close else replace(output, confirmed=False)
            for i, output in enumerate(outputs)
        ]

    def _is_goal_complete(self, model_output: Output, attacked_text: AttackedText) -> bool:
        return model_output.confirmed and self.reached(model_output)

    def _get_score(self, model_output: Output, attacked_text: AttackedText) -> float:
        return self.score(model_output)

    def _get_displayed_output(self, raw_output: Output) -> str:
        return raw_output.answer

    def _goal_function_result_type(self) -> type[GoalFunctionResult]:
        return SpanQAResult

    def _process_model_outputs(self, inputs: Any, outputs: Any) -> Any:
        return outputs


@lru_cache(maxsize=256)
def _parsed(truth: str) -> dict[str, Any]:
    return json.loads(truth)
