"""What recipes need besides the example under attack; each resource is made once, on first use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from torch import nn
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from xltlib.artifacts import InputError
from xltlib.attacks import identity
from xltlib.attacks.falsehoods import Falsehoods
from xltlib.attacks.hotflip import Vocabulary, one_piece_words
from xltlib.attacks.lexicon import CACHE, Lexicon, induced, joined, parallel, read_lexicon
from xltlib.attacks.masked_lm import MaskedLM
from xltlib.attacks.query import Predictor
from xltlib.attacks.random_state import kept_random_state
from xltlib.attacks.synonym import Neighbourhood, Noted, VocabularyNeighbours
from xltlib.attacks.white_box import WhiteBox
from xltlib.encoders import encoder_folder
from xltlib.encoders.opening import open_model, open_tokenizer
from xltlib.encoders.parts import word_embeddings
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.evaluation.retrieval import embed
from xltlib.languages.codes import closest
from xltlib.params import (
    CodeMixSettings,
    EngineSettings,
    MaskedLMSettings,
    RecipeSettings,
    SynonymSettings,
    WordSettings,
)
from xltlib.training.robust.neighbours import read_neighbours

Row = dict[str, Any]


def standard(predictor: Predictor) -> TypeGuard[SpanPredictor]:
    """Whether a predictor answers as its model does, and not as a subclass's `score` says."""
    return type(predictor) is SpanPredictor and "score" not in vars(predictor)


@dataclass
class Resources:
    """Everything that recipes share.

    Args:
        predictor: the model under attack.
        rows: all rows by language, not only those to attack, so that wrong answers do not depend on
            how many are attacked.
        encoder: a folder with a pretrained encoder for sentence vectors, word neighbours and
            alignments. Use the same one for all models of a comparison.
        bitext: (sentence, English translation) pairs by language, for induced lexicons.
        cache: the folder of other pretrained models that recipes name.
        revisions: the commits at which those on the hub are read, by name.
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
        """A digest of the model under attack, by content; load the model again if it changes.

        A predictor may give one in an attribute `identity`. Without it, one that is not `standard`,
        such as a defence that overrides `score`, never counts as one that was attacked before.
        """
        stated = getattr(self.predictor, "identity", None)
        if stated:
            return str(stated)
        if standard(self.predictor):
            return identity.digest(
                identity.of_model(self.predictor.model),
                identity.of_tokenizer(self.predictor.tokenizer),
                self.predictor.settings.model_dump(mode="json"),
            )
        return secrets.token_hex(16)

    def identity(self, settings: RecipeSettings, engine: EngineSettings) -> str:
        """A digest of everything that an outcome depends on besides the example."""
        return identity.digest(
            self.victim,
            settings.kind,
            identity.of_settings(settings, self.named(settings)),
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

    def named(self, settings: RecipeSettings) -> list[Path]:
        """The folders of the models that a recipe names."""
        names = [getattr(settings, name, None) for name in ("model", "surrogate")]
        return [self.folder(name) for name in names if name]

    @cached_property
    @kept_random_state()  # loading draws random numbers
    def pretrained(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The encoder and its tokenizer.

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
        """A language's synonyms: its list, or else the nearest words of the encoder's
        vocabulary."""

        def make() -> Neighbourhood:
            code = closest(language, settings.neighbours)
            if code is not None:
                return read_neighbours(settings.neighbours[code])
            encoder, tokenizer = self.pretrained
            return VocabularyNeighbours(
                language,
                tokenizer,
                word_embeddings(encoder).weight,
                nearest=settings.nearest,
                min_cosine=settings.min_cosine,
            )

        return self._once(make, "neighbours", language, _list_of(settings, language))

    def noted(self, settings: SynonymSettings, language: str) -> Noted:
        """A language's synonyms, with notes on the words that have none."""
        near = partial(self.neighbours, settings, language)
        return self._once(
            lambda: Noted(near(), language), "noted", language, _list_of(settings, language)
        )

    @property
    def notes(self) -> list[tuple[str, Noted]]:
        """Each language with its notes."""
        return [(key[1], one) for key, one in self._kept.items() if key[0] == "noted"]

    def lexicon(self, settings: CodeMixSettings, language: str) -> Lexicon:
        """A language's translations: its lexicons joined, or else one induced from parallel text.

        English is translated into every language with parallel text, other languages into English.
        """

        given = settings.lexicons.get(closest(language, settings.lexicons) or "", ())

        def make() -> Lexicon:
            if given:
                return joined(read_lexicon(file, language) for file in given)
            if not any(parallel(self.bitext, language).values()):
                raise InputError(
                    "codemix needs `lexicons` by language, or `parallel` text (`bitext=` in "
                    f"Python); for {language!r} there is neither"
                )
            return induced(self.bitext, language, *self.pretrained)

        return self._once(make, "lexicon", language, *map(identity.of_path, given))

    def masked_lm(self, settings: MaskedLMSettings) -> MaskedLM:
        """The masked language model that proposes words."""
        folder = self.folder(settings.model)
        return self._once(partial(MaskedLM, folder, self.device), "mlm", identity.of_path(folder))

    @property
    def device(self) -> str:
        """The device of the model under attack; "cpu" if unknown."""
        model = getattr(self.predictor, "model", None)
        weight = next(model.parameters(), None) if isinstance(model, nn.Module) else None
        return "cpu" if weight is None else str(weight.device)

    @cached_property
    def white_box(self) -> WhiteBox:
        """The gradients of the model under attack.

        Raises:
            InputError: the model is a black box.
        """
        if not isinstance(self.predictor, SpanPredictor):
            raise InputError(
                "this recipe needs the model's gradients, which a function does not have; pass the "
                "model itself, or rank by a surrogate's gradient (`surrogate=`)"
            )
        return WhiteBox(self.predictor)

    @cached_property
    def fast(self) -> Predictor:
        """The model under attack in bf16, which guides searches (`SpanPredictor.faster`)."""
        own = self.predictor
        return own.faster() if isinstance(own, SpanPredictor) else own

    def gradients(self, settings: WordSettings, *, fast: bool = False) -> WhiteBox:
        """The gradients that rank words: those of the model under attack, or of a surrogate.

        Args:
            fast: those of a copy in bf16.
        """
        if settings.surrogate is None:
            box = self.white_box
            return WhiteBox(self.fast) if fast and isinstance(self.fast, SpanPredictor) else box
        folder = self.folder(settings.surrogate)

        def make() -> WhiteBox:
            surrogate = SpanPredictor.load(folder, device=self.device)
            return WhiteBox(surrogate.faster() if fast else surrogate)

        return self._once(make, "surrogate", identity.of_path(folder), str(fast))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The one-piece words of the model under attack."""
        predictor = self.white_box.predictor
        return one_piece_words(predictor.tokenizer, word_embeddings(predictor.model).weight)

    @cached_property
    def falsehoods(self) -> Falsehoods:
        """Wrong answers and false sentences, made from the rows."""
        return Falsehoods(self.rows)

    def _once(self, make: Callable[[], Any], *key: str) -> Any:
        """The result of `make`, computed once per key; the key identifies everything it is made
        from."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def _list_of(settings: SynonymSettings, language: str) -> str:
    """What distinguishes the synonyms of a language from others."""
    given = settings.neighbours.get(closest(language, settings.neighbours) or "")
    return identity.of_path(given) if given else f"{settings.nearest} {settings.min_cosine}"
