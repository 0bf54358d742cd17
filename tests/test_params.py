"""The schema: every mistake is named, all at once, and nothing else is accepted."""

from pathlib import Path

import pytest

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.study.data import check_sources

PARAMS = Path(__file__).parent.parent / "params"


@pytest.fixture
def changed(tmp_path, edit_profile):
    """A function that writes quick.yaml with values replaced at dotted keys."""
    return lambda edits: edit_profile(PARAMS / "quick.yaml", tmp_path / "mine.yaml", edits)


@pytest.mark.parametrize("name", ["quick", "local-data", "paper"])
def test_every_shipped_profile_is_valid(name):
    params = schema.load(PARAMS / f"{name}.yaml")
    assert params.profile == name
    folders = [s.folder for s in params.corpora.values() if s.source == "local"]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip(f"{name}: the real data samples are not here ({folders[0]})")
    check_sources(params)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({"target.epoch": 3}, r"target\.epoch: unknown key. Allowed here: .*epochs"),
        ({"attacks.typo.max_queries": -5}, r"attacks\.typo\.max_queries: .*greater than 0.*-5"),
        (
            {"evaluation.test_sets": [{"corpus": "tydiqa", "languages": ["xx"]}]},
            r"evaluation\.test_sets\.0\.languages: unknown language xx; known: en",
        ),
        ({"seeds": [1, 1]}, r"seeds: a seed is listed twice"),
        ({"compute.gpus": 1}, r"compute: device: cuda goes with gpus"),
        ({"corpora.tydiqa": {"source": "local"}}, r"corpora\.tydiqa: .*needs `folder`"),
        ({"span_qa.doc_stride": 250}, r"span_qa: doc_stride \+ max_query_length"),
        (
            {"target.data": {"corpus": "squad", "languages": ["en"]}},
            r"target\.data\.corpus: 'squad' is not under `corpora`",
        ),
        ({"intermediate.arms.none": {"tasks": {"nli": {}}}}, r"arms\.none\.tasks\.nli\.corpus"),
    ],
)
def test_a_mistake_names_file_key_value_and_what_is_allowed(changed, edits, expected):
    file = changed(edits)
    with pytest.raises(InputError, match=expected) as error:
        schema.load(file)
    assert str(error.value).startswith(f"{file}: ")


def test_all_mistakes_are_reported_at_once(changed):
    file = changed({"target.epochs": -1, "attacks.typo.max_queries": "many", "sedes": [1]})
    with pytest.raises(InputError) as error:
        schema.load(file)
    for part in ("3 errors", "target.epochs", "attacks.typo.max_queries", "sedes"):
        assert part in str(error.value)


def test_arms_with_different_tasks_are_refused(changed):
    tasks = {"nli": {"corpus": "xnli", "languages": ["en"]}}
    file = changed({"intermediate.arms.english": {"tasks": tasks}})
    with pytest.raises(InputError, match="every arm with tasks must have the same ones"):
        schema.load(file)


def test_not_yaml_and_missing_files_are_explained(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("seeds: [1")
    with pytest.raises(InputError, match=r"broken\.yaml: not valid YAML"):
        schema.load(broken)
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read"):
        schema.load(tmp_path / "absent.yaml")


def test_paths_are_relative_to_the_params_file(changed, tmp_path):
    params = schema.load(changed({"outputs": "results"}))
    assert params.outputs == tmp_path / "results"


def test_params_hold_no_code(tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text("profile: !!python/object/apply:os.system ['true']")
    with pytest.raises(InputError, match="not valid YAML"):
        schema.load(file)
