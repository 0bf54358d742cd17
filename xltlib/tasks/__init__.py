"""Task kinds: one file each, with features, head, collator and metrics.

Modules of this package that define `TASKS`, a mapping of kinds to their makers, are found
automatically. Every corpus names its kind.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module

from xltlib.artifacts import InputError
from xltlib.tasks.kind import Setup, TaskKind

__all__ = ["TASKS", "Setup", "TaskKind", "task_kind"]

TASKS: dict[str, Callable[[Setup], TaskKind]] = {
    name: make
    for module in pkgutil.iter_modules(__path__)
    for name, make in getattr(import_module(f"{__name__}.{module.name}"), "TASKS", {}).items()
}


def task_kind(name: str, setup: Setup) -> TaskKind:
    """A task kind, set up for one corpus.

    Raises:
        InputError: this kind cannot be trained; lists those that can.
    """
    if name not in TASKS:
        raise InputError(f"task kind {name!r} cannot be trained; these can: {', '.join(TASKS)}")
    return TASKS[name](setup)
