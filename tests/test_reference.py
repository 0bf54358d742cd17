"""docs/params.md and params/schema.json say what the settings classes say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from xltlib.cli import app
from xltlib.params import Claim, Params, load
from xltlib.params.base import Settings
from xltlib.params.reference import INTRODUCTION
from xltlib.study import STAGES, Grid

ROOT = Path(__file__).parent.parent
PROFILES = sorted(set((ROOT / "params").glob("*.yaml")) - {ROOT / "params" / "claims.yaml"})


def classes(base: type[Settings] = Settings) -> Iterator[type[Settings]]:
    for one in base.__subclasses__():
        yield one
        yield from classes(one)


def test_every_key_has_a_description_of_its_own_words():
    bad = [
        f"{one.__name__}.{name}"
        for one in classes()
        if one.__module__.startswith("xltlib.params")
        for name, field in one.model_fields.items()
        if len(field.description or "") < 8
    ]
    assert {Params, Claim} <= set(classes())
    assert bad == []


@pytest.mark.parametrize(
    ("file", "options"), [("params/schema.json", []), ("docs/params.md", ["--markdown"])]
)
def test_the_committed_file_is_what_the_command_prints(file, options):
    printed = CliRunner().invoke(app, ["schema", *options])
    assert printed.exit_code == 0, printed.output
    hint = f"run: xlt schema {' '.join(options)} > {file}"
    assert (ROOT / file).read_text(encoding="utf-8") == printed.stdout, hint


def test_the_reference_names_every_key():
    text = (ROOT / "docs" / "params.md").read_text(encoding="utf-8")
    for name in (
        "guide_words",
        "max_edited_graphemes",
        "smallest_effects",
        "size_error",
        "budgets",
    ):
        assert f"| `{name}` |" in text


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_profiles_point_editors_to_the_schema(profile):
    first = profile.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema.json"


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_a_profile_has_the_name_of_its_file_or_of_the_file_that_it_extends(profile):
    written = yaml.safe_load(profile.read_text(encoding="utf-8"))
    assert load(profile).profile in (profile.stem, Path(written.get("extends", "")).stem)


@pytest.mark.skipif(not (ROOT.parent / "shared" / "data").is_dir(), reason="no corpora here")
def test_the_same_study_on_a_gpu_has_the_same_cells():
    here, there = (Grid(load(ROOT / "params" / f"tydiqa{on}.yaml")) for on in ("", "-gpu"))
    assert there.params.compute.device == "cuda"
    for stage in STAGES:
        cells = {cell.key: cell.inputs.used for cell in here.cells(stage)}
        assert cells == {cell.key: cell.inputs.used for cell in there.cells(stage)}


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((ROOT / "params" / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_the_schema_takes_every_shipped_profile(profile, validator):
    raw = yaml.safe_load(profile.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(raw)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"sneeds": [1]},
        {"seeds": "1"},
        {"seeds": None},
        {"methods": {"adv": {"kind": "adv", "radius": "x"}}},
        {"targets": {"xnli": {"epoch": 2}}},
    ],
    ids=str,
)
def test_the_schema_refuses_what_a_profile_cannot_say(change, validator):
    raw = yaml.safe_load((ROOT / "params" / "quick.yaml").read_text(encoding="utf-8"))
    assert list(validator.iter_errors(raw)) == []
    assert list(validator.iter_errors(raw | change))
    assert list(validator.iter_errors({"extends": "quick.yaml"} | change))


@pytest.mark.parametrize(
    "part",
    [
        {"attacks": None},
        {"claims": None},
        {"targets": {"xnli": None}},
        {"methods": {"rs-rp": {"radius": 0.3}}},
        {"compute": {"threads": None, "device": None}},
    ],
    ids=str,
)
def test_the_schema_takes_parts_of_a_profile_that_extends_another(part, validator):
    extending = {"extends": "quick.yaml", "profile": "mine"} | part
    assert list(validator.iter_errors(extending)) == []
    assert list(validator.iter_errors({"extends": "quick.yaml"} | part))


def test_the_reference_names_the_keys_at_which_null_is_a_value():
    known = {
        name
        for one in classes()
        if one.__module__.startswith("xltlib.params")
        for name, field in one.model_fields.items()
        if type(None) in get_args(field.annotation) and field.default is not None
    }
    assert known == {"max_edited_words", "min_window_similarity"}
    assert "Only at `max_edited_words` and `min_window_similarity`" in INTRODUCTION


def test_the_schema_requires_the_keys_that_a_profile_needs(validator):
    raw = yaml.safe_load((ROOT / "params" / "quick.yaml").read_text(encoding="utf-8"))
    for key in ("seeds", "encoders", "targets"):
        assert list(validator.iter_errors({k: v for k, v in raw.items() if k != key}))
