"""The inputs of a cell, collected as its stage declares them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from xltlib.params import Params
from xltlib.params.base import Settings
from xltlib.params.values import IS_LATER, IS_MODEL
from xltlib.study import revisions
from xltlib.study.contents import AbsentError, Contents
from xltlib.study.named_models import on_hub
from xltlib.study.splits import Split

ABSENT = "absent"


class Inputs:
    """The settings of one cell, and the content of everything it reads besides other cells.

    A file counts by its content, not by its path. If something is not on this machine, the record
    in the cell's manifest is used instead, so results can be read in a clone without the corpora.
    """

    def __init__(self, params: Params, contents: Contents, recorded: Mapping[str, str]) -> None:
        self.params = params
        self.used: dict[str, Any] = {}
        self.content: dict[str, str] = {}
        self._contents = contents
        self._recorded = recorded

    def value(self, name: str, value: Any) -> None:
        """A plain value."""
        self.used[name] = value

    def settings(self, name: str, section: Settings, *, exclude: Collection[str] = ()) -> None:
        """A section of the params without some dotted keys; the files that it names count by
        content."""
        self.used[name] = self._dumped(name, "", section, exclude, self._file, self._model)

    def record(self, section: Settings, *, exclude: Collection[str]) -> None:
        """A section as it is written; files count by name only."""
        self.used |= self._dumped(
            "", "", section, exclude, lambda _, path: path.name, lambda _, model: model
        )

    def _dumped(
        self,
        name: str,
        key: str,
        value: Any,
        exclude: Collection[str],
        file: Callable[[str, Path], str],
        model: Callable[[str, str], str],
        is_model: bool = False,
    ) -> Any:
        def inner(part: str, inside: Any, is_model: bool = False) -> Any:
            below = f"{key}.{part}" if key else part
            return self._dumped(name, below, inside, exclude, file, model, is_model)

        if isinstance(value, Settings):
            return {
                field: inner(field, getattr(value, field), IS_MODEL in about.metadata)
                for field, about in type(value).model_fields.items()
                if (f"{key}.{field}" if key else field) not in exclude
                and not (IS_LATER in about.metadata and getattr(value, field) is None)
            }
        if isinstance(value, Path) or (is_model and Path(str(value)).is_absolute()):
            return file(f"{name}.{key}", Path(value))
        if is_model and value is not None and on_hub(value):
            return model(f"{name}.{key}", value)
        if isinstance(value, Mapping):
            return {str(part): inner(str(part), one, is_model) for part, one in value.items()}
        if isinstance(value, list | tuple):
            return [inner(str(i), one, is_model) for i, one in enumerate(value)]
        return value

    def _file(self, name: str, path: Path) -> str:
        self._found(f"file {name}", lambda: self._contents.file(path))
        return "a file"

    def _model(self, name: str, model: str) -> str:
        """A model of the hub, by its name and commit."""
        commit = revisions.of_model(self.params, model)
        self._found(f"model {name}", lambda: self._contents.model(model, commit))
        return model

    def splits(self, splits: Iterable[Split]) -> None:
        """Splits of corpora, in some languages."""
        for split in splits:
            self._found(f"data {'/'.join(split)}", partial(self._contents.split, split))

    def common_items(self, name: str, splits: Iterable[Split]) -> None:
        """The items that splits have in common."""
        chosen = list(splits)
        self._found(f"items {name}", lambda: self._contents.common_items(chosen))

    def encoder(self, name: str) -> None:
        """A prepared encoder."""
        self._found(f"encoder {name}", lambda: self._contents.encoder(name))

    def _found(self, key: str, find: Callable[[], str]) -> None:
        try:
            self.content[key] = find()
        except AbsentError:
            self.content[key] = self._recorded.get(key, ABSENT)
