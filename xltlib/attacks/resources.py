"""What recipes need beside the example under attack; each is made once, when first asked for."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.attacks import identity
from xltlib.attacks.distractor import wrong_answers
from xltlib.attacks.distractor_templates import AlteredQuestions, false_sentence
from xltlib.attacks.hotflip import Vocabulary, one_piece_words
from xltlib.attacks.lexicon import CACHE, Lexicon, induced, joined, read_lexicon
from xltlib.attacks.masked_lm import MaskedLM
from xltlib.attacks.query import Predictor
from xltlib.attacks.synonym import Neighbourhood, VocabularyNeighbours
from xltlib.attacks.tasa import false_copies
from xltlib.attacks.white_box import WhiteBox
from xltlib.encoders import encoder_folder
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.encoders.parts import word_embeddings
from xltlib.evaluation import squad
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.retrieval import embed
from xltlib.params import (
    CodeMixSettings,
    DistractorSettings,
    EngineSettings,
    MaskedLMSettings,
    RecipeSettings,
    SynonymSettings,
    TasaSettings,
    WordSettings,
)
from xltlib.training.robust.neighbours import read_neighbours

Row = dict[str, Any]


@dataclass
class Resources:
    """Everything that a recipe draws on.

    Args:
        predictor: the model under attack.
        rows: all rows by language, not only those to attack, so that neighbours and wrong answers
            do not depend on how many are.
        encoder: a folder with a pretrained encoder, for sentence vectors, word neighbours and
            alignments; the same for every model of a comparison.
        bitext: (sentence, English translation) pairs by language, for induced lexicons.
        cache: where other pretrained models are kept, for those that a recipe names.
        revisions: at which commits models of the hub are read, by name.
    """

    predictor: Predictor
    rows: Mapping[str, Sequence[Row]]
    encoder: Path | None = None
    bitext: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    cache: Path = CACHE
    revisions: Mapping[str, str] = field(default_factory=dict)
    _kept: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)

    @cached_property
    def victim(self) -> str:
        """What the model under attack is, by content; it has to be loaded anew where that changes.

        A predictor that is no `SpanPredictor` may say it in an attribute `identity`. One that does
        not is never taken for one that was attacked before.
        """
        if isinstance(self.predictor, SpanPredictor):
            return identity.digest(
                identity.of_model(self.predictor.model),
                identity.of_tokenizer(self.predictor.tokenizer),
                self.predictor.settings.model_dump(mode="json"),
            )
        return getattr(self.predictor, "identity", None) or secrets.token_hex(16)

    def identity(self, settings: RecipeSettings, engine: EngineSettings) -> str:
        """All that an outcome depends on beside the example itself."""
        named = [getattr(settings, name, None) for name in ("model", "surrogate")]
        return identity.digest(
            self.victim,
            settings.kind,
            identity.of_settings(settings, [self.folder(name) for name in named if name]),
            identity.of_engine(engine),
            self._around,
        )

    @cached_property
    def _around(self) -> str:
        """The rows, the encoder and the parallel text that recipes may draw on."""
        rows = {code: list(map(dict, part)) for code, part in self.rows.items()}
        bitext = {code: list(pairs) for code, pairs in self.bitext.items()}
        encoder = "" if self.encoder is None else identity.of_path(self.encoder)
        return identity.digest(rows, bitext, encoder)

    def folder(self, model: str) -> Path:
        """The folder of a model that a recipe names."""
        return encoder_folder(model, cache=self.cache, revision=self.revisions.get(model))

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
        return open_model(AutoModel, self.encoder, tokenizer, device=self.device), tokenizer

    def vectors(self, texts: list[str]) -> np.ndarray:
        """Sentence vectors at unit length: [N, H]."""
        return embed(*self.pretrained, texts)

    def neighbours(self, settings: SynonymSettings, language: str) -> Neighbourhood:
        """A language's synonyms: its list, or the nearest words of the encoder's vocabulary."""

        def make() -> Neighbourhood:
            if language in settings.neighbours:
                return read_neighbours(settings.neighbours[language])
            encoder, tokenizer = self.pretrained
            return VocabularyNeighbours(
                language,
                tokenizer,
                word_embeddings(encoder).weight,
                nearest=settings.nearest,
                min_cosine=settings.min_cosine,
            )

        given = settings.neighbours.get(language)
        key = identity.of_path(given) if given else f"{settings.nearest} {settings.min_cosine}"
        return self._once(make, "neighbours", language, key)

    def lexicon(self, settings: CodeMixSettings, language: str) -> Lexicon:
        """A language's translations: its lexicons joined, or one induced from parallel text.

        English is translated into every language there is parallel text for, others into English.
        """

        def make() -> Lexicon:
            if language in settings.lexicons:
                return joined(map(read_lexicon, settings.lexicons[language]))
            return induced(self.bitext, language, *self.pretrained)

        given = settings.lexicons.get(language, ())
        return self._once(make, "lexicon", language, *map(identity.of_path, given))

    def masked_lm(self, settings: MaskedLMSettings) -> MaskedLM:
        """The masked language model that proposes words."""
        folder = self.folder(settings.model)
        return self._once(partial(MaskedLM, folder, self.device), "mlm", identity.of_path(folder))

    @property
    def device(self) -> str:
        """Where the model under attack is; "cpu" where nobody can know."""
        model = getattr(self.predictor, "model", None)
        return str(getattr(model, "device", "cpu"))

    @cached_property
    def white_box(self) -> WhiteBox:
        """The gradients of the model under attack.

        Raises:
            InputError: it is a black box.
        """
        if not isinstance(self.predictor, SpanPredictor):
            raise InputError(
                "this recipe needs the model's gradients, which a callable does not give; pass the "
                "model itself, or rank by a surrogate's gradient (`surrogate=`)"
            )
        return WhiteBox(self.predictor)

    def gradients(self, settings: WordSettings) -> WhiteBox:
        """The gradients that rank words: of the model under attack, or of a surrogate."""
        if settings.surrogate is None:
            return self.white_box
        folder = self.folder(settings.surrogate)

        def make() -> WhiteBox:
            return WhiteBox(SpanPredictor.load(folder, device=self.device))

        return self._once(make, "surrogate", identity.of_path(folder))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """One-piece words of the model under attack."""
        predictor = self.white_box.predictor
        return one_piece_words(predictor.tokenizer, word_embeddings(predictor.model).weight)

    def wrong_answers(self, row: Row, language: str, n: int) -> list[str]:
        """Answers in a language to other questions, that fit the row's type and are wrong."""
        pool = self._once(lambda: _answers(self.rows.get(language, ())), "answers", language)
        golds = row["answers"]["text"]
        own = _twin(self.rows.get(language, ()), row)
        wrong = [*golds, *(own["answers"]["text"] if own else [])]
        question = own["question"] if own else row["question"]
        seed = f"{row['language']} {row['id']}"
        return wrong_answers(pool, question, wrong, row["context"], seed, n)

    def altered_questions(self, language: str) -> AlteredQuestions:
        """Makes questions of a language ask about something else."""
        questions = [row["question"] for row in self.rows.get(language, ())]
        return self._once(partial(AlteredQuestions, language, questions), "altered", language)

    def false_sentences(self, settings: DistractorSettings, row: Row) -> dict[str, str]:
        """Sentences that answer the row's question wrongly, each with its language's code.

        None of them holds a gold answer. In another language than the row's, question and answer
        are those of the same id in that language, where the data is parallel, and else the
        question stays in its own.
        """
        golds = row["answers"]["text"]
        found: dict[str, str] = {}
        for code in settings.languages:
            relative = {
                "passage": row["language"],
                "question": row.get("question_language", row["language"]),
            }
            language = relative.get(code, code)
            twin = _twin(self.rows.get(language, ()), row)
            question = twin["question"] if twin else row["question"]
            source = language if self.rows.get(language) else row["language"]
            if settings.altered:
                rng = random.Random(f"{settings.seed} {source} {row['id']}")
                question = self.altered_questions(source).altered(question, row["context"], rng)
            if settings.goal == "targeted":
                answers = [row["target"]]
            else:
                answers = self.wrong_answers(row, source, settings.answers)
            for answer in answers:
                for template in settings.templates:
                    sentence = false_sentence(language, question, answer, template)
                    if not any(gold in sentence for gold in golds):
                        found.setdefault(sentence, language)
        return found

    def false_copies(self, settings: TasaSettings, row: Row) -> dict[str, str]:
        """The sentence with the answer, with wrong ones in its place, and its language's code."""
        golds, start = row["answers"]["text"], row["answers"]["answer_start"][0]
        if settings.goal == "targeted":
            answers = [row["target"]]
        else:
            answers = self.wrong_answers(row, row["language"], settings.answers)
        copies = false_copies(
            row["context"],
            (start, start + len(golds[0])),
            golds,
            answers,
            self.altered_questions(row["language"]),
            random.Random(f"{settings.seed} {row['language']} {row['id']}"),
        )
        language: str = row["language"]
        return dict.fromkeys(copies, language)

    def target(self, settings: RecipeSettings, row: Row) -> str | None:
        """What a targeted attack wants as the answer; None where there is nothing to want.

        For a false sentence its wrong answer, else the first answer to another question on the same
        passage.
        """
        if row.get("target"):
            return row["target"]
        if isinstance(settings, DistractorSettings | TasaSettings):
            return next(iter(self.wrong_answers(row, row["language"], 1)), None)
        golds = row["answers"]["text"]
        others = [
            other["answers"]["text"][0]
            for other in self.rows[row["language"]]
            if other["context"] == row["context"] and other["answers"]["answer_start"][0] >= 0
        ]
        return next((text for text in others if squad.f1(text, golds) == 0), None)

    def _once(self, make: Callable[[], Any], *key: str) -> Any:
        """What `make` makes, once for each key; a key holds all that it is made of."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def _answers(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return [(row["question"], row["answers"]["text"][0]) for row in rows]


def _twin(rows: Iterable[Row], row: Row) -> Row | None:
    """The row of the same id, if its language is another."""
    others = (one for one in rows if one["language"] != row["language"])
    return next((one for one in others if one["id"] == row["id"]), None)
