"""The hub's branches move; a profile stays at the commits that its stage 01 chose."""

import json
from types import SimpleNamespace

import pytest
import yaml
from datasets import Dataset

from tests.execution.small_study import write_profile
from tests.study import tiny_study
from xltlib import corpora as loaders
from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.attacks import resources
from xltlib.corpora import hub
from xltlib.study import Grid, corpora, data, preflight, revisions
from xltlib.study.contents import Contents

OLD, NEW = "a" * 40, "b" * 40


class Hub:
    """A stand-in for the hub: one data set that differs from commit to commit."""

    def __init__(self) -> None:
        self.main: str | None = OLD
        """What the branch names; None where the hub does not answer."""
        self.asked: list[tuple[str, str, str | None]] = []
        self.kept: set[str] = set()
        """The commits in the local cache."""
        self.reachable = True

    def repo_info(self, repository, *, repo_type, revision, timeout):
        self.asked.append((repo_type, repository, revision))
        if self.main is None:
            raise OSError("the hub does not answer")
        return SimpleNamespace(sha=self.main)

    def load_dataset(self, repository, config, *, split, revision, download_config=None):
        if download_config is not None:
            if revision not in self.kept:
                raise OSError("not in the local cache")
        elif not self.reachable:
            raise OSError("the hub does not answer")
        self.kept.add(self.newest if revision is None else revision)
        commit = self.newest if revision is None else revision
        rows = {
            "premise": [f"{config} {split} premise {i} of {commit[0]}" for i in range(6)],
            "hypothesis": [f"hypothesis {i}" for i in range(6)],
            "label": [i % 3 for i in range(6)],
        }
        return Dataset.from_dict(rows)

    newest = OLD


@pytest.fixture
def the_hub(monkeypatch):
    stand_in = Hub()
    monkeypatch.setattr(hub, "HfApi", lambda: stand_in)
    monkeypatch.setattr(hub, "load_dataset", stand_in.load_dataset)
    loaders._load.cache_clear()
    yield stand_in
    loaders._load.cache_clear()


@pytest.fixture
def profile(tmp_path, tiny_encoder):
    return write_profile(tmp_path, tiny_encoder, corpora={"xnli": {"source": "hub"}})


def test_a_recorded_commit_is_read_from_the_cache_without_the_hub(profile, the_hub, monkeypatch):
    params = schema.load(profile)
    (cell,) = Grid(params).cells("corpora")
    corpora.prepare(cell)

    def no_network(what):
        raise InputError(f"{what}: the hub cannot be reached")

    the_hub.reachable = False
    monkeypatch.setattr(hub, "require_network", no_network)
    assert premise(params).endswith("of a")
    the_hub.kept.clear()
    with pytest.raises(InputError, match="the hub cannot be reached"):
        premise(params)


def premise(params: schema.Params) -> str:
    loaders._load.cache_clear()  # as another process would read it
    return data.load(params, "xnli", "test", "en")["sentence1"][0]


def test_later_stages_read_the_commit_that_stage_01_chose(profile, the_hub):
    params = schema.load(profile)
    assert "the first run chooses" in " ".join(preflight.warnings(params))
    (cell,) = Grid(params).cells("corpora")
    corpora.prepare(cell)
    assert cell.manifest.revisions == {"xnli": OLD}
    fingerprints = {one.name: one.fingerprint for one in Grid(params).everything()}

    the_hub.main = the_hub.newest = NEW
    assert premise(params).endswith("of a")
    assert {one.name: one.fingerprint for one in Grid(params).everything()} == fingerprints
    assert Grid(params).cells("corpora")[0].done
    assert list(preflight.warnings(params)) == []
    # A stage 01 that has to run again, for another corpus say, chooses nothing anew.
    cell.path("manifest.json").unlink()
    (again,) = Grid(params).cells("corpora")
    corpora.prepare(again)
    assert again.fingerprint == cell.fingerprint

    revisions.file_of(params).unlink()
    assert not Grid(params).cells("corpora")[0].done
    (newest,) = Grid(params).cells("corpora")
    corpora.prepare(newest)
    assert newest.manifest.revisions == {"xnli": NEW}
    assert premise(params).endswith("of b")
    assert the_hub.asked == [("dataset", "facebook/xnli", None)] * 2


def test_rows_that_stage_01_did_not_read_are_refused_where_no_commit_is_known(profile, the_hub):
    params = schema.load(profile)
    the_hub.main = None
    corpora.prepare(Grid(params).cells("corpora")[0])
    assert not revisions.file_of(params).exists()
    assert premise(params).endswith("of a")
    the_hub.newest = NEW
    with pytest.raises(InputError, match=r"xnli/test/en is not what stage 01 read.*set `revision`"):
        premise(params)


def test_another_revision_in_the_profile_is_looked_up_anew_and_a_commit_is_not(profile, the_hub):
    revisions.record(schema.load(profile))
    raw = yaml.safe_load(profile.read_text())
    the_hub.main = NEW
    found = {}
    for revision in (None, "a-branch", OLD):
        raw["corpora"]["xnli"] = {"source": "hub", "revision": revision}
        profile.write_text(yaml.safe_dump(raw))
        params = schema.load(profile)
        revisions.record(params)
        found[revision] = revisions.source(params, "xnli").revision
    assert found == {None: OLD, "a-branch": NEW, OLD: OLD}
    assert [revision for _, _, revision in the_hub.asked] == [None, "a-branch"]


def test_an_encoder_of_the_hub_keeps_its_commit_too(tmp_path, the_hub):
    params = schema.load(write_profile(tmp_path, "org/model"))  # type: ignore[arg-type]
    before = Contents(params).encoder("tiny")
    revisions.record(params)
    assert the_hub.asked == [("model", "org/model", None)]
    assert revisions.of_encoder(params, "tiny") == OLD
    assert Contents(params).encoder("tiny") != before
    the_hub.main = NEW
    revisions.record(params)
    assert revisions.of_encoder(params, "tiny") == OLD


MLM = {"kind": "mlm", "model": "org/mlm", "max_edited_words": 2, "max_queries": 20}
MIXED = {"kind": "codemix", "encoder": "org/aligner"}


def with_models(tmp_path, tiny_encoder, edit_profile, recipe, perturbation):
    """The tiny study with other models in its attack and its second test set."""
    sets = [{"corpus": "tydiqa", "languages": ["ru"]}]
    if perturbation is not None:
        parallel = {"corpus": "tatoeba", "languages": ["ru"]}
        sets.append(sets[0] | {"perturbation": perturbation | {"parallel": parallel}})
    edits = {"targets.tydiqa.test_sets": sets, "attacks.typo.recipe": recipe}
    file = tiny_study.write_profile(tmp_path, tiny_encoder)
    return schema.load(edit_profile(file, file, edits))


def attack_of(params):
    return Grid(params).cells("attacks")[0]


def test_models_that_recipes_and_perturbations_name_keep_their_commits(
    tmp_path, tiny_encoder, edit_profile, the_hub, monkeypatch
):
    params = with_models(tmp_path, tiny_encoder, edit_profile, MLM, MIXED)
    before = attack_of(params)
    evaluation = Grid(params).cells("evaluation")[0].fingerprint
    (said,) = [before.inputs.content[key] for key in before.inputs.content if "model" in key]
    assert said == "org/mlm None"
    revisions.record(params)
    the_hub.main = NEW
    revisions.record(params)
    assert sorted(the_hub.asked) == [("model", "org/aligner", None), ("model", "org/mlm", None)]
    assert revisions.of_models(params) == {"org/aligner": OLD, "org/mlm": OLD}
    after = attack_of(params)
    assert after.fingerprint != before.fingerprint
    assert f"org/mlm {OLD}" in after.inputs.content.values()
    assert Grid(params).cells("evaluation")[0].fingerprint != evaluation

    asked = []

    def opened(name, *, cache, revision):
        asked.append((name, revision))
        return tiny_encoder

    monkeypatch.setattr(resources, "encoder_folder", opened)
    of_recipe = resources.Resources(None, {}, revisions=revisions.of_models(params))
    assert of_recipe.folder("org/mlm") == tiny_encoder
    assert asked == [("org/mlm", OLD)]


def test_cells_with_local_models_only_have_no_commit_in_them(
    tmp_path, tiny_encoder, edit_profile, the_hub
):
    here = MLM | {"model": str(tiny_encoder)}
    params = with_models(
        tmp_path, tiny_encoder, edit_profile, here, MIXED | {"encoder": "me5-small"}
    )
    revisions.record(params)
    assert the_hub.asked == []
    for cell in (attack_of(params), *Grid(params).cells("evaluation")):
        assert not [key for key in cell.inputs.content if key.startswith("model ")]


def test_a_hub_model_in_any_place_needs_the_network(
    tmp_path, tiny_encoder, edit_profile, monkeypatch
):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    ranked = {"kind": "typo", "max_edited_words": 2, "ranking": "gradient", "surrogate": "org/qa"}
    for recipe, perturbation, key in (
        (MLM, None, r"attacks\.typo\.recipe\.model"),
        (ranked, None, r"attacks\.typo\.recipe\.surrogate"),
        ({"kind": "typo"}, MIXED, r"targets\.tydiqa\.test_sets\.1\.perturbation\.encoder"),
    ):
        params = with_models(tmp_path, tiny_encoder, edit_profile, recipe, perturbation)
        with pytest.raises(InputError, match=f"{key}: the hub .* cannot be reached"):
            preflight.check_network(params)


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"corpora.xnli": {"asked": "xnli@main", "commit": "main"}}', "\ud800"]
)
def test_a_damaged_list_of_commits_is_named(profile, content):
    params = schema.load(profile)
    file = revisions.file_of(params)
    file.parent.mkdir(parents=True)
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match=r"revisions\.json: not a list of the hub's commits"):
        revisions.source(params, "xnli")


def test_the_list_of_commits_travels_and_says_what_was_asked(profile, the_hub):
    params = schema.load(profile)
    revisions.record(params)
    kept = json.loads(revisions.file_of(params).read_text())
    assert kept == {"corpora.xnli": {"asked": "xnli@main", "commit": OLD}}


def test_places_to_write_that_are_files_are_named_by_check(profile):
    params = schema.load(profile)
    for key in ("outputs", "cache"):
        odd = params.model_copy(update={key: profile / "below"})
        with pytest.raises(InputError, match=rf"{key}: .* is a file where a folder is needed"):
            preflight.check_sources(odd)
