"""Words and phrases in other languages (PolyGloss of Tan and Joty 2021)."""

from __future__ import annotations

from collections.abc import Iterator

from textattack.shared import AttackedText

from xltlib.attacks.lexicon import Lexicon
from xltlib.attacks.swap import CandidateSwap, in_case_of, is_phrase
from xltlib.languages.letter_case import folded, lower


class CodeMix(CandidateSwap):
    """Replace a word by a translation, one word or a phrase, in the word's letter case.

    Args:
        lexicon: words of the text's language, in lower case, to their translations.
    """

    def __init__(self, language: str, seed: str, lexicon: Lexicon, **options: int) -> None:
        super().__init__(language, seed, **options)
        self.lexicon = lexicon

    def candidates(self, text: AttackedText, index: int) -> Iterator[str]:
        """The word's translations in the lexicon's order."""
        word = text.words[index]
        for translation in self.lexicon.get(lower(word, self.language), ()):
            if folded(translation, self.language) != folded(word, self.language):
                yield in_case_of(translation, word)

    def is_fit(self, candidate: str) -> bool:
        """Phrases fit too; each of their words counts as edited."""
        return is_phrase(candidate)
