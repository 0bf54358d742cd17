"""The files of a model folder: complete, of a supported kind, and never a pickle.

Nothing here loads a model; the checks read file names, the config, and the headers of weights.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xltlib.artifacts import InputError, read_json
from xltlib.text_files import LFS_POINTER, decode, parse_json, shown_path

TOKENIZER_CONFIG = "tokenizer_config.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_FLOATS = {"F64", "F32", "F16", "BF16"}
_INTEGERS = {"I64", "I32", "BOOL"}  # buffers, such as position ids
_MOST_HEADER_BYTES = 100_000_000
# Other weight formats, and what to do with them.
_CONVERT = "Save it again with `save_pretrained` of transformers, which writes model.safetensors"
_OTHER_FORMATS = {
    "*.gguf": f"GGUF weights are not read here. {_CONVERT}.",
    "*.onnx": f"ONNX graphs are not read here. {_CONVERT}.",
    "onnx/*.onnx": f"ONNX graphs are not read here. {_CONVERT}.",
    "*.h5": f"TensorFlow weights are not read here. {_CONVERT}.",
    "*.ckpt*": f"TensorFlow checkpoints are not read here. {_CONVERT}.",
    "*.msgpack": f"Flax weights are not read here. {_CONVERT}.",
    "*.bin": "PyTorch's .bin weights are pickles, which can run code and are never opened. "
    f"{_CONVERT}, if you trust them.",
    "*.pt": "PyTorch's .pt weights are pickles, which can run code and are never opened. "
    f"{_CONVERT}, if you trust them.",
}


@dataclass(frozen=True)
class ModelFiles:
    """A folder with a config, safetensors weights and optionally a tokenizer."""

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]


def model_files(folder: Path) -> ModelFiles:
    """Check a model folder's files before anything opens them.

    Raises:
        InputError: there is no folder or config, or the weights are missing, incomplete, Git LFS
            pointers, quantised, an adapter, or in another format; says what to do.
    """
    folder = Path(folder)
    if "\0" in str(folder):
        raise InputError(f"{str(folder)!r}: not a path, because it contains a NUL character.")
    try:
        (folder / "config.json").stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # reported below
    except OSError as error:
        raise InputError(
            f"{shown_path(folder)}: cannot be read ({error.strerror}). Check the path."
        ) from error
    if folder.is_file():
        raise InputError(
            f"{folder}: a file, not a model folder. Give the folder with config.json, the weights "
            "and the tokenizer."
        )
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no model here (no such model folder). Give the folder that save_pretrained "
            "wrote."
        )
    if (folder / "adapter_config.json").exists():
        raise InputError(
            f"{folder}: a PEFT adapter, not a whole model. Merge it into its base model "
            "(`merge_and_unload`) and save that."
        )
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: no model here (config.json is missing). Give the folder that "
            "save_pretrained wrote, e.g. outputs/quick/03_target_training/<cell>/model."
            + _other_format(folder)
        )
    config = _json_object(folder / "config.json")
    if config.get("quantization_config"):
        raise InputError(
            f"{folder / 'config.json'}: a quantised model (quantization_config). Give the model "
            "in float32, float16 or bfloat16."
        )
    weights = _weights(folder)
    for path in weights:
        _check_safetensors(path)
    return ModelFiles(folder, config, weights)


def require_tokenizer(folder: Path) -> None:
    """Refuse a folder without a tokenizer's files; transformers would create an empty one.

    Raises:
        InputError: there are none, or they cannot be read or are Git LFS pointers.
    """
    found = [
        path for name in TOKENIZER_FILES for path in sorted(folder.glob(name)) if path.is_file()
    ]
    if not found:
        raise InputError(
            f"{folder}: no tokenizer here ({', '.join(TOKENIZER_FILES)}). Copy the files of the "
            "tokenizer that the model was trained with into the folder."
        )
    for path in (*found, *folder.glob(TOKENIZER_CONFIG)):
        _check_start(path)


def _other_format(folder: Path) -> str:
    """What a folder without safetensors has instead, as a sentence to append."""
    return next(
        (f" {remedy}" for name, remedy in _OTHER_FORMATS.items() if any(folder.glob(name))), ""
    )


def _weights(folder: Path) -> tuple[Path, ...]:
    """The files with the weights: one, or the shards named in an index."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if not index.is_file():
        others = sorted(path.name for path in folder.glob("*.safetensors") if path.is_file())
        hint = f" There is {', '.join(others)}: rename it if it is the model." if others else ""
        raise InputError(
            f"{folder}: no weights here (model.safetensors, or its shards and their index)."
            + (hint or _other_format(folder))
        )
    listed = _json_object(index)
    if not isinstance(listed.get("metadata"), dict):  # transformers reads it without need
        raise InputError(f'{index}: metadata is not an object. Add `"metadata": {{}}`.')
    names = listed.get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{index}: it has no weight_map. Copy or download the folder again.")
    shards = sorted(set(names.values()))
    missing = [name for name in shards if not (folder / name).is_file()]
    if missing or any(Path(name).name != name for name in shards):
        raise InputError(
            f"{index}: it names files that are not in the folder: "
            f"{', '.join(missing[:3] or shards[:3])}. Copy or download them."
        )
    return tuple(folder / name for name in shards)


def _check_start(path: Path) -> None:
    """Refuse a file that cannot be read, a Git LFS pointer, and a byte order mark, which
    transformers does not skip."""
    try:
        with open(path, "rb") as file:
            start = file.read(len(LFS_POINTER))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Check the file and its permissions."
        ) from error
    if start == LFS_POINTER:
        raise InputError(
            f"{path}: a Git LFS pointer, not the file itself. Run `git lfs pull` in the "
            "repository, or download the file."
        )
    if start.startswith(BOM_UTF8):
        raise InputError(f"{path}: begins with a byte order mark. Save it as UTF-8 without one.")


def _check_safetensors(path: Path) -> None:
    """Refuse weights that are incomplete, damaged or not floating-point, according to their header.

    The layout is eight bytes of length, a JSON header, and the data
    (https://huggingface.co/docs/safetensors).
    """
    _check_start(path)
    size = path.stat().st_size
    damaged = f"{path}: not complete safetensors weights ({{}}). Copy or download the file again."
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 0 < length <= min(size - 8, _MOST_HEADER_BYTES):
            raise InputError(damaged.format("the header is cut short"))
        try:
            header = parse_json(decode(file.read(length), "header"), "header")
            tensors = {name: t for name, t in header.items() if name != "__metadata__"}
            kinds = {name: str(tensor["dtype"]) for name, tensor in tensors.items()}
            end = max((int(tensor["data_offsets"][1]) for tensor in tensors.values()), default=0)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise InputError(damaged.format("the header is damaged")) from None
    if not kinds:
        raise InputError(damaged.format("it contains no tensor"))
    if size != 8 + length + end:
        raise InputError(damaged.format(f"{size:,} bytes instead of {8 + length + end:,}"))
    for name, kind in kinds.items():
        if kind not in _FLOATS and (kind not in _INTEGERS or name.endswith((".weight", ".bias"))):
            raise InputError(
                f"{path}: tensor {name} is {kind}, not floating-point numbers of 16 bits or more. "
                "Give the model in float32, float16 or bfloat16."
            )


def _json_object(path: Path) -> dict[str, Any]:
    """The object in one of a model's JSON files."""
    _check_start(path)
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object. Copy or download it again.")
    return value
