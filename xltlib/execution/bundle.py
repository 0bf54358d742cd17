"""Pack everything that a machine without internet needs to run a profile."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from xltlib import corpora, encoders
from xltlib import params as schema
from xltlib.artifacts import InputError, replacing
from xltlib.params import Params, TaskData
from xltlib.params.values import IS_MODEL
from xltlib.study import revisions
from xltlib.study.splits import dev_splits, splits_of

CODE = ("Snakefile", "Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE")
CODE_FOLDERS = ("xltlib", "notebooks", "params/slurm", "params/local")
SKIPPED = ("__pycache__", ".git", ".ipynb_checkpoints")
OUTPUTS, CACHE = "../outputs", "../outputs/cache"


def pack(file: Path, root: Path, archive: Path) -> list[str]:
    """Write a tar archive that holds the project, the profile, its data and its models.

    In the unpacked folder `xlt run params/NAME` works without a network, and every path in the
    params file is relative. An archive whose name ends in `gz` is compressed.

    Returns:
        The names of everything packed besides the code, e.g. `data/xquad`.

    Raises:
        InputError: a corpus comes from the hub, a file is absent, or the archive cannot be written
            or lies in a folder that it packs.
    """
    top = _top(archive)
    params = schema.load(file)
    _refuse_hub(file, params)
    own = f"params/{file.name}"
    packer = _Packer(top, own)
    raw = schema.read_raw(file)
    claims = raw.pop("claims", None)
    for made in ("outputs", "cache"):  # results made here are not packed
        raw.pop(made, None)
    _choose_data(params, raw, packer)
    raw = packer.relocated(raw, params) | {"outputs": OUTPUTS, "cache": CACHE}
    if isinstance(claims, str):
        kept = packer.add(schema.claims_file(file, claims), "params/claims.yaml")
        raw["claims"] = Path(kept).name
    elif claims is not None:
        raw["claims"] = claims
    _add_models(params, raw, packer)
    for name in (*CODE, *CODE_FOLDERS):
        if (root / name).exists():
            packer.add(root / name, name)
    packer.refuse_itself(archive)
    text = yaml.safe_dump(raw, allow_unicode=True, sort_keys=False)
    with replacing(archive) as temporary:
        packer.write(temporary, archive.suffix in (".gz", ".tgz"), {own: text})
    code = (*CODE, *CODE_FOLDERS)
    return [name for name in packer.sources if name not in code]


def _top(archive: Path) -> str:
    """The folder in an archive, from its name.

    Raises:
        InputError: the name does not end as an archive's.
    """
    for ending in (".tar.gz", ".tgz", ".tar"):
        if archive.name.endswith(ending) and archive.name != ending:
            return archive.name.removesuffix(ending)
    raise InputError(f"{archive}: give NAME.tar, NAME.tar.gz or NAME.tgz.")


def _refuse_hub(file: Path, params: Params) -> None:
    """Refuse corpora on the hub, and say how to turn one into a folder."""
    remote = [name for name, source in params.corpora.items() if source.source == "hub"]
    if remote:
        raise InputError(
            f"{file}: corpora.{remote[0]}.source: hub, but a bundle needs local files. Download it "
            "(hf download --repo-type dataset REPOSITORY --local-dir FOLDER), then set source: "
            "local and folder: FOLDER."
        )


def _choose_data(params: Params, raw: dict[str, Any], packer: _Packer) -> None:
    """Pack only the files of local corpora that the profile reads.

    Raises:
        InputError: a file is absent.
    """
    used = {
        split
        for _, data in params.data_used()
        for split in [
            *splits_of(data),
            *(dev_splits(params, data) if isinstance(data, TaskData) else []),
        ]
    }
    for name, source in params.corpora.items():
        if source.source != "local" or source.folder is None:
            continue
        mine = [(language, split) for corpus, split, language in used if corpus == name]
        if not mine:
            del raw["corpora"][name]
        for language, split in mine:
            files = corpora.files(name, source, language, split)
            parts = packer.only.setdefault(source.folder.resolve(), set())
            parts.update(file.relative_to(source.folder) for file in files)


def _add_models(params: Params, raw: dict[str, Any], packer: _Packer) -> None:
    """Pack models that are not folders yet: the converted encoder, and models from the hub."""
    named = [
        (encoder.name, revisions.of_encoder(params, name), raw["encoders"][name], "name")
        for name, encoder in params.encoders.items()
    ]
    for part in ("attacks", "targets", "representation"):
        found = _models(getattr(params, part), raw.get(part))
        named += [
            (model, revisions.of_model(params, model), section, key)
            for model, section, key in found
        ]
    for model, revision, section, key in named:
        if Path(model).is_absolute():
            continue  # a folder, packed with the other paths
        folder = encoders.encoder_folder(model, cache=params.cache, revision=revision)
        if folder.parent == params.cache:
            packer.add(folder, f"outputs/cache/{folder.name}")
        else:
            section[key] = packer.add(folder, f"models/{model.replace('/', '--')}")


def _models(settings: Any, raw: Any) -> Iterator[tuple[str, Any, str]]:
    """Every model that the settings name, with its place in the raw params (None for a default)."""
    if isinstance(settings, BaseModel):
        for key, about in type(settings).model_fields.items():
            value = getattr(settings, key)
            if IS_MODEL in about.metadata:
                yield from [(value, raw, key)] if value else []
            else:
                yield from _models(value, raw.get(key) if raw else None)
    elif isinstance(settings, dict):
        for key, value in settings.items():
            yield from _models(value, raw.get(key) if raw else None)
    elif isinstance(settings, list):
        for i, value in enumerate(settings):
            yield from _models(value, raw[i] if raw else None)


class _Packer:
    """Collects files and folders, each once and under a unique name."""

    def __init__(self, top: str, taken: str) -> None:
        self.top, self.taken = top, taken
        self.sources: dict[str, Path] = {}
        self.only: dict[Path, set[Path]] = {}
        """Folders that are not packed whole, and the files in them that are packed."""

    def relocated(self, raw: Any, settings: Any) -> Any:
        """The raw params, with every path changed to one in the bundle."""
        if isinstance(settings, BaseModel) and isinstance(raw, dict):
            return {
                key: self.relocated(value, getattr(settings, key, None))
                for key, value in raw.items()
            }
        if isinstance(settings, dict) and isinstance(raw, dict):
            return {key: self.relocated(value, settings.get(key)) for key, value in raw.items()}
        if isinstance(settings, list) and isinstance(raw, list):
            return [self.relocated(*pair) for pair in zip(raw, settings, strict=False)]
        is_path = isinstance(settings, Path) or (
            isinstance(settings, str) and Path(settings).is_absolute() and settings != raw
        )
        is_path = is_path or (isinstance(raw, str) and raw == settings and Path(raw).is_absolute())
        if is_path and Path(settings).exists():
            return self.add(Path(settings), f"data/{Path(settings).name}")
        return raw

    def add(self, source: Path, name: str) -> str:
        """Add a file or folder; returns its path relative to the params file."""
        source = source.resolve()
        wanted, count = Path(name), 1
        while name == self.taken or self.sources.get(name, source) != source:
            count += 1
            name = str(wanted.with_stem(f"{wanted.stem}-{count}"))
        self.sources[name] = source
        return f"../{name}"

    def refuse_itself(self, archive: Path) -> None:
        """Refuse an archive that would be packed into itself."""
        for source in self.sources.values():
            if source not in self.only and archive.resolve().is_relative_to(source):
                raise InputError(
                    f"{archive}: lies in {source}, which it packs. Write it to another folder."
                )

    def write(self, archive: Path, compressed: bool, texts: dict[str, str]) -> None:
        """Write everything in order, following links."""
        options: dict[str, Any] = {"compresslevel": 1} if compressed else {}
        mode: Any = "w:gz" if compressed else "w"
        with tarfile.open(archive, mode, dereference=True, **options) as tar:
            for name, source in sorted(self.sources.items()):
                for part in sorted(self.only.get(source, {Path()})):
                    tar.add(source / part, str(Path(self.top, name, part)), filter=_wanted)
            for name, text in texts.items():
                entry, data = tarfile.TarInfo(f"{self.top}/{name}"), text.encode("utf-8")
                entry.size, entry.mode = len(data), 0o644
                tar.addfile(entry, io.BytesIO(data))


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name in SKIPPED else entry
