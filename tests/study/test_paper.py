"""`xlt paper` on a finished study: same bytes again, every number traced, LaTeX that compiles."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from tests.conftest import ROOT
from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.cli import app
from xltlib.study import Grid, paper, saved
from xltlib.study.exhibits import gather


@pytest.fixture(scope="module")
def folder(finished_study) -> Path:
    """The paper folder of the tiny study."""
    return paper.write(finished_study)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_results_and_paper_are_made_from_what_git_keeps_without_models(
    finished_study, folder, tmp_path
):
    source = finished_study.params.outputs.parent
    project, clone = tmp_path / "project", tmp_path / "clone"
    project.mkdir()
    shutil.copytree(source / "outputs", project / "outputs", ignore=shutil.ignore_patterns("paper"))
    shutil.copy(ROOT / ".gitignore", project)
    raw = yaml.safe_load((source / "tiny.yaml").read_text("utf-8"))
    raw["encoders"]["tiny"]["name"] = "./not-here"
    (project / "tiny.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    named = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    for command in (("init", "--quiet"), ("add", "."), (*named, "commit", "-qm", "Results")):
        subprocess.run(["git", *command], cwd=project, check=True)
    subprocess.run(["git", "clone", "--quiet", project, clone], check=True)
    there = {file.suffix for file in clone.rglob("*") if ".git" not in file.parts}
    assert ".safetensors" not in there
    assert not [*clone.rglob("attacks.*"), *clone.rglob("predictions.parquet")]

    run = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke
    done = run(app, ["results", str(clone / "tiny.yaml"), "--json"])
    assert done.exit_code == 0, done.output
    tables = saved.load_results(finished_study.params)
    assert json.loads(done.output)["06_results/tiny"].keys() == {
        name.rpartition("/")[2] for name in tables if name.startswith("06_results/")
    }
    for command in ("results", "paper"):
        done = run(app, [command, str(clone / "tiny.yaml")])
        assert done.exit_code == 0, done.output
    assert content(clone / "outputs" / "tiny" / "paper") == content(folder)
    assert not (clone / "cache").exists()


class Page(HTMLParser):
    """The links, ids, records and addresses of a report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.numbers: list[tuple[str, str]] = []
        self.records: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self._record = self._number = None
        self._in_record = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        if "id" in found:
            self.ids.append(found["id"])
        self.addresses += [found[name] for name in ("href", "src") if name in found]
        if tag == "div" and found.get("class") == "record":
            self._record = found["id"]
        elif tag == "pre":
            self._in_record = True
        elif tag == "a" and found.get("class") == "n":
            self._number = found["href"].removeprefix("#")
        elif tag == "a" and self._record and self._record not in self.files:
            self.files[self._record] = found["href"]

    def handle_endtag(self, tag):
        if tag == "pre":
            self._in_record = False
        if tag == "a":
            self._number = None

    def handle_data(self, text):
        if self._number:
            self.numbers.append((self._number, text))
        if self._in_record:
            self.records[self._record] = self.records.get(self._record, "") + text


@pytest.fixture(scope="module")
def page(folder) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_a_deleted_folder_comes_back_byte_for_byte(finished_study, folder):
    first = content(folder)
    assert len([name for name in first if name.startswith("tables/")]) > 20
    shutil.rmtree(folder)
    assert content(paper.write(finished_study)) == first


def test_a_damaged_cell_of_any_stage_stops_whoever_reads_the_results(finished_study, tmp_path):
    source = finished_study.params.outputs.parent
    shutil.copytree(source, tmp_path / "moved")
    file = tmp_path / "moved" / "tiny.yaml"
    run = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke
    read = [
        lambda: run(app, ["results", str(file)]).output,
        lambda: run(app, ["paper", str(file)]).output,
        lambda: run(app, ["power", str(file), "--seeds", "5"]).output,
    ]
    for stage in ("corpora", "intermediate", "target", "evaluation", "attacks", "representation"):
        cell = Grid(schema.load(file)).cells(stage)[-1]
        for name in ("metrics.json", "manifest.json"):
            whole = cell.path(name).read_bytes()
            cell.path(name).write_bytes(whole[: len(whole) // 2])
            for said in [one() for one in read]:
                assert f"{cell.name} is damaged: {name} was cut short, edited or removed" in said
                assert f"Run `xlt run {file}` to make it again." in said
            with pytest.raises(InputError, match="is damaged"):
                saved.load_results(file)
            cell.path(name).write_bytes(whole)
    # A cell that is merely absent does not keep the results of others from being read.
    shutil.rmtree(cell.folder)
    shutil.rmtree(Grid(schema.load(file)).cells("evaluation")[0].folder)
    assert run(app, ["results", str(file)]).exit_code == 0


def test_files_that_the_user_put_into_the_folder_stay(finished_study, folder):
    first = content(folder)
    mine = {"article.pdf": b"%PDF", "tables/notes.txt": b"mine", "sections/intro.tex": b"Mine."}
    for name, text in mine.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(text)
    (folder / "tables" / "of_before.csv").touch()
    (folder / "refs").symlink_to(folder.parent, target_is_directory=True)
    (folder / "empty").mkdir()
    assert content(paper.write(finished_study)) == first | mine
    assert (folder / "refs").is_symlink()
    assert (folder / "empty").is_dir()
    for name in (*mine, "refs"):
        (folder / name).unlink()
    for name in ("sections", "empty"):
        (folder / name).rmdir()


def test_an_unfinished_study_is_refused_and_the_old_folder_stays(tiny_profile, tmp_path):
    grid = Grid(schema.load(tiny_profile))
    old = grid.params.outputs / "tiny" / "paper" / "report.html"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    with pytest.raises(InputError, match=r"09_claims.*xlt run"):
        paper.write(grid)
    assert content(old.parent) == {"report.html": b"old"}


def leaves(value):
    """Every plain value in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_every_number_in_the_report_leads_to_a_record_that_holds_it(folder, page):
    assert len(page.numbers) > 300
    assert len(page.ids) == len(set(page.ids))
    for target, text in page.numbers:
        record = json.loads(page.records[target])
        values = [v for v in leaves(record) if isinstance(v, int | float)]
        shown = float(re.sub(r"[,+\s]|%$", "", text).replace("−", "-"))
        decimals = len(text.partition(".")[2])
        half = 0.5 * 10.0**-decimals + 1e-9
        assert any(abs(value - shown) <= half for value in values), (text, record)
        assert (folder / page.files[target]).resolve().is_file(), page.files[target]


def test_every_number_of_the_report_s_prose_and_tables_is_a_link(page, folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    main = text[text.index("<main>") : text.index('id="runs"')]
    cells = re.findall(r'<(?:td|th scope="row") class="number"[^>]*>(.*?)</t[dh]>', main)
    assert len(cells) > 300
    assert all(cell.startswith("<a class") for cell in cells if re.search(r"\d", cell))


def test_the_report_begins_with_the_question_the_answer_and_its_figure(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    header = text[text.index("<h1>") : text.index("<dl>")]
    assert header.startswith("<h1>Does multilingual intermediate training make")
    assert header.index("Not answered, because") < header.index("<img")
    assert "multilingual minus" not in header  # the verdict stands in the figure itself
    assert text.count("<details>") == text.count("</details>") > 0


def test_the_report_needs_nothing_from_elsewhere(page):
    assert not page.tags & {"script", "iframe", "link", "object"}
    outside = [a for a in page.addresses if not a.startswith(("#", "data:", "../"))]
    assert outside == []
    fragments = {a.removeprefix("#") for a in page.addresses if a.startswith("#")}
    assert fragments <= set(page.ids)


def test_everything_says_profile_n_seeds_and_run(finished_study, folder):
    whole = gather(finished_study)
    report = (folder / "report.html").read_text(encoding="utf-8")
    for section in whole.sections:
        for table in section.tables:
            written = pd.read_csv(folder / "tables" / f"{table.name}.csv")
            assert {"profile", "seeds", "run"} <= set(written.columns)
            # A finding is a sentence and says its own n.
            counts = {"n", "n languages", "steps measured", "finding"}
            assert counts & set(written.columns), table.name
            latex = (folder / "tables" / f"{table.name}.tex").read_text(encoding="utf-8")
            flat = re.sub(r"\s+", " ", latex)
            assert f"profile {table.about.profile}" in flat
            assert table.about.fingerprint.split()[0] in flat
            assert str(table.about) in report
        for figure in section.figures:
            assert f"{figure.about}; " in report
            assert (folder / "figures" / f"{figure.name}.pdf").read_bytes()[:4] == b"%PDF"


def test_each_quoted_number_is_a_macro_of_its_own(finished_study, folder):
    numbers = (folder / "numbers.tex").read_text(encoding="utf-8")
    names = re.findall(r"\\newcommand\{\\(\w+)\}", numbers)
    assert len(names) == len(set(names)) > 50
    assert all(re.fullmatch("xlt[A-Za-z]+", name) for name in names)
    said = json.loads((folder / "json/findings.json").read_text(encoding="utf-8"))
    assert sorted(name for one in said for name in one["macros"]) == sorted(names)
    article = (folder / "article.tex").read_text(encoding="utf-8")
    assert set(names) == set(re.findall(r"\\(xlt[A-Za-z]+)\{\}", article))


def has_tex() -> bool:
    """Whether pdflatex and the Times fonts of the article are installed."""
    if shutil.which("pdflatex") is None:
        return False
    return subprocess.run(["kpsewhich", "ptmr8t.tfm"], capture_output=True).returncode == 0


@pytest.mark.skipif(
    not has_tex(),
    reason="needs pdflatex (Debian: texlive-latex-recommended texlive-fonts-recommended)",
)
def test_pdflatex_sets_every_table_and_figure(finished_study, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "paper")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "article.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, done.stdout[-3000:]
    log = (copy / "article.log").read_text(errors="replace")
    assert "undefined" not in log
    whole = gather(finished_study)
    for section in whole.sections:
        assert all(f"tables/{one.name}.tex" in log.replace("\n", "") for one in section.tables)
        assert all(f"figures/{one.name}.pdf" in log.replace("\n", "") for one in section.figures)
    # Nothing hangs over the margin by more than a letter.
    over = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(over, default=0) < 8
