"""`make setup` without a network: a stand-in for pip keeps what it is asked to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What PYTHON=... names: makes an environment whose pip only writes down its arguments.
STUB = """#!/bin/sh
"{python}" -m venv --without-pip "$3" || exit 1
folder="$3/lib/python3.11/site-packages/pip"
mkdir -p "$folder" && touch "$folder/__init__.py"
echo 'import sys; open("installed", "a").write(" ".join(sys.argv[1:]) + chr(10))' \
    > "$folder/__main__.py"
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a space in its path, and a Python whose pip installs nothing."""
    folder = tmp_path / "my checkout"
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (tmp_path / "python").write_text(STUB.format(python=sys.executable))
    (tmp_path / "python").chmod(0o755)
    assert "Ready." in make(folder)
    return folder


def make(folder: Path, *arguments: str) -> str:
    """`make setup` in a folder; what it said."""
    command = ["make", "setup", "PYTHON=../python", *arguments]
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "PYTHONPATH")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """make with other arguments in a folder that is set up."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "PYTHONPATH")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, env=environment
    )


def installs(folder: Path) -> int:
    """How often pip was asked to install something."""
    return len((folder / "installed").read_text().splitlines())


def without_pip(venv: Path) -> None:
    shutil.rmtree(venv / "lib" / "python3.11" / "site-packages" / "pip")


def without_python(venv: Path) -> None:
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/nowhere/python3.11")


def of_another_python(venv: Path) -> None:
    # Answers as an older Python would: the check of the version fails.
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (venv / "bin" / "python").chmod(0o755)


def test_a_set_up_that_is_ready_installs_nothing_again(checkout):
    assert installs(checkout) == 3
    make(checkout)
    assert installs(checkout) == 3


@pytest.mark.parametrize("harm", [without_pip, without_python, of_another_python])
def test_an_environment_that_does_not_work_is_made_anew(checkout, harm):
    harm(checkout / ".venv")
    said = make(checkout)
    assert "does not work" in said
    assert "Ready." in said
    assert installs(checkout) == 6
    make(checkout)
    assert installs(checkout) == 6


def test_a_moved_checkout_is_set_up_anew(checkout):
    moved = checkout.rename(checkout.parent / "elsewhere")
    assert "does not work" in make(moved)
    assert installs(moved) == 6


def test_a_set_up_that_broke_off_goes_on_in_the_same_environment(checkout):
    (checkout / ".venv" / ".ready").unlink()
    said = make(checkout)
    assert "does not work" not in said
    assert installs(checkout) == 6


def test_an_environment_of_conda_is_never_removed(checkout):
    conda = checkout / "conda"
    (conda / "conda-meta").mkdir(parents=True)
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    done = subprocess.run(
        ["make", "setup", "PYTHON=../python", "VENV=conda"],
        cwd=checkout,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode != 0
    assert "Python 3.11 with venv and pip is needed" in done.stdout
    assert [path.name for path in conda.iterdir()] == ["conda-meta"]


@pytest.mark.parametrize("file", ["pyvenv.cfg", "thesis.tex"])
def test_a_folder_that_was_not_made_here_is_never_removed_or_filled(checkout, file):
    mine = checkout / "mine"
    mine.mkdir()
    (mine / file).write_text("version = 3.9")
    said = command(checkout, "setup", "PYTHON=../python", "VENV=mine")
    assert said.returncode != 0
    assert "make setup did not make it, so it stays as it is" in said.stdout
    assert [path.name for path in mine.iterdir()] == [file]


def test_another_folder_is_set_up_and_made_anew_like_the_default_one(checkout):
    assert "Ready." in make(checkout, "VENV=other")
    (checkout / "other" / ".ready").unlink()  # it broke off
    without_pip(checkout / "other")
    said = make(checkout, "VENV=other")
    assert "does not work" in said
    assert "Ready." in said


def test_make_clean_keeps_what_git_keeps(checkout):
    kept = checkout / "outputs" / "quick" / "01_corpora" / "all" / "metrics.json"
    made = [
        kept.with_name("manifest.json"),
        kept.with_name("notebook.ipynb"),
        checkout / "outputs" / "quick" / "run.log",
        checkout / "outputs" / "cache" / "contents" / "rows-1",
    ]
    other = checkout / "outputs" / "mine" / "run.log"
    for path in (kept, *made, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    refused = command(checkout, "clean")
    assert refused.returncode != 0
    assert "remove outputs/quick and outputs/cache yourself" in refused.stdout
    assert all(path.exists() for path in made)
    shutil.copy(ROOT / ".gitignore", checkout)
    for arguments in (("init", "--quiet"), ("add", "Makefile", ".gitignore", "outputs")):
        subprocess.run(["git", *arguments], cwd=checkout, check=True)
    for _ in range(2):  # also if there is nothing left to remove
        done = command(checkout, "clean")
        assert done.returncode == 0, done.stderr
        assert kept.exists()
        assert other.exists()
        assert not any(path.exists() for path in made)


def test_make_paper_writes_the_paper_of_the_params_file_that_it_is_given(checkout):
    xlt = checkout / ".venv" / "bin" / "xlt"
    xlt.write_text('#!/bin/sh\nprintf "%s|" "$@" > asked\n')
    xlt.chmod(0o755)
    asked = command(checkout, "paper", "PYTHON=../python", "PARAMS=params/my study.yaml")
    assert asked.returncode == 0, asked.stderr
    assert (checkout / "asked").read_text() == "paper|params/my study.yaml|"
    without = command(checkout, "paper", "PYTHON=../python")
    assert without.returncode != 0
    assert "make paper PARAMS=params/NAME.yaml" in without.stdout
