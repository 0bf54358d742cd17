"""The set-up files agree with each other, and the README with the Makefile."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from xltlib.study import STAGES

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = {
    line.split("==")[0].lower().replace("_", "-"): line.split("==")[1]
    for line in (ROOT / "requirements.lock").read_text().split()
}
MAKEFILE = (ROOT / "Makefile").read_text()
README = (ROOT / "README.md").read_text(encoding="utf-8")


def declared() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]["test"]
    return [Requirement(text) for text in PROJECT["dependencies"] + extras]


def test_the_lock_holds_every_declared_package_but_torch():
    for requirement in declared():
        name = requirement.name.lower().replace("_", "-")
        if name == "torch":
            continue
        assert name in LOCK, f"{name} is declared and not locked"
        assert requirement.specifier.contains(LOCK[name]), name


def test_the_lock_names_neither_torch_nor_cuda_nor_flair():
    bad = [name for name in LOCK if re.match(r"(torch$|nvidia|cuda|triton|flair)", name)]
    assert bad == []


def test_torch_is_one_version_everywhere():
    (torch,) = (r for r in declared() if r.name == "torch")
    assert f"torch{torch.specifier}" in MAKEFILE


def test_conda_brings_the_python_that_the_project_wants_and_then_the_same_steps():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    (python,) = (d for d in conda["dependencies"] if str(d).startswith("python="))
    version = python.removeprefix("python=")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(f"{version}.0")
    assert "make setup" in (ROOT / "environment.yml").read_text()
    assert re.search(r"^setup:", MAKEFILE, re.M)


def test_this_environment_is_the_locked_one():
    installed = {
        d.metadata["Name"].lower().replace("_", "-"): d.version
        for d in importlib.metadata.distributions()
    }
    wrong = {name: installed.get(name) for name in LOCK if installed.get(name) != LOCK[name]}
    assert wrong == {}


def test_every_make_command_of_the_readme_is_a_target():
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.M))
    used = set(re.findall(r"\bmake ([a-z]+)", README))
    assert {"study", "test"} <= used
    assert used <= targets


def test_ci_runs_the_readmes_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    "name", ["xltlib", "xltlib.params", "xltlib.study", "xltlib.execution.warm", "xltlib.cli"]
)
def test_the_light_packages_import_nothing_heavy(name):
    heavy = "torch transformers datasets textattack pandas matplotlib".split()
    code = f"import sys, {name}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_results_are_read_and_cells_estimated_without_models_and_drawing():
    heavy = "torch transformers matplotlib seaborn statsmodels".split()
    names = "xltlib.cli, xltlib.study.saved, xltlib.reporting.answers, xltlib.execution.estimate"
    code = f"import sys, {names}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_packages_import_only_packages_before_them():
    order = "text_files yaml_files artifacts languages params corpora encoders tasks training "
    order += "evaluation attacks analysis reporting study execution cli"
    rank = {package: i for i, package in enumerate(order.split())}
    for path in (ROOT / "xltlib").rglob("*.py"):
        package = path.relative_to(ROOT / "xltlib").parts[0].removesuffix(".py")
        if package == "__init__":
            continue
        for used in re.findall(r"(?:from|import) xltlib\.(\w+)", path.read_text("utf-8")):
            assert rank[used] <= rank[package], f"{path.name} of {package} imports {used}"


def test_modules_of_one_name_are_named_by_a_rule_of_the_architecture():
    """At most one module of a name is free to choose it; the others are named after something."""
    packages: dict[str, set[str]] = {}
    for path in (ROOT / "xltlib").glob("*/*.py"):
        if path.stem != "__init__":
            packages.setdefault(path.stem, set()).add(path.parent.name)
    ruled = {"params", "cli", "evaluation"}
    free = {
        name: sorted(found - ruled - ({"study"} if name in STAGES else set()))
        for name, found in packages.items()
    }
    assert {name: found for name, found in free.items() if len(found) > 1} == {
        "cell": ["execution", "study"]
    }


def test_modules_stay_short():
    lengths = {
        path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "xltlib").rglob("*.py")
    }
    assert {str(path): n for path, n in lengths.items() if n >= 300} == {}
