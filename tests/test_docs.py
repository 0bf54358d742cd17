"""README.md and docs: short, linked, and true to the commands."""

import re
from pathlib import Path

import pytest
import typer

from xltlib.cli import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links(document: Path) -> list[str]:
    found = LINK.findall(document.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link and not link.startswith("outputs/")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    assert [link for link in links(document) if not (document.parent / link).exists()] == []


def test_the_readme_is_one_page_and_leads_to_every_document():
    readme = ROOT / "README.md"
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= 120
    linked = {(ROOT / link).resolve() for link in links(readme)}
    assert set((ROOT / "docs").glob("*.md")) <= linked


def test_the_readme_names_every_notebook():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [p.stem for p in (ROOT / "notebooks").glob("*.ipynb") if f"`{p.stem}`" not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document):
    commands = typer.main.get_command(app).commands
    blocks = re.findall(
        r"^ *(?:\S*/)?xlt ((?:.*\\\n)*.*)$|`xlt ([^`]+)`", document.read_text(), re.M
    )
    for line in (block or inline for block, inline in blocks):
        words = line.split(" #")[0].split()
        if words[0].startswith("-"):
            continue
        assert words[0] in commands, line
        known = {option for one in commands[words[0]].params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, line
