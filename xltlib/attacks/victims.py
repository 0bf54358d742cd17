"""Models in any form, as predictors that can be attacked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.attacks.query import ROUNDING, Predictor, Spans, UnusableAnswer
from xltlib.attacks.random_state import kept_random_state
from xltlib.encoders import encoder_folder
from xltlib.encoders.parts import on_device
from xltlib.evaluation.answer_scoring import SQUAD_F1, ScoreAnswer
from xltlib.evaluation.predictor import Prediction, SpanPredictor, usual_windows
from xltlib.text_files import number_of, shown

AnswerQuestions = Callable[[list[str], list[str]], Sequence[Any]]
"""Maps questions and contexts to answers: texts, (text, probability) pairs, or mappings with
`answer` and optionally `score`, as pipelines return them."""
# The probability of an answer that comes without one.
_SURE = 0.99


class CallablePredictor:
    """A black box: a function from questions and contexts to answers.

    A function does not say how likely the gold answer is. For an answer of probability p that has
    the F1 f with the gold answer, it is estimated as f p + (1 - f) (1 - p). If answers come without
    probabilities, the search knows only how correct they are and misses small gains. Anything that
    needs gradients (hotflip, embedding, ranking by the model's own gradient) is refused, and so is
    a faster guide.

    Args:
        identity: a name that distinguishes this function from others, so that interrupted attacks
            on it can be resumed; without it nothing of an earlier run is reused.
        f1: compares answers with gold ones.
    """

    def __init__(
        self,
        function: AnswerQuestions,
        identity: str | None = None,
        f1: ScoreAnswer = SQUAD_F1,
    ) -> None:
        self.function, self.identity, self.f1 = function, identity, f1

    def score(
        self, questions: list[str], contexts: list[str], spans: list[Spans]
    ) -> tuple[list[Prediction], np.ndarray]:
        """Answers, and a probability for the wanted spans of each example.

        Raises:
            UnusableAnswer: the function does not return one answer per question.
        """
        given = self.function(list(questions), list(contexts))
        if isinstance(given, str | Mapping) or not hasattr(given, "__len__"):
            raise UnusableAnswer(
                f"the model's function returned {shown(given)}; return a list of answers"
            )
        if len(given) != len(questions):
            raise UnusableAnswer(
                f"the model's function was asked {number_of(len(questions), 'question')} and "
                f"returned {number_of(len(given), 'answer')}; return one per question, in order"
            )
        predictions, probabilities = [], []
        for answer, context, wanted in zip(given, contexts, spans, strict=True):
            text, sure = _answer(answer)
            if not -ROUNDING <= sure <= 1 + ROUNDING:
                raise UnusableAnswer(
                    f"the model's function returned the probability {sure}; return one from 0 to 1"
                )
            start = max(context.find(text), 0)
            predictions.append(Prediction(text, start, start + len(text), sure))
            golds = [context[a:b] for a, b in wanted]
            right = self.f1(text, golds) if golds else 0.0
            probabilities.append(right * sure + (1 - right) * (1 - sure) if golds else 0.0)
        return predictions, np.array(probabilities)


def _answer(given: Any) -> tuple[str, float]:
    if isinstance(given, str):
        return given, _SURE
    text: Any = None
    sure: Any = None
    if isinstance(given, Mapping) and isinstance(given.get("answer"), str):
        text, sure = given["answer"], given.get("score", _SURE)
    elif isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[0], str):
        text, sure = given
    with suppress(TypeError, ValueError):
        if text is not None:
            return text, float(sure)
    raise UnusableAnswer(
        f"the model's function returned {shown(given)} as an answer; return a text, a (text, "
        "probability) pair or a mapping with `answer` and `score`"
    )


@kept_random_state()  # loading draws random numbers
def victim(
    model: Any,
    tokenizer: PreTrainedTokenizerBase | None = None,
    *,
    cache: Path,
    device: str | None = None,
    identity: str | None = None,
    f1: ScoreAnswer = SQUAD_F1,
) -> Predictor:
    """A predictor from a folder, a hub name, a loaded model, a predictor or a function.

    Raises:
        InputError: it is none of these, or a model lacks its tokenizer or its span-QA head.
    """
    if isinstance(model, str | Path):
        folder = encoder_folder(str(model), cache=cache)
        return SpanPredictor.load(folder, device=device or "cpu")
    if isinstance(model, tuple) and len(model) == 2:
        model, tokenizer = model
    if isinstance(model, torch.nn.Module):
        return _loaded(model, tokenizer, device)
    if callable(getattr(model, "score", None)):
        return model
    if callable(model):
        _takes_two(model)
        return CallablePredictor(model, identity, f1)
    raise InputError(
        f"model: {type(model).__name__} cannot be used; give a folder, a hub name, a loaded "
        "model with its tokenizer, a SpanPredictor, or a function of questions and contexts"
    )


def _loaded(
    model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase | None, device: str | None
) -> SpanPredictor:
    if tokenizer is None:
        raise InputError(
            f"model: {type(model).__name__} came without its tokenizer; give tokenizer="
        )
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(
            f"tokenizer: {type(tokenizer).__name__} has no character offsets, which span QA needs; "
            "load the fast one with AutoTokenizer"
        )
    moved = on_device(model, device) if device else model
    # Wrapped models, such as peft's, are no PreTrainedModel; the call below is the test.
    own = cast(PreTrainedModel, moved)
    try:
        predictor = SpanPredictor(own, tokenizer, usual_windows(own))
        predictor.predict(["Who?"], ["Ada Lovelace."])
    except InputError:
        raise
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"model: {type(model).__name__} does not answer as a span-QA model ({error}); give one "
            "that AutoModelForQuestionAnswering loads"
        ) from error
    return predictor


def _takes_two(function: Callable[..., Any]) -> None:
    try:
        inspect.signature(function).bind([], [])
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise InputError(
            f"model: {name} has to take two arguments, a list of questions and a list of contexts "
            f"({error})"
        ) from error
    except ValueError:  # a function without a readable signature
        return
