"""xltlib: the library beneath the notebooks of the cross-lingual robustness study.

It offers four functions: `attack` takes any span-QA model in any form, `evaluate` one in a folder
or a `SpanPredictor`; `load_params` reads and checks a params file, and `load_results` returns the
tables of a finished profile. Imports run one way through the packages: text_files, yaml_files,
artifacts, languages, params, corpora, encoders, tasks, training, evaluation, attacks, analysis,
reporting, study, execution, cli.

Importing it is cheap: no network, no GPU, and no heavy library until a function is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xltlib.attacks.api import attack
    from xltlib.evaluation.span_qa import evaluate
    from xltlib.params.loading import load as load_params
    from xltlib.study.saved import load_results

__all__ = ["attack", "evaluate", "load_params", "load_results"]
__version__ = "0.1.0"

_HOMES = {
    "attack": ("xltlib.attacks.api", "attack"),
    "evaluate": ("xltlib.evaluation.span_qa", "evaluate"),
    "load_params": ("xltlib.params.loading", "load"),
    "load_results": ("xltlib.study.saved", "load_results"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
