"""The built wheel holds everything that the package reads at run time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with nothing but the installed wheel."""
    built, site = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    # A copy, so that no build folder is left in the checkout.
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "xltlib", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(bytes.decode, tracked)):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    options = ["--no-deps", "--no-build-isolation", "--no-cache-dir"]
    subprocess.run([*PIP, "wheel", *options, "-w", str(built), str(source)], check=True)
    (wheel,) = built.glob("*.whl")
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    return site


def run(site: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=site.parent,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_what_is_imported(installed):
    where = run(installed, "import xltlib; print(xltlib.__file__)")
    assert Path(where.strip()).is_relative_to(installed)


def test_no_data_file_of_the_package_is_left_out(installed):
    def data_files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
        }

    assert data_files(ROOT / "xltlib") == data_files(installed / "xltlib")


def test_the_offline_corpora_and_the_command_work_from_the_wheel(installed):
    code = (
        "from xltlib import corpora; from xltlib.params import CorpusSource;"
        "rows = corpora.load('tydiqa', CorpusSource(source='mini'), 'te', 'test');"
        "print(len(rows))"
    )
    assert int(run(installed, code)) == 60
    help_text = run(
        installed, "import sys; sys.argv = ['xlt', '--help']; from xltlib.cli import app; app()"
    )
    assert "attack" in help_text
