"""What recipes need beside the example under attack; each is made once, when first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.attacks.distractor import wrong_answers
from xltlib.attacks.frames import false_sentence
from xltlib.attacks.hotflip import Vocabulary, one_piece_words
from xltlib.attacks.lexicon import Lexicon, induce, joined, read_lexicon
from xltlib.attacks.masked_lm import MaskedLM
from xltlib.attacks.white_box import WhiteBox
from xltlib.encoders import encoder_folder
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.evaluation import squad
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.retrieval import embed
from xltlib.params import (
    CodeMixSettings,
    DistractorSettings,
    MaskedLMSettings,
    RecipeSettings,
    SynonymSettings,
)
from xltlib.training.robust.neighbours import Neighbours, embedding_neighbours, read_neighbours

Row = dict[str, Any]
CACHE = Path("~/.cache/xltlib").expanduser()


@dataclass
class Tools:
    """Everything that a recipe draws on.

    Args:
        predictor: the model under attack.
        rows: all rows by language, not only those to attack, so that neighbours and wrong answers
            do not depend on how many are.
        encoder: a folder with a pretrained encoder, for sentence vectors, word neighbours and
            alignments; the same for every model of a comparison.
        bitext: (sentence, English translation) pairs by language, for induced lexicons.
        cache: where other pretrained models are kept, for those that a recipe names.
    """

    predictor: SpanPredictor
    rows: Mapping[str, Sequence[Row]]
    encoder: Path | None = None
    bitext: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    cache: Path = CACHE
    _kept: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @cached_property
    def pretrained(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The encoder and its tokeniser.

        Raises:
            InputError: no encoder was given.
        """
        if self.encoder is None:
            raise InputError(
                "this recipe needs a pretrained encoder, for similarity, neighbours or alignment; "
                "give one (`encoder=`, --encoder)"
            )
        tokenizer = open_tokenizer(self.encoder)
        device = str(self.predictor.model.device)
        return open_model(AutoModel, self.encoder, tokenizer, device=device), tokenizer

    def vectors(self, texts: list[str]) -> np.ndarray:
        """Sentence vectors at unit length: [N, H]."""
        return embed(*self.pretrained, texts)

    def neighbours(self, settings: SynonymSettings, language: str) -> Neighbours:
        """A language's synonyms: its list, or neighbours in the encoder's word embeddings."""

        def make() -> Neighbours:
            if language in settings.neighbours:
                return read_neighbours(settings.neighbours[language])
            encoder, tokenizer = self.pretrained
            return embedding_neighbours(
                [row["context"] for row in self.rows[language]],
                tokenizer,
                encoder.get_input_embeddings().weight,
                nearest=settings.nearest,
                min_cosine=settings.min_cosine,
            )

        return self._once("neighbours", language, make)

    def lexicon(self, settings: CodeMixSettings, language: str) -> Lexicon:
        """A language's translations: its lexicons joined, or one induced from parallel text.

        English is translated into every language there is parallel text for, others into English.
        """

        def make() -> Lexicon:
            if language in settings.lexicons:
                return joined(map(read_lexicon, settings.lexicons[language]))
            encoder, tokenizer = self.pretrained
            found = [
                induce(
                    [(b, a) if language == "en" else (a, b) for a, b in pairs], encoder, tokenizer
                )
                for code, pairs in sorted(self.bitext.items())
                if language in ("en", code)
            ]
            return joined(found)

        return self._once("lexicon", language, make)

    def masked_lm(self, settings: MaskedLMSettings) -> MaskedLM:
        """The masked language model that proposes words."""

        def make() -> MaskedLM:
            folder = encoder_folder(settings.model, cache=self.cache)
            return MaskedLM(folder, str(self.predictor.model.device))

        return self._once("mlm", settings.model, make)

    @cached_property
    def white_box(self) -> WhiteBox:
        """The gradients of the model under attack."""
        return WhiteBox(self.predictor)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """One-piece words of the model under attack."""
        weights = self.predictor.model.get_input_embeddings().weight
        return one_piece_words(self.predictor.tokenizer, weights)

    def wrong_answers(self, row: Row, language: str, n: int) -> list[str]:
        """Answers in a language to other questions, that fit the row's type and are wrong."""
        pool = self._once("answers", language, lambda: _answers(self.rows.get(language, ())))
        golds = row["answers"]["text"]
        own = _twin(self.rows.get(language, ()), row)
        wrong = [*golds, *(own["answers"]["text"] if own else [])]
        question = own["question"] if own else row["question"]
        seed = f"{row['language']} {row['id']}"
        return wrong_answers(pool, question, wrong, row["context"], seed, n)

    def false_sentences(self, settings: DistractorSettings, row: Row) -> list[str]:
        """Sentences that answer the row's question wrongly, none of which holds a gold answer.

        In another language than the row's, question and answer are those of the same id in that
        language, where the data is parallel, and else the question stays as it is.
        """
        golds, sentences = row["answers"]["text"], []
        for code in settings.languages:
            relative = {
                "passage": row["language"],
                "question": row.get("question_language", row["language"]),
            }
            language = relative.get(code, code)
            twin = _twin(self.rows.get(language, ()), row)
            question = twin["question"] if twin else row["question"]
            source = language if self.rows.get(language) else row["language"]
            if settings.goal == "targeted":
                answers = [row["target"]]
            else:
                answers = self.wrong_answers(row, source, settings.answers)
            sentences += [false_sentence(language, question, answer) for answer in answers]
        return [text for text in dict.fromkeys(sentences) if not any(g in text for g in golds)]

    def target(self, settings: RecipeSettings, row: Row) -> str | None:
        """What a targeted attack wants as the answer; None where there is nothing to want.

        For a distractor its wrong answer, else the first answer to another question on the same
        passage.
        """
        if row.get("target"):
            return row["target"]
        if isinstance(settings, DistractorSettings):
            return next(iter(self.wrong_answers(row, row["language"], 1)), None)
        golds = row["answers"]["text"]
        others = [
            other["answers"]["text"][0]
            for other in self.rows[row["language"]]
            if other["context"] == row["context"] and other["answers"]["answer_start"][0] >= 0
        ]
        return next((text for text in others if squad.f1(text, golds) == 0), None)

    def _once(self, what: str, key: str, make: Any) -> Any:
        if (what, key) not in self._kept:
            self._kept[what, key] = make()
        return self._kept[what, key]


def _answers(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return [(row["question"], row["answers"]["text"][0]) for row in rows]


def _twin(rows: Iterable[Row], row: Row) -> Row | None:
    """The row of the same id, if its language is another."""
    return next(
        (one for one in rows if one["id"] == row["id"] and one["language"] != row["language"]), None
    )
