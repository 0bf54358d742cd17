"""Which code made a cell: the version in git, and a hash of the modules that a stage imports.

Modules are found by parsing import statements; none is imported. Comments, docstrings and layout do
not affect the hash.
"""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path

from xltlib.artifacts import fingerprint

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT.name


@cache
def version() -> str:
    """Git's description of this checkout (`-dirty` if it has changes), or else the package's
    version."""
    command = ["git", "-C", str(ROOT.parent), "describe", "--always", "--dirty", "--tags"]
    if (ROOT.parent / ".git").exists():
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
            return found.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass
    return installed(PACKAGE)


@cache
def source_of(module: str) -> str:
    """Hash of a module and of all modules of this library that it imports, directly or
    indirectly."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and (names := _imports(name)) is not None:
            found.add(name)
            waiting += names
    return fingerprint([[name, _code(name)] for name in sorted(found)])


@cache
def source_of_package(package: str) -> str:
    """Hash of the code of every module of a package."""
    folder = ROOT.joinpath(*package.split(".")[1:])
    names = sorted(_name(path) for path in folder.rglob("*.py"))
    return fingerprint([[name, _code(name)] for name in names])


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _file(module: str) -> Path | None:
    path = ROOT.parent.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@cache
def _tree(module: str) -> ast.Module | None:
    file = _file(module)
    return None if file is None else ast.parse(file.read_text(encoding="utf-8"))


@cache
def _code(module: str) -> str:
    """Hash of a module's statements without docstrings."""
    tree = _tree(module)
    assert tree is not None
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    # Only from Python 3.12 on does the dump list type parameters, even if there are none.
    return fingerprint(ast.dump(tree).replace(", type_params=[]", ""))


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a string alone, as docstrings are."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _imports(module: str) -> list[str] | None:
    """The modules of this library that a module imports; None if the name is not a module's."""
    tree, file = _tree(module), _file(module)
    if tree is None or file is None:
        return None
    found = [module.rpartition(".")[0]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # An imported name may itself be a module.
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Name) and node.id == "__path__":
            # A package that imports whatever lies beside it.
            found += [_name(path) for path in file.parent.rglob("*.py")]
    return [name for name in found if name.split(".")[0] == PACKAGE]
