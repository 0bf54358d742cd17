"""Windows over the context of a question.

The recipe is XTREME's (Hu et al. 2020): question first, context cut into overlapping windows of
`max_length` tokens, each starting `doc_stride` context tokens after the previous one
(`squad_convert_example_to_features` of transformers, which XTREME runs). The overlap of two windows
therefore depends on the question: it is the space that the question leaves, minus `doc_stride`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.params import SpanQASettings
from xltlib.tasks.offsets import whole_graphemes


@dataclass(frozen=True)
class Features:
    """The windows of many examples; W windows, each with its own number of tokens.

    `example[w]` is the example of window w; `offsets[w]` is an int array [tokens, 2] of character
    offsets into that example's context, widened to whole grapheme clusters, (-1, -1) for every
    token outside the context. A token without characters of its own has equal offsets.
    """

    input_ids: list[list[int]]
    attention_mask: list[list[int]]
    token_type_ids: list[list[int]] | None
    example: np.ndarray
    offsets: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.input_ids)

    def model_inputs(self, window: int) -> dict[str, list[int]]:
        """The encoder's inputs for one window, unpadded."""
        inputs = {
            "input_ids": self.input_ids[window],
            "attention_mask": self.attention_mask[window],
        }
        if self.token_type_ids is not None:
            inputs["token_type_ids"] = self.token_type_ids[window]
        return inputs


def featurize(
    tokenizer: PreTrainedTokenizerBase,
    questions: list[str],
    contexts: list[str],
    settings: SpanQASettings,
) -> Features:
    """Tokenise question and context pairs into overlapping windows.

    Questions are truncated to `max_query_length` tokens. Contexts are never truncated: what does
    not fit goes into the next window, `doc_stride` tokens further on.

    Raises:
        InputError: the tokenizer gives no character offsets (only fast ones do).
    """
    if not tokenizer.is_fast:
        raise InputError(
            f"{type(tokenizer).__name__} has no fast version and gives no character offsets, which "
            "span QA needs. Choose another encoder."
        )
    cut = _cut(tokenizer, questions, settings.max_query_length)
    room = settings.max_length - tokenizer.num_special_tokens_to_add(pair=True)
    examples_by_size: dict[int, list[int]] = {}
    for example, question in enumerate(questions):
        examples_by_size.setdefault(cut[question][1], []).append(example)
    windows: list[tuple[int, dict[str, list[int]], np.ndarray]] = []
    # The tokenizer counts the overlap of windows, which depends on the question's length.
    for size, examples in examples_by_size.items():
        encoded = tokenizer(
            [cut[questions[example]][0] for example in examples],
            [contexts[example] for example in examples],
            truncation="only_second",
            max_length=settings.max_length,
            stride=room - size - settings.doc_stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for window, place in enumerate(encoded["overflow_to_sample_mapping"]):
            inputs = {
                name: encoded[name][window]
                for name in ("input_ids", "attention_mask", "token_type_ids")
                if name in encoded
            }
            offsets = _context_offsets(
                encoded["offset_mapping"][window],
                encoded.sequence_ids(window),
                contexts[examples[place]],
            )
            windows.append((examples[place], inputs, offsets))
    windows.sort(key=lambda window: window[0])  # stable: windows of an example stay in order
    typed = bool(windows) and "token_type_ids" in windows[0][1]
    return Features(
        input_ids=[inputs["input_ids"] for _, inputs, _ in windows],
        attention_mask=[inputs["attention_mask"] for _, inputs, _ in windows],
        token_type_ids=[inputs["token_type_ids"] for _, inputs, _ in windows] if typed else None,
        example=np.array([example for example, _, _ in windows], dtype=np.int64),
        offsets=[offsets for _, _, offsets in windows],
    )


def _cut(
    tokenizer: PreTrainedTokenizerBase, questions: Sequence[str], most: int
) -> dict[str, tuple[str, int]]:
    """Each question with at most so many tokens, as text, and their number.

    An attack asks one question about many passages, so each is tokenised only once.
    """
    stripped = {question: question.strip() for question in questions}
    plain = list(stripped.values())
    coded = tokenizer(plain, add_special_tokens=False, return_offsets_mapping=True)
    # Truncated as text, at the end of the last kept token, to be tokenised with the context.
    cut = [
        question[: offsets[:most][-1][1]] if offsets else question
        for question, offsets in zip(plain, coded["offset_mapping"], strict=True)
    ]
    sizes = map(len, tokenizer(cut, add_special_tokens=False)["input_ids"])
    return dict(zip(stripped, zip(cut, sizes, strict=True), strict=True))


def _context_offsets(
    pairs: list[tuple[int, int]], sequences: list[int | None], context: str
) -> np.ndarray:
    """Character offsets of one window's tokens into the context, (-1, -1) outside it."""
    array = np.asarray(pairs, dtype=np.int64)
    inside = np.array([part == 1 for part in sequences])
    # Several tokens may represent one character (a lone "▁", the parts of "½"); the last of them
    # keeps it, so that a span of characters is one span of tokens.
    shared = np.flatnonzero(inside[:-1] & inside[1:] & (array[:-1, 0] == array[1:, 0]))
    array[shared, 1] = array[shared, 0]
    return whole_graphemes(np.where(inside[:, None], array, -1), context)
