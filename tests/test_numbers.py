"""Every marked number in README.md and docs is what the committed file beside its mark says."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
MARK = re.compile(r"<!-- n: (?P<file>[^#\s]+)#(?P<place>\S+) -->\s*(?P<shown>[^<\s]*)")
NUMBER = re.compile(r"[+\-−]?\d[\d,]*(?:\.\d+)?")


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def marks(text: str) -> list[re.Match]:
    # An indented line shows how to write a mark.
    return [m for line in text.splitlines() if line[:4] != "    " for m in MARK.finditer(line)]


def value(root: Path, file: str, place: str) -> float:
    """The number at a JSON pointer, or in a column and row of a CSV file."""
    path = root / file
    if path.suffix == ".csv":
        column, row = place.rsplit("@", 1)
        return float(pd.read_csv(path)[column.replace("%20", " ")].iloc[int(row)])
    found = json.loads(path.read_text(encoding="utf-8"))
    for part in place.replace("%20", " ").strip("/").split("/"):
        part = part.replace("~1", "/")
        found = found[int(part)] if isinstance(found, list) else found[part]
    return float(found)


def problems(root: Path, text: str) -> list[str]:
    found = []
    for mark in marks(text):
        number = NUMBER.match(mark["shown"].strip("*_`~("))
        if number is None:
            found.append(f"{mark[0]}: no number follows")
            continue
        shown = number[0].replace(",", "").replace("−", "-")
        digits = len(shown.partition(".")[2])
        true = value(root, mark["file"], mark["place"])
        if abs(float(shown) - true) > 0.5 * 10.0**-digits + 1e-9:
            found.append(f"{mark['file']}#{mark['place']} is {true}, the text says {shown}")
    return found


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_marked_numbers_are_those_of_the_committed_files(document):
    assert problems(ROOT, document.read_text(encoding="utf-8")) == []


RESULT = re.compile(r"(?<![\w.@#/^-])[+\-−]?\d[\d,]*(?:\.\d+)? ?(?:%|points|times)(?!\w)")
DEFINED = {
    *("95 %", "80 %", "98 %", "1.2 times"),  # levels, power, and what is wanted
    *("0.8 %", "1.64 times"),  # worked out from the world, in the text itself
    *("10 points", "2 points"),  # what a simulation and a default are set to
}
"""Numbers that are set, not found."""


def unmarked(text: str) -> list[str]:
    """What looks like a result and has no mark before it."""
    bare = re.sub(MARK.pattern + r"(?: ?(?:%|points|times))?", "", " ".join(text.split()))
    return [found for found in RESULT.findall(bare) if found.strip() not in DEFINED]


@pytest.mark.parametrize("document", ["README.md", "docs/statistics.md", "docs/results.md"])
def test_results_in_prose_are_marked(document):
    assert unmarked((ROOT / document).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It falls by 12.3 points.", ["12.3 points"]),
        ("It falls by 12.3\npoints, to 40%.", ["12.3 points", "40%"]),
        ("It falls by <!-- n: a.json#/x -->12.3 points; 95 % intervals.", []),
    ],
)
def test_a_result_without_a_mark_is_found(text, found):
    assert unmarked(text) == found


def test_there_are_marked_numbers():
    assert sum(len(marks(path.read_text(encoding="utf-8"))) for path in documents()) > 0


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<!-- n: a.json#/x/0/y -->12.3 points", False),
        ("**<!-- n: a.json#/x/0/y -->12** points", False),
        ("<!-- n: a.json#/x/0/y -->12.4 points", True),
        ("<!-- n: a.json#/x/0/y -->many points", True),
        ("<!-- n: b.csv#f1@1 -->-7", False),
        ("<!-- n: b.csv#f1@0 -->-7", True),
        ("    <!-- n: absent.json#/x -->1", False),
    ],
)
def test_a_wrong_number_is_found(tmp_path, text, wrong):
    (tmp_path / "a.json").write_text(json.dumps({"x": [{"y": 12.34}]}))
    (tmp_path / "b.csv").write_text("f1\n3.0\n-7.2\n")
    assert bool(problems(tmp_path, text)) == wrong


def test_the_gpu_side_of_the_comparison_of_numerics_is_that_of_the_committed_cells():
    compared = json.loads((ROOT / "docs" / "numerics.json").read_text(encoding="utf-8"))
    cells = ROOT / "outputs" / "tydiqa" / "04_zero_shot_evaluation"
    for model in compared["models"]:
        found = json.loads((cells / model["cell"] / "metrics.json").read_text(encoding="utf-8"))
        english = found["tydiqa"]["languages"]["en"]["f1"]
        others = found["tydiqa"]["averages"]["f1"]["tydi_without_en"]
        assert model["H200, bf16"] == {"en": round(english, 2), "others": round(others, 2)}
    for side, means in compared["mean"].items():
        for view, mean in means.items():
            values = [model[side][view] for model in compared["models"]]
            assert mean == pytest.approx(sum(values) / len(values), abs=0.01)


def recipe_f1(target, seed):
    """F1 of a committed cell of `tydiqa-recipe`: English, and the mean of the others."""
    cells = ROOT / "outputs" / "tydiqa-recipe" / "04_zero_shot_evaluation"
    file = cells / f"me5-small.none.{target}.standard.seed{seed}" / "metrics.json"
    found = json.loads(file.read_text(encoding="utf-8"))["tydiqa"]
    english, average = found["languages"]["en"]["f1"], found["averages"]["f1"]
    return {"en": round(english, 2), "others": round(average["tydi_without_en"], 2)}


@pytest.mark.parametrize(
    ("file", "before", "after", "difference"),
    [
        ("dropout.json", ("with dropout", None), ("without", "no-dropout"), "gain"),
        (
            "frozen_layers.json",
            ("all layers", "no-dropout"),
            ("four frozen", "frozen-layers"),
            "difference",
        ),
    ],
)
def test_the_comparison_of_recipes_is_that_of_the_committed_cells(file, before, after, difference):
    compared = json.loads((ROOT / "docs" / file).read_text(encoding="utf-8"))
    numerics = json.loads((ROOT / "docs" / "numerics.json").read_text(encoding="utf-8"))
    with_dropout = {one["seed"]: one["bf16"] for one in numerics["autocast"]["models"]}
    for model in compared["models"]:
        for side, target in (before, after):
            seed = model["seed"]
            assert model[side] == (recipe_f1(target, seed) if target else with_dropout[seed])
    for view in ("en", "others"):
        means = {
            side: sum(model[side][view] for model in compared["models"]) / len(compared["models"])
            for side in compared["mean"]
        }
        for side, mean in means.items():
            assert compared["mean"][side][view] == pytest.approx(mean, abs=0.01)
        change = means[after[0]] - means[before[0]]
        assert compared[difference][view] == pytest.approx(change, abs=0.01)


def test_the_means_of_tried_recipes_are_those_of_their_models():
    compared = json.loads((ROOT / "docs" / "dropout.json").read_text(encoding="utf-8"))
    for name, mean in compared["mean of tried"].items():
        values = compared["tried"][name].values()
        assert mean == pytest.approx(sum(values) / len(values), abs=0.01)


def test_the_means_of_the_comparison_on_one_processor_are_those_of_its_models():
    compared = json.loads((ROOT / "docs" / "numerics.json").read_text(encoding="utf-8"))
    one, *others = (
        compared[name] for name in ("one processor", "attention by sequence", "autocast")
    )
    for view, exact in one["mean"]["float32"].items():

        def mean(*parts, precision="bf16", view=view):
            values = [model[precision][view] for part in parts for model in part["models"]]
            return pytest.approx(sum(values) / len(values), abs=0.01)

        assert exact == mean(one, precision="float32")
        assert one["mean"]["bf16"][view] == mean(one)
        for part in others:
            assert part["mean"][view] == mean(part)
            assert part["difference"][view] == pytest.approx(part["mean"][view] - exact, abs=0.01)
        assert compared["autocast"]["nine"][view] == mean(one, *others)
