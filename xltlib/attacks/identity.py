"""Digests of everything an attack's outcome depends on, with files and weights by content.

Results and answers of an earlier run are reused only if all digests are the same.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from pydantic import BaseModel
from transformers import PreTrainedTokenizerBase

from xltlib.params import EngineSettings
from xltlib.params.base import IS_MODEL


def digest(*parts: Any) -> str:
    """A digest of values that JSON can hold."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
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


def of_model(model: torch.nn.Module) -> str:
    """Digest of a model's weights, as loaded, and its configuration."""
    found = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().flatten()
        found.update(plain.view(torch.uint8).numpy().data)
    config = getattr(model, "config", None)
    settings = {} if config is None else config.to_dict()
    places = ("_name_or_path", "transformers_version")
    return digest(found.hexdigest(), {k: v for k, v in settings.items() if k not in places})


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
    """Digest of a function: its name, code, default values and what it encloses.

    The functions that it calls are not included. Other callables are never the same twice.
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return secrets.token_hex(16)
    enclosed = [cell.cell_contents for cell in function.__closure__ or ()]
    name = f"{function.__module__}.{function.__qualname__}"
    given = [function.__defaults__, function.__kwdefaults__, enclosed]
    return digest(name, _of_code(code), [_contents(one) for one in given])


def _of_code(code: CodeType) -> list[Any]:
    constants = [_of_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), constants, code.co_names]


def of_engine(engine: EngineSettings) -> list[Any]:
    """Digest of the engine's settings that may change an outcome."""
    return [engine.precision, engine.equal, engine.guide_words]
