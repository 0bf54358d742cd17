"""Digests of everything an attack's outcome depends on, with files and weights by content.

Results and answers of an earlier run are reused only if all digests are the same. What cannot be
identified by its content gets a random token instead, so that it is never taken for anything else.
"""

from __future__ import annotations

import dis
import hashlib
import json
import secrets
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import BaseModel
from transformers import PreTrainedTokenizerBase

from xltlib.params import EngineSettings
from xltlib.params.values import IS_MODEL

# Their `repr` is the same in every process, and that of no other value.
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
# A model made of these libraries' classes is identified by their names.
_LIBRARIES = {"torch", "transformers", "peft", "xltlib"}


def digest(*parts: Any) -> str:
    """A digest of values that JSON can hold; for others see `exact`."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=exact)
    return _of_bytes(text.encode("utf-8", "surrogatepass"))


def _of_bytes(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def of_path(path: Path | str) -> str:
    """Digest of a file's content, or of all files in a folder with their names."""
    path = Path(path)
    if not path.is_dir():
        return _of_file(path, path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else ""
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(path).parts)
    )
    return digest([[str(file.relative_to(path)), of_path(file)] for file in files])


@lru_cache(maxsize=4096)
def _of_file(path: Path, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def exact(value: Any) -> Any:
    """A value as JSON that stands for no other value.

    Arrays, frames and tensors are given by their bytes, files by their content, and the functions
    and classes of a module by their names. Objects of any other kind are never the same twice.
    """
    kind = type(value)
    if kind in _PLAIN:
        return [kind.__name__, repr(value)]
    if kind in (list, tuple):
        return [kind.__name__, [exact(one) for one in value]]
    if kind in (set, frozenset):
        return [kind.__name__, sorted(json.dumps(exact(one)) for one in value)]
    if kind is dict:
        return ["dict", [[exact(key), exact(one)] for key, one in value.items()]]
    if (kind is np.ndarray or isinstance(value, np.generic)) and not value.dtype.hasobject:
        return [kind.__name__, value.dtype.str, value.shape, _of_bytes(value.tobytes())]
    if kind in (torch.Tensor, torch.nn.Parameter) and value.layout == torch.strided:
        return [kind.__name__, _of_tensors({"": value})]
    if kind is pd.Series:
        return ["Series", exact(value.to_frame())]
    if kind is pd.DataFrame:
        axes = [(list(axis.names), axis.tolist()) for axis in value.axes]
        cells = value.to_numpy(dtype=object).tolist()
        return ["DataFrame", list(map(str, value.dtypes)), exact([axes, cells])]
    if isinstance(value, Path):
        return ["file", of_path(value)]
    if isinstance(value, BaseModel):
        return [kind.__module__, kind.__qualname__, exact(dict(value))]
    if isinstance(value, ModuleType):
        return ["module", value.__name__]
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if module in sys.modules and name and getattr(sys.modules[module], name, None) is value:
        return ["name", module, name]
    return secrets.token_hex(16)


def of_model(model: torch.nn.Module) -> str:
    """Digest of a model's weights, as loaded, its configuration, and the classes of its parts.

    A model of which a part has a class from elsewhere, its own `forward` or a hook is never the
    same twice: the weights do not say what such a part computes.
    """
    parts = [(name, type(part)) for name, part in model.named_modules()]
    if any(_is_altered(part) for part in model.modules()):
        return secrets.token_hex(16)
    config = getattr(model, "config", None)
    settings = {} if config is None else config.to_dict()
    places = ("_name_or_path", "transformers_version")
    return digest(
        _of_tensors(model.state_dict()),
        {k: v for k, v in settings.items() if k not in places},
        [[name, kind.__module__, kind.__qualname__] for name, kind in parts],
    )


def _is_altered(part: torch.nn.Module) -> bool:
    return (
        type(part).__module__.partition(".")[0] not in _LIBRARIES
        or "forward" in vars(part)
        or bool(part._forward_hooks or part._forward_pre_hooks)
    )


def _of_tensors(tensors: Mapping[str, torch.Tensor]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().flatten()
        found.update(plain.view(torch.uint8).numpy().data)
    return found.hexdigest()


def of_tokenizer(tokenizer: PreTrainedTokenizerBase) -> str:
    """Digest of a tokenizer's whole state: pieces, rules and special tokens."""
    core = getattr(tokenizer, "backend_tokenizer", None)
    inputs = [tokenizer.model_input_names, tokenizer.padding_side]
    if core is None:
        return digest(type(tokenizer).__name__, tokenizer.get_vocab(), inputs)
    # Padding and truncation, which come first, are set by calls and do not belong to the tokenizer.
    # Nothing is parsed: a quarter of a million pieces would take most of a second.
    _, _, state = core.to_str().partition('"added_tokens":')
    return digest(_of_bytes(state.encode()), tokenizer.special_tokens_map, inputs)


def of_settings(settings: BaseModel, models: Iterable[Path | str] = ()) -> str:
    """Digest of a recipe's settings, with the files that they name by content.

    Args:
        models: folders of the models that the settings name.
    """
    values = {
        name: "a model" if IS_MODEL in field.metadata else _contents(getattr(settings, name))
        for name, field in type(settings).model_fields.items()
    }
    return digest(values, [of_path(folder) for folder in models])


def _contents(value: Any) -> Any:
    if isinstance(value, Path):
        return of_path(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_contents(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _contents(one) for key, one in value.items()}
    return value


def of_function(function: Any) -> str:
    """Digest of a function: its name, code, default values, and the data that it encloses or reads
    from its module.

    The functions and classes that it calls count by their names. Callables of other kinds, such as
    bound methods, are never the same twice, nor are functions with data that `exact` cannot hold.
    """
    if not isinstance(function, FunctionType):
        return secrets.token_hex(16)
    code, known = function.__code__, function.__globals__
    return digest(
        [function.__module__, function.__qualname__],
        _of_code(code),
        exact([function.__defaults__, function.__kwdefaults__, vars(function)]),
        [exact(cell.cell_contents) for cell in function.__closure__ or ()],
        [[name, exact(known[name])] for name in _globals(code) if name in known],
    )


def _of_code(code: CodeType) -> list[Any]:
    constants = [_of_code(c) if isinstance(c, CodeType) else exact(c) for c in code.co_consts]
    return [code.co_code.hex(), code.co_exceptiontable.hex(), constants, code.co_names]


def _globals(code: CodeType) -> list[str]:
    """The global names that some code and the functions inside it read."""
    inside = [c for c in code.co_consts if isinstance(c, CodeType)]
    own = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    return sorted(own.union(*map(_globals, inside)))


def of_engine(engine: EngineSettings) -> list[Any]:
    """Digest of the engine's settings that may change an outcome."""
    return [engine.precision, engine.equal, engine.guide_words]
