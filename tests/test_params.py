"""The schema: every mistake is named, all at once, and nothing else is accepted."""

from pathlib import Path

import pytest
import yaml

from xltlib import params as schema
from xltlib.artifacts import InputError

PARAMS = Path(__file__).parent.parent / "params"


def changed(tmp_path, **edits):
    """quick.yaml with values replaced at dotted keys."""
    raw = yaml.safe_load((PARAMS / "quick.yaml").read_text(encoding="utf-8"))
    for key, value in edits.items():
        *path, last = key.split("__")
        section = raw
        for part in path:
            section = section[part]
        section[last] = value
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["quick", "local-data", "paper"])
def test_every_shipped_profile_is_valid(name):
    assert schema.load(PARAMS / f"{name}.yaml").profile == name


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({"target__epoch": 3}, r"target\.epoch: unknown key. Allowed here: .*epochs"),
        ({"attacks__typo__max_queries": -5}, r"attacks\.typo\.max_queries: .*greater than 0.*-5"),
        (
            {"evaluation__test_sets": [{"corpus": "tydiqa", "languages": ["xx"]}]},
            r"evaluation\.test_sets\.0\.languages: unknown language xx; known: en",
        ),
        ({"seeds": [1, 1]}, r"seeds: a seed is listed twice"),
        ({"compute__gpus": 1}, r"compute: device: cuda goes with gpus"),
        ({"corpora__tydiqa": {"source": "local"}}, r"corpora\.tydiqa: .*needs `folder`"),
        ({"span_qa__doc_stride": 250}, r"span_qa: doc_stride \+ max_query_length"),
        (
            {"target__data": {"corpus": "squad", "languages": ["en"]}},
            r"target\.data\.corpus: 'squad' is not under `corpora`",
        ),
        ({"intermediate__arms__none": {"tasks": {"nli": {}}}}, r"arms\.none\.tasks\.nli\.corpus"),
    ],
)
def test_a_mistake_names_file_key_value_and_what_is_allowed(tmp_path, edits, expected):
    file = changed(tmp_path, **edits)
    with pytest.raises(InputError, match=expected) as error:
        schema.load(file)
    assert str(error.value).startswith(f"{file}: ")


def test_all_mistakes_are_reported_at_once(tmp_path):
    file = changed(tmp_path, target__epochs=-1, attacks__typo__max_queries="many", sedes=[1])
    with pytest.raises(InputError) as error:
        schema.load(file)
    for part in ("3 errors", "target.epochs", "attacks.typo.max_queries", "sedes"):
        assert part in str(error.value)


def test_arms_with_different_tasks_are_refused(tmp_path):
    tasks = {"nli": {"corpus": "xnli", "languages": ["en"]}}
    file = changed(tmp_path, intermediate__arms__english={"tasks": tasks})
    with pytest.raises(InputError, match="every arm with tasks must have the same ones"):
        schema.load(file)


def test_not_yaml_and_missing_files_are_explained(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("seeds: [1")
    with pytest.raises(InputError, match=r"broken\.yaml: not valid YAML"):
        schema.load(broken)
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read"):
        schema.load(tmp_path / "absent.yaml")


def test_paths_are_relative_to_the_params_file(tmp_path):
    params = schema.load(changed(tmp_path, outputs="results"))
    assert params.outputs == tmp_path / "results"


def test_params_hold_no_code(tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text("profile: !!python/object/apply:os.system ['true']")
    with pytest.raises(InputError, match="not valid YAML"):
        schema.load(file)
