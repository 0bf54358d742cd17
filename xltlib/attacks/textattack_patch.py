"""Imports TextAttack so that it works offline and in every script.

TextAttack 0.3.11 needs flair (which pins an old transformers) for English tagging only, downloads
NLTK data and asks CUDA for a GPU at import, and splits words with `\\w`, which breaks most of the
study's languages. It gets placeholders for the first three during its import, and this project's
word splitter for the last. The splitter changes TextAttack for the whole process, when
`xltlib.attacks` is imported and not when `xltlib` is.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xltlib.attacks.random_state import kept_random_state
from xltlib.languages import words


def words_from_text(text: str, words_to_ignore: list[str] | None = None) -> list[str]:
    """The words of a text, in TextAttack's signature."""
    ignored = set(words_to_ignore or ())
    return [text[a:b] for a, b in words(text) if text[a:b] not in ignored]


@contextmanager
def _placeholder_flair() -> Iterator[None]:
    """During the import, provide empty modules for flair's names, unless flair is installed."""
    if importlib.util.find_spec("flair") is not None:
        yield
        return
    flair, data, models = map(types.ModuleType, ("flair", "flair.data", "flair.models"))
    vars(data).update({name: type(name, (), {}) for name in ("Tokenizer", "Sentence")})
    vars(models)["SequenceTagger"] = type("SequenceTagger", (), {})
    vars(flair).update(data=data, models=models, device=None)
    placed = {module.__name__: module for module in (flair, data, models)}
    sys.modules |= placed
    try:
        yield
    finally:
        for name in placed:
            sys.modules.pop(name, None)


@contextmanager
def _offline_nltk() -> Iterator[None]:
    """During the import, give NLTK a stop-word list of one word and block downloads.

    NLTK keeps a list where it first found it, so its own is looked for afresh afterwards.
    """
    import nltk
    from nltk.corpus import stopwords

    download, unread = nltk.download, (type(stopwords), stopwords.__dict__)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpora" / "stopwords"
        corpus.mkdir(parents=True)
        (corpus / "english").write_text("the\n", encoding="utf-8")
        nltk.data.path.insert(0, folder)
        nltk.download = lambda *args, **kwargs: True
        disabled = logging.root.manager.disable
        logging.disable(max(disabled, logging.INFO))
        try:
            yield
        finally:
            logging.disable(disabled)
            nltk.download = download
            nltk.data.path.remove(folder)
            object.__setattr__(stopwords, "__class__", unread[0])
            object.__setattr__(stopwords, "__dict__", unread[1])


@contextmanager
def _kept_environment() -> Iterator[None]:
    """Restore the environment and the warning filters, which TextAttack and what it imports set."""
    kept = dict(os.environ)
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for name in os.environ.keys() - kept.keys():
                del os.environ[name]
            os.environ.update(kept)


@contextmanager
def _no_gpu() -> Iterator[None]:
    """During the import, PyTorch says that there is no GPU.

    Asking initialises CUDA, after which no fork of this process could use a GPU, and the cells of a
    run are such forks.
    """
    import torch

    asked = torch.cuda.is_available
    torch.cuda.is_available = lambda: False
    try:
        yield
    finally:
        torch.cuda.is_available = asked


def patch_textattack() -> None:
    """Import TextAttack as described above; a second call does nothing."""
    if "textattack" in sys.modules:
        module = sys.modules["textattack.shared.attacked_text"]
        if module.words_from_text is words_from_text:
            return
    with (
        _kept_environment(),
        kept_random_state(),
        _placeholder_flair(),
        _offline_nltk(),
        _no_gpu(),
    ):
        import textattack.augmentation
        import textattack.shared.attacked_text
        import textattack.shared.utils.strings
    logging.getLogger("textattack").setLevel(logging.ERROR)
    textattack.shared.logger.setLevel(logging.ERROR)
    for module in (
        textattack.shared.attacked_text,
        textattack.shared.utils,
        textattack.shared.utils.strings,
    ):
        module.words_from_text = words_from_text
