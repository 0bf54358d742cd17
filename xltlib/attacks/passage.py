"""A question and its passage under attack, with the positions of all words kept through edits.

TextAttack's own class joins its columns, searches for every word again at each edit, and mistakes a
`<SPLIT>` in a passage for its own mark. This one splices, so an edit costs little more than a copy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import regex
from textattack.shared import AttackedText

from xltlib.languages import words

Spans = tuple[tuple[int, int], ...]
_NOT_IN_CONTEXT = (
    "only words of the context can be replaced; a recipe of your own needs the constraint "
    "ContextOutsideAnswer(goal)"
)
# Word boundaries depend on nothing beyond the nearest space, punctuation mark or symbol.
_DELIMITER = regex.compile(r"[\p{Z}\p{S}\p{Cc}]|(?!['’_])\p{P}")


class Passage(AttackedText):
    """A question and a context, as TextAttack's search, constraints and transformations see them.

    Word indices run through the question and continue in the context. Only words of the context can
    be replaced. `word_for_word` says whether the edit that made this text inserted the intended
    words and left all others unchanged: in scripts without spaces words may fuse.
    """

    _spans: Spans | None

    def __init__(
        self, question: str, context: str, attack_attrs: dict[str, Any] | None = None
    ) -> None:
        self._begin(question, context, len(words(question)))
        spans = words(context)
        self._spans, self.context_words = spans, len(spans)
        self.attack_attrs = {} if attack_attrs is None else attack_attrs
        if "original_index_map" not in self.attack_attrs:
            self.attack_attrs["original_index_map"] = np.arange(self.num_words)
        self.attack_attrs.setdefault("modified_indices", set())

    def _begin(self, question: str, context: str, question_words: int) -> None:
        self.question, self.context, self.question_words = question, context, question_words
        self.word_for_word = True
        self._text = f"{question}\n{context}"
        self._hash = hash(self._text)
        self._spans = None
        self._delimiters: list[int] | None = None
        self._splice: tuple[Passage, int, int, Spans, int] | None = None
        self._words: list[str] | None = None
        self._words_per_input = self._pos_tags = self._ner_tags = None

    @property
    def _text_input(self) -> OrderedDict[str, str]:
        return OrderedDict([("question", self.question), ("context", self.context)])

    @property
    def spans(self) -> Spans:
        """The spans of the context's words, found only when needed: most texts are read and never
        edited."""
        if self._spans is None:
            assert self._splice is not None
            before, first, last, inside, shift = self._splice
            old = before.spans
            moved = tuple([(a + shift, b + shift) for a, b in old[last + 1 :]])
            self._spans, self._splice = old[:first] + inside + moved, None
        return self._spans

    @property
    def delimiters(self) -> list[int]:
        """The offsets of the context's delimiters, found only for texts that are edited."""
        if self._delimiters is None:
            self._delimiters = [match.start() for match in _DELIMITER.finditer(self.context)]
        return self._delimiters

    @property
    def text(self) -> str:
        """Question and context, on one line each."""
        return self._text

    @property
    def tokenizer_input(self) -> tuple[str, str]:
        """The texts that a model reads."""
        return self.question, self.context

    @property
    def num_words(self) -> int:
        """Words of the question and the context."""
        return self.question_words + self.context_words

    @property
    def words(self) -> list[str]:
        """All words, with those of the question first."""
        if self._words is None:
            asked = [self.question[a:b] for a, b in words(self.question)]
            self._words = asked + [self.context[a:b] for a, b in self.spans]
        return self._words

    def __eq__(self, other: object) -> bool:
        """Whether two texts read the same, whatever edits led to them."""
        return isinstance(other, AttackedText) and self.text == other.text

    def __hash__(self) -> int:
        return self._hash

    def word(self, index: int) -> str:
        """One word of the context, without a list of all words."""
        start, end = self.spans[index - self.question_words]
        return self.context[start:end]

    def replace_words_at_indices(self, indices: Iterable[int], new_words: Iterable[str]) -> Passage:
        """The text with some words replaced; an empty replacement removes the word.

        The space before a removed word is removed too, as in TextAttack; without one, the space
        after it stays ("a 5- pro").
        """
        given = sorted(zip(indices, new_words, strict=True))
        if len({index for index, _ in given}) < len(given):
            raise ValueError("a word cannot be replaced twice at once")
        # TextAttack's genetic searches replace words of the question with themselves.
        edits = [
            (index, new)
            for index, new in given
            if not 0 <= index < self.question_words or new != self.words[index]
        ]
        if any(not self.question_words <= index < self.num_words for index, _ in edits):
            raise ValueError(_NOT_IN_CONTEXT)
        if len(edits) == 1:
            return self._replaced(edits[0][0], [edits[0][1]])[0]
        context, done = "", 0
        changed = {index for index, new in edits if new != self.word(index)}
        for index, new in edits:
            start, end = self._with_space(*self.spans[index - self.question_words], new)
            context, done = context + self.context[done:start] + new, end
        made = Passage(self.question, context + self.context[done:], {})
        if made.num_words != self.num_words:  # words are removed or inserted, so indices move
            made.attack_attrs = self._moved(edits, made.num_words)
        else:
            made.attack_attrs = self._attributes(changed)
        put = {index: [new[a:b] for a, b in words(new)] for index, new in edits}
        wanted = [
            word
            for i in range(self.question_words, self.num_words)
            for word in put.get(i, [self.word(i)])
        ]
        made.word_for_word = made.words[made.question_words :] == wanted
        return made

    def _with_space(self, start: int, end: int, new: str) -> tuple[int, int]:
        """The span that an edit replaces: a word and, if it is removed, the space before it."""
        return start - (not new and self.context[start - 1 : start] == " "), end

    def with_candidates(self, index: int, candidates: Sequence[str]) -> list[Passage]:
        """The text with each candidate in the place of one word; an empty one removes it."""
        if not self.question_words <= index < self.num_words:
            raise ValueError(_NOT_IN_CONTEXT)
        if "" in candidates:
            return [self.replace_words_at_indices([index], [new]) for new in candidates]
        return self._replaced(index, candidates) if candidates else []

    def _replaced(self, index: int, candidates: Sequence[str]) -> list[Passage]:
        """The common edit: only the text around the word is split into words again.

        The candidates are all empty, which removes the word, or none is.
        """
        old, spans, at = self.context, self.spans, index - self.question_words
        start, end = self._with_space(*spans[at], candidates[0])
        borders, i = self.delimiters, bisect_left(self.delimiters, start)
        left = borders[i - 1] + 1 if i else 0
        i = bisect_left(borders, end)
        right = borders[i] if i < len(borders) else len(old)
        first = min(at, bisect_left(spans, (left,)))
        last = max(at, bisect_right(spans, right, key=_end) - 1)
        # One more character on each side, because a mark that begins the piece belongs to it.
        before = left - (left > 0)
        head, tail = old[before:start], old[end : right + 1]
        pieces = tuple([f"{head}{new}{tail}" for new in candidates])
        found = []
        for new, inside in zip(candidates, _words_of_each(pieces), strict=True):
            shift = len(new) - (end - start)
            moved = tuple([(a + before, b + before) for a, b in inside])
            made = Passage.__new__(Passage)
            made._begin(self.question, old[:start] + new + old[end:], self.question_words)
            made._splice = self, first, last, moved, shift
            made.context_words = self.context_words + len(moved) - (last - first + 1)
            put = [(start + a, start + b) for a, b in words_within(new)]
            kept = [(a + shift, b + shift) for a, b in spans[at + 1 : last + 1]]
            made.word_for_word = moved == (*spans[first:at], *put, *kept)
            if made.context_words == self.context_words:
                made.attack_attrs = self._attributes({index} if made.context != old else set())
            else:
                made.attack_attrs = self._moved([(index, new)], made.num_words)
            found.append(made)
        return found

    def origin(self, index: int) -> int:
        """The index in the original of the word that a word replaces, or after which it was
        inserted."""
        now = self.attack_attrs["original_index_map"]
        return int(np.flatnonzero((now >= 0) & (now <= index))[-1])

    def _attributes(self, changed: set[int]) -> dict[str, Any]:
        """TextAttack's attributes after an edit that does not change the number of words."""
        return {
            "newly_modified_indices": changed,
            "previous_attacked_text": self,
            "modified_indices": self.attack_attrs["modified_indices"] | changed,
            "original_index_map": self.attack_attrs["original_index_map"],
        }

    def _moved(self, edits: list[tuple[int, str]], count: int) -> dict[str, Any]:
        """TextAttack's attributes after an edit that changes the number of words.

        A word that is still among those in its place has not changed. If new words fused with their
        neighbours, single words cannot be compared, and every index from the edit on is shifted.
        """
        index_map = self.attack_attrs["original_index_map"].copy()
        modified, newly, shift = set(self.attack_attrs["modified_indices"]), set(), 0
        for index, new in edits:
            put = [new[a:b] for a, b in words_within(new)]
            place, n, old = index + shift, len(put), self.word(index)
            modified = {i + n - 1 if i > place else i for i in modified if i != place}
            here = index_map == place
            index_map[index_map > place] += n - 1
            if n == 0:
                index_map[here] = -1
            newly |= set(range(place, place + n))
            if n > 1 and old in put:
                newly.remove(place + put.index(old))
            shift += n - 1
        fused = count - self.num_words - shift
        if fused:
            index_map[index_map > edits[0][0]] += fused
        return {
            "newly_modified_indices": newly,
            "previous_attacked_text": self,
            "modified_indices": modified | newly,
            "original_index_map": index_map,
        }


def _end(span: tuple[int, int]) -> int:
    return span[1]


@lru_cache(maxsize=65536)
def words_within(text: str) -> Spans:
    """The words of a short text, cached separately from whole passages, which rarely recur."""
    return words(text)


@lru_cache(maxsize=16384)
def _words_of_each(pieces: tuple[str, ...]) -> tuple[Spans, ...]:
    """The words of each piece, found together, because ICU is slow to start; no word crosses the
    line feed between two pieces."""
    spans = iter(words("\n".join(pieces)))
    found, span, begin = [], next(spans, None), 0
    for piece in pieces:
        inside, end = [], begin + len(piece)
        while span is not None and span[0] < end:
            inside.append((span[0] - begin, span[1] - begin))
            span = next(spans, None)
        found.append(tuple(inside))
        begin = end + 1
    return tuple(found)


def passage_of(text: AttackedText) -> Passage:
    """Any text of a question and a context, as a passage."""
    if isinstance(text, Passage):
        return text
    question, context = text.tokenizer_input
    return Passage(question, context, text.attack_attrs)
