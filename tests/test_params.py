"""The schema: every mistake is named, all at once, and nothing else is accepted."""

import re
from pathlib import Path

import pytest
import yaml

from xltlib import params as schema
from xltlib.artifacts import InputError, write_atomic
from xltlib.execution.status import Status, log_of
from xltlib.params import Params
from xltlib.study import Grid
from xltlib.study.preflight import check_sources, not_compared

PARAMS = Path(__file__).parent.parent / "params"


@pytest.fixture
def changed(tmp_path, edit_profile):
    """A function that writes quick.yaml with values replaced at dotted keys."""
    return lambda edits: edit_profile(PARAMS / "quick.yaml", tmp_path / "mine.yaml", edits)


@pytest.mark.parametrize(
    "name",
    [
        "quick",
        "tydiqa",
        "tydiqa-radii",
        "tydiqa-surrogate",
        "tydiqa-replication",
        "tydiqa-intermediate",
        "tydiqa-robust",
        "paper",
    ],
)
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
        (
            {"targets.tydiqa.epoch": 3},
            r"targets\.tydiqa\.epoch: unknown key. Allowed here: .*epochs",
        ),
        (
            {"methods.adv.radus": 3},
            r"methods\.adv\.adv\.radus: unknown key. Allowed here: radius, where, kind, "
            r"step_size, steps",
        ),
        ({"methods.adv": {"kind": "fgsm"}}, r"methods\.adv: .*'adv', 'rs-rp', 'rs-da'"),
        ({"methods.standard": {"kind": "rs-da"}}, r"methods\.standard: this name means"),
        (
            {"targets.xnli.crossings": [{"methods": ["freelb"]}]},
            r"targets\.xnli\.crossings\.0\.methods: there is no 'freelb'; available: standard, adv",
        ),
        (
            {"targets.xnli.crossings": [{"arms": ["german"]}]},
            r"targets\.xnli\.crossings\.0\.arms: there is no 'german'; available: none, english",
        ),
        (
            {"intermediate.arms.english.method": "fgm"},
            r"arms\.english\.method: there is no 'fgm'; available: standard, adv",
        ),
        ({"targets.xnli.optimisation.dropout": 1.0}, r"optimisation\.dropout: .*less than 1"),
        ({"encoders.me5-small.attention_dropout": 1.0}, r"attention_dropout: .*less than 1"),
        ({"targets.xnli.seeds": [7]}, r"targets\.xnli\.seeds: 7 is not a seed of the profile"),
        ({"attacks.typo.target": "squad"}, r"attacks\.typo\.target: there is no 'squad'"),
        (
            {"targets.xnli.data.languages": ["en", "de"]},
            r"targets\.xnli\.data: a target task is trained in one language",
        ),
        (
            {"analysis.contrasts": [["german", "english"]]},
            r"analysis\.contrasts\.0: there is no 'german'; available: none, english",
        ),
        ({"intermediate.temperature": 0.5}, r"intermediate\.temperature: .*greater than or equal"),
        (
            {"attacks.typo.recipe.max_queries": -5},
            r"attacks\.typo\.recipe\.typo\.max_queries: .*greater than or equal to 2.*-5",
        ),
        (
            {"targets.tydiqa.test_sets": [{"corpus": "tydiqa", "languages": ["xx"]}]},
            r"targets\.tydiqa\.test_sets\.0\.languages: unknown language xx; known: en",
        ),
        ({"seeds": [1, 1]}, r"seeds: 1 is listed twice"),
        ({"compute.gpus": 1}, r"compute: device: cuda needs gpus"),
        ({"corpora.tydiqa": {"source": "local"}}, r"corpora\.tydiqa: .*needs `folder`"),
        ({"span_qa.doc_stride": 250}, r"span_qa: doc_stride must be less than"),
        (
            {"targets.tydiqa.data": {"corpus": "squad", "languages": ["en"]}},
            r"targets\.tydiqa\.data\.corpus: 'squad' is not under `corpora`",
        ),
        ({"intermediate.arms.none": {"tasks": {"nli": {}}}}, r"arms\.none\.tasks\.nli\.corpus"),
        (
            {"representation.probe.languages": ["en"]},
            r"representation\.probe: compares languages, so `languages` needs two or more",
        ),
        (
            {"representation.rank_consistency.corpus": "squad"},
            r"representation\.rank_consistency\.corpus: 'squad' is not under `corpora`",
        ),
        (
            {"representation.procrustes": {}},
            r"representation\.procrustes: unknown key. Allowed here: .*probe, .*rotation",
        ),
    ],
)
def test_a_mistake_names_file_key_value_and_what_is_allowed(changed, edits, expected):
    file = changed(edits)
    with pytest.raises(InputError, match=expected) as error:
        schema.load(file)
    assert str(error.value).startswith(f"{file}: ")


def test_all_mistakes_are_reported_at_once(changed):
    file = changed(
        {"targets.tydiqa.epochs": -1, "attacks.typo.recipe.max_queries": "many", "sedes": [1]}
    )
    with pytest.raises(InputError) as error:
        schema.load(file)
    for part in (
        "3 errors",
        "targets.tydiqa.epochs",
        "attacks.typo.recipe.typo.max_queries",
        "sedes",
    ):
        assert part in str(error.value)


QA = {"corpus": "tydiqa", "languages": ["ar", "ru"]}
TAGS = {"corpus": "udpos", "languages": ["ar", "ru"]}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            {"representation.rank_consistency": TAGS},
            r"representation\.rank_consistency\.corpus: udpos is of kind tagging; qa is "
            r"needed here",
        ),
        (
            {"representation.rotation": TAGS},
            r"representation\.rotation\.corpus: udpos is of kind tagging; qa is needed here",
        ),
        (
            {"representation.probe": QA},
            r"representation\.probe\.corpus: tydiqa is of kind qa; tagging is needed here",
        ),
        (
            {"representation.cloze": QA},
            r"representation\.cloze\.corpus: tydiqa is of kind qa; cloze is needed here",
        ),
        (
            {"representation.retrieval": [TAGS]},
            r"representation\.retrieval\.0\.corpus: udpos is of kind tagging; bitext or",
        ),
        (
            {"representation.retrieval": []},
            r"representation\.rotation\.languages: .*parallel text.* has ar ru te; available: none",
        ),
        (
            {"representation.rotation.languages": ["ar", "de"]},
            r"representation\.rotation\.languages: .* has de; available: ar bn fi id ko ru sw te",
        ),
        (
            {"representation.rank_consistency": QA | {"split": "train"}},
            r"representation\.rank_consistency\.split: tydiqa train trains a target task",
        ),
    ],
)
def test_a_measure_of_representation_on_the_wrong_data_is_refused(changed, edits, expected):
    with pytest.raises(InputError, match=expected):
        check_sources(schema.load(changed(edits)))


@pytest.mark.parametrize(
    "key",
    [
        "targets.tydiqa.data.split",
        "targets.xnli.data.dev_split",
        "targets.xnli.test_sets.0.split",
        "intermediate.arms.english.tasks.nli.split",
        "intermediate.arms.english.tasks.nli.dev_split",
        "attacks.typo.test_sets.0.split",
        "attacks.codemix.recipe.parallel.split",
        "representation.probe.split",
        "representation.retrieval.0.split",
    ],
)
@pytest.mark.parametrize("name", ["nosuch", "''"])
def test_an_unknown_split_is_named_with_its_key(extending, key, name):
    with pytest.raises(InputError, match="has no split") as error:
        check_sources(schema.load(set_at(extending, key, name)))
    expected = rf"\n  {key}: \w+ \(mini\) has no split .*; available: train, dev, test$"
    assert re.search(expected, str(error.value), re.MULTILINE)


SECOND = {"data": {"corpus": "tydiqa", "languages": ["en"]}, "epochs": 1}
SECOND["optimisation"] = {"learning_rate": 1e-4, "batch_size": 4}


def test_a_test_set_of_two_target_tasks_would_mix_their_models(changed):
    def profile(languages, arms):
        noise = {"corpus": "tydiqa", "perturbation": {"kind": "typo", "severity": 0.4}}
        sets = [noise | {"languages": ["en"]}, {"corpus": "tydiqa", "languages": languages}]
        second = SECOND | {"test_sets": sets, "crossings": [{"arms": arms}]}
        return schema.load(changed({"targets.second": second}))

    with pytest.raises(InputError, match=r"targets\.second\.test_sets\.1: tydiqa in ar also tests"):
        check_sources(profile(["ar"], ["none"]))
    # Two recipes are no difference between arms.
    with pytest.raises(InputError, match=r"targets\.second\.test_sets\.1: tydiqa in ar also tests"):
        check_sources(profile(["ar"], ["english"]))
    check_sources(profile(["de"], ["none"]))
    typo = yaml.safe_load((PARAMS / "quick.yaml").read_text())["attacks"]["typo"]
    attack = typo | {"target": "second", "arms": ["none"]}
    second = SECOND | {"test_sets": [{"corpus": "tydiqa", "languages": ["de"]}]}
    both = changed({"targets.second": second, "attacks.second": attack})
    with pytest.raises(
        InputError, match=r"attacks\.second\.test_sets\.0: tydiqa in \w+ also tests"
    ):
        check_sources(schema.load(both))


@pytest.mark.parametrize(
    "clean",
    [
        [],
        [{"corpus": "tydiqa", "split": "test", "languages": ["en", "ar"]}],
        [{"corpus": "tydiqa", "split": "test", "languages": ["en", "ar", "fi"], "max_examples": 5}],
    ],
)
def test_a_perturbed_set_without_its_clean_questions_is_named(changed, clean):
    """Answers to questions without a clean answer would be left out of every comparison."""
    perturbed = {"corpus": "tydiqa", "split": "test", "languages": ["en", "ar", "fi"]}
    perturbed["perturbation"] = {"kind": "typo", "severity": 0.2}
    sets = [*clean, perturbed]
    lost = "fi" if clean and "max_examples" not in clean[0] else "en, ar, fi"
    params = schema.load(changed({"targets.tydiqa.test_sets": sets}))
    (said,) = not_compared(params)
    assert f"tydiqa+typo-20 in {lost} is not compared in full" in said
    assert not [*not_compared(schema.load(changed({})))]


def test_a_target_task_tests_the_pairs_of_one_test_set(changed):
    sets = [
        {"corpus": "xnli", "split": split, "languages": ["en", "ru"], "pairs": True}
        for split in ("test", "dev")
    ]
    with pytest.raises(InputError, match=r"targets\.xnli\.test_sets: pairs of xnli test and of"):
        check_sources(schema.load(changed({"targets.xnli.test_sets": sets})))


def test_outputs_and_cache_do_not_lie_within_each_other(changed, tmp_path):
    made = tmp_path / "outputs"
    for profile, cache in (("cache", made / "cache"), ("mine", made / "mine" / "05_attacks")):
        edits = {"profile": profile, "outputs": str(made), "cache": str(cache)}
        with pytest.raises(InputError, match=r"cache: .* also holds the outputs"):
            check_sources(schema.load(changed(edits)))


def test_arms_with_different_tasks_are_refused(changed):
    tasks = {"nli": {"corpus": "xnli", "languages": ["en"]}}
    file = changed({"intermediate.arms.english": {"tasks": tasks}})
    with pytest.raises(InputError, match="give it the same tasks"):
        schema.load(file)


def test_not_yaml_and_missing_files_are_explained(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("seeds: [1")
    with pytest.raises(InputError, match=r"broken\.yaml: not valid YAML"):
        schema.load(broken)
    with pytest.raises(InputError, match=r"absent\.yaml: no such file"):
        schema.load(tmp_path / "absent.yaml")


def test_paths_are_relative_to_the_params_file(changed, tmp_path):
    params = schema.load(changed({"outputs": "results"}))
    assert params.outputs == tmp_path / "results"


def test_params_hold_no_code(tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text("profile: !!python/object/apply:os.system ['true']")
    with pytest.raises(InputError, match="not valid YAML"):
        schema.load(file)


def test_an_arm_whose_method_takes_more_steps_than_the_others_is_refused(changed):
    method = {"kind": "rs-da", "copies": 3, "matched": False}
    edits = {"methods.longer": method, "intermediate.arms.english.method": "longer"}
    with pytest.raises(InputError, match=r"arms\.english\.method: longer is not step-matched"):
        schema.load(changed(edits))


def test_a_new_arm_and_a_new_method_are_params_alone(changed):
    tasks = schema.load(PARAMS / "quick.yaml").intermediate.arms["english"].tasks
    german = {
        name: task.model_copy(update={"languages": ["de"]}).model_dump()
        for name, task in tasks.items()
    }
    crossing = {"arms": ["german"], "methods": ["standard", "adv-strong"]}
    params = schema.load(
        changed(
            {
                "intermediate.arms.german": {"tasks": german},
                "methods.adv-strong": {"kind": "adv", "radius": 1, "step_size": 0.5, "steps": 3},
                "targets.xnli.crossings": [crossing],
                "analysis.contrasts": [["german", "english"]],
            }
        )
    )
    keys = [cell.key for cell in Grid(params).cells("target") if cell.task == "xnli"]
    assert keys == [f"me5-small.german.xnli.{m}.seed1" for m in ("standard", "adv-strong")]


CLAIM = """
more:
  statement: More is better.
  source: a test
  estimate: {kind: arms, metric: change, contrast: [multilingual, english]}
  expected: above
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CLAIM.replace("metric: change", "metric: speed"), "more.estimate.arms.metric: Input shou"),
        (CLAIM.replace("above", "better"), "more.expected: Input should be 'above', 'below' or"),
        (CLAIM + "  size: -1\n", "more.size: Input should be greater than 0"),
        (CLAIM + "  needs: {languages: [xx]}\n", "unknown language xx"),
        (CLAIM + "  sise: 1\n", "more.sise: unknown key. Allowed here: statement"),
        ("more: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_a_claim_names_the_claims_file(changed, tmp_path, text, message):
    claims = tmp_path / "mine-claims.yaml"
    claims.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as error:
        schema.load(changed({"claims": str(claims)}))
    assert str(claims) in str(error.value)


def test_claims_come_with_the_profile(changed, tmp_path):
    claims = tmp_path / "mine-claims.yaml"
    claims.write_text(CLAIM)
    assert list(schema.load(changed({"claims": str(claims)})).claims) == ["more"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("~nosuchuser/data", r"there is no such user; .* \(found '~nosuchuser/data'\)"),
        ("a\0b", "a path cannot contain NUL"),
        ("x" * 300, "cannot be opened .File name too long"),
        ("/".join(["x" * 100] * 50), "cannot be opened .File name too long"),
        (" ", "empty; give a path"),
    ],
    ids=str.__len__,
)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("corpora.xquad", lambda path: {"source": "local", "folder": path}),
        ("outputs", str),
        ("cache", str),
        ("methods.rs-da.neighbours", lambda path: {"en": path}),
        ("attacks.codemix.recipe.lexicons", lambda path: {"ar": [path]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_path_that_cannot_be_is_named_with_its_key(changed, key, value, path, message):
    file = changed({key: value(path)})
    with pytest.raises(InputError, match=message) as error:
        schema.load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert all(part in str(error.value) for part in key.split("."))
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ('""', "empty; give a path"),
        ("~nosuchuser/claims.yaml", "there is no such user"),
        (f"{'x' * 300}.yaml", "cannot be opened .File name too long"),
        ("absent.yaml", r"absent\.yaml: no such file"),
        (".", "is a folder, not a file"),
    ],
    ids=str.__len__,
)
def test_a_claims_file_that_cannot_be_read_is_named_with_its_key(extending, name, message):
    file = extending(f"extends: quick.yaml\nprofile: mine\nclaims: {name}\n")
    with pytest.raises(InputError, match=message) as error:
        schema.load(file)
    assert str(error.value).startswith(f"{file}: claims: ")


MODELS = [
    "encoders.me5-small.name",
    "attacks.mlm.recipe.model",
    "attacks.typo.recipe.surrogate",
    "targets.tydiqa.test_sets.3.perturbation.encoder",
]


def naming(changed, key, name):
    """A profile that names a model at a key."""
    base = schema.load(changed({}))
    mlm = base.attacks["typo"].model_dump(mode="json", exclude_none=True)
    mlm |= {"recipe": {"kind": "mlm", "model": name if ".mlm." in key else "me5-small"}}
    sets = [one.model_dump(exclude_none=True) for one in base.targets["tydiqa"].test_sets]
    mixing = {"kind": "codemix", "parallel": {"corpus": "tatoeba", "languages": ["ar"]}}
    mixing |= {"encoder": name} if key.startswith("targets") else {}
    sets += [QA | {"perturbation": mixing}]
    edits = {"attacks.mlm": mlm, "attacks.typo.recipe.ranking": "gradient"}
    edits |= {"targets.tydiqa.test_sets": sets}
    return changed(edits | ({} if ".mlm." in key or key.startswith("targets") else {key: name}))


@pytest.mark.parametrize("key", MODELS)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("https://huggingface.co/x/y", "a web address; give the name alone, x/y"),
        ("https://huggingface.co/x/y/tree/main?a=b", "give the name alone, x/y "),
        ("huggingface.co/x/y", "give the name alone, x/y "),
        ("https://", "give the name alone, OWNER/NAME"),
        ("a b", "not the name of a hub repository"),
        ("a/../b", "not the name of a hub repository"),
        ("a/b/c", "path of a folder begins with ./"),
        ("x" * 100, "not the name of a hub repository"),
        ("", "not the name of a hub repository"),
        ("~nosuchuser/model", "there is no such user"),
        ("./a\0b", "a path cannot contain NUL"),
    ],
    ids=str,
)
def test_what_cannot_name_a_model_is_refused(changed, key, name, message):
    file = naming(changed, key, name)
    with pytest.raises(InputError, match=message) as error:
        schema.load(file)
    words = str(error.value)
    assert words.startswith(f"{file}: 1 error")
    assert all(part in words for part in key.split("."))


@pytest.mark.parametrize("key", MODELS)
def test_hub_names_and_folders_name_models(changed, key, tmp_path):
    for name in ("me5-small", "FacebookAI/xlm-roberta-base", "gpt2", "./my model", "/a/../b c"):
        params = schema.load(naming(changed, key, name))
        expected = name.replace(".", str(tmp_path), 1) if name.startswith(".") else name
        assert expected in str(params)


@pytest.mark.parametrize("section", ["corpora.tydiqa", "encoders.me5-small"])
@pytest.mark.parametrize("revision", ["", " ", "https://huggingface.co/x", "a b", "../x"])
def test_what_cannot_name_a_revision_is_refused(changed, section, revision):
    with pytest.raises(InputError, match=rf"{section}\.revision: String should match"):
        schema.load(changed({f"{section}.revision": revision}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: [1]\nprofile: a\nseeds: [2]\n", r"line 3 repeats the key 'seeds'"),
        ("profile: [\n", r"mine\.yaml: not valid YAML: line"),
        ("- profile\n", r"\(whole file\): Input should be a mapping of keys to values"),
        ("1\n", r"\(whole file\): Input should be a mapping of keys to values"),
        ("", r"\(whole file\): Input should be a mapping of keys to values"),
        (f"profile: {'x' * 70_000}\n", "errors; nothing was started"),
    ],
)
def test_a_file_that_is_no_profile_is_named_in_a_few_words(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        schema.load(file)
    assert len(str(error.value)) < 1100


NAMES = ["None", "True", "yes", "null", "2024", "1e5", "1_0", "NA", "nan", "infinity", "2024-01-01"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("section", ["intermediate.arms", "encoders", "targets", "attacks"])
def test_a_name_that_is_read_as_something_else_is_refused(changed, section, name):
    inside = {
        "intermediate.arms": {},
        "encoders": {"name": "me5-small"},
        "targets": schema.load(changed({})).targets["tydiqa"].model_dump(exclude_none=True),
        "attacks": schema.load(changed({})).attacks["typo"].model_dump(exclude_none=True),
    }
    with pytest.raises(InputError, match=r"choose another name|a valid string"):
        schema.load(changed({f"{section}.{name}": inside[section]}))


def test_names_that_differ_in_case_alone_are_refused(changed):
    with pytest.raises(
        InputError, match=r"intermediate\.arms: 'none' and 'NoNe' differ only in case"
    ):
        schema.load(changed({"intermediate.arms.NoNe": {}}))


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({"seeds": [-1]}, r"seeds\.0: .*greater than or equal to 0"),
        ({"seeds": [True]}, r"seeds\.0: .*valid integer"),
        ({"seeds": ["1"]}, r"seeds\.0: .*valid integer"),
        ({"seeds": [2**33]}, r"seeds\.0: .*less than 4294967296"),
        ({"attacks.typo.seed": -1}, r"attacks\.typo\.seed: .*greater than or equal to 0"),
        ({"targets.tydiqa.seeds": [1, 1]}, "1 is listed twice"),
        ({"targets.tydiqa.epochs": float("inf")}, r"epochs: .*finite number"),
        ({"intermediate.optimisation.learning_rate": float("inf")}, "finite number"),
        ({"methods.adv.radius": float("nan")}, r"radius: .*"),
        (
            {"targets.tydiqa.test_sets": [QA, QA]},
            r"test_sets\.1: tydiqa test in \w+ is listed twice",
        ),
        ({"attacks.typo.test_sets": [QA, QA]}, r"test_sets\.1: tydiqa test in \w+ is listed twice"),
    ],
)
def test_what_would_fail_later_is_refused(changed, edits, expected):
    with pytest.raises(InputError, match=expected):
        schema.load(changed(edits))


@pytest.fixture
def extending(tmp_path):
    """A function that writes a params file beside copies of the shipped ones."""

    def write(text, name="mine.yaml"):
        for file in PARAMS.glob("*.yaml"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_a_file_adds_to_the_one_it_extends(extending):
    text = """
extends: quick.yaml
profile: mine
seeds: [1, 2]
methods: {rs-rp: {radius: 0.3}}
targets: {xnli: {epochs: 7}}
"""
    base, mine = schema.load(PARAMS / "quick.yaml"), schema.load(extending(text))
    assert (mine.profile, mine.seeds) == ("mine", [1, 2])
    assert list(mine.targets) == list(base.targets)
    assert mine.targets["xnli"].epochs == 7
    assert mine.targets["xnli"].data == base.targets["xnli"].data
    assert mine.methods["rs-rp"].radius == 0.3
    assert mine.methods["adv"] == base.methods["adv"]
    assert mine.claims == base.claims


def test_null_drops_a_section_of_the_file_that_is_extended(extending):
    base = schema.load(PARAMS / "quick.yaml")
    assert base.attacks
    assert {"xnli", "rs-da"} <= {*base.targets, *base.methods}
    text = """
extends: quick.yaml
profile: mine
attacks: null
targets: {xnli: null}
representation: {probe: null}
"""
    mine = schema.load(extending(text))
    assert mine.attacks == {}
    assert list(mine.targets) == [name for name in base.targets if name != "xnli"]
    assert mine.representation.probe is None
    assert mine.representation.retrieval == base.representation.retrieval


def test_null_drops_nothing_that_is_not_there(extending):
    with pytest.raises(InputError, match=r"mine\.yaml.*\n  targets\.absent: .*\(found None\)"):
        schema.load(extending("extends: quick.yaml\nprofile: mine\ntargets: {absent: null}\n"))


def test_a_file_extends_one_that_extends_another(extending):
    extending("extends: quick.yaml\nprofile: parent\nseeds: [5]\n", "parent.yaml")
    child = schema.load(extending("extends: parent.yaml\nprofile: child\n", "child.yaml"))
    assert (child.profile, child.seeds) == ("child", [5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: ../quick.yaml", r"extends: give the name of a params file in the same folder"),
        ("extends: 3", r"extends: give the name .* \(found 3\)"),
        ("extends: ''", r"extends: give the name .* \(found ''\)"),
        ("extends: '..'", r"extends: give the name .* \(found '\.\.'\)"),
        ("extends: mine.yaml", r"extends: 'mine\.yaml' extends this file in turn"),
        ("extends: absent.yaml", r"mine\.yaml: extends: .*absent\.yaml: no such file"),
        (
            "extends: quick.yaml\nprofile: mine\nseedz: [1]",
            r"mine\.yaml \(extends quick\.yaml\): 1 error.*\n  seedz: unknown key",
        ),
    ],
)
def test_what_cannot_be_extended_is_refused(extending, text, message):
    with pytest.raises(InputError, match=message):
        schema.load(extending(text))


def test_a_file_that_extends_another_names_its_profile(extending):
    """Without a name of its own it would make the other file's results again."""
    with pytest.raises(InputError, match=r"mine\.yaml: profile: missing, .* 'quick\.yaml' again"):
        schema.load(extending("extends: quick.yaml\nseeds: [7]\n"))
    assert schema.load(extending("extends: quick.yaml\nprofile: quick\n")).profile == "quick"


@pytest.mark.parametrize(
    "key",
    ["claims", "attacks", "representation", "evaluation", "analysis", "span_qa", "outputs", "cost"],
)
def test_null_at_the_top_stands_for_the_default(extending, tmp_path, key):
    default = Params.model_fields[key].default
    expected = tmp_path.parent / "outputs" if key == "outputs" else default
    mine = schema.load(extending(f"extends: quick.yaml\nprofile: mine\n{key}: null\n"))
    assert getattr(mine, key) == expected
    whole = (PARAMS / "quick.yaml").read_text(encoding="utf-8")
    alone = re.sub(rf"^{key}:.*\n(?:[ #].*\n|\n)*", "", whole, flags=re.MULTILINE)
    assert getattr(schema.load(extending(f"{alone}{key}:\n")), key) == expected


def test_null_stands_for_the_default_of_every_key_that_has_one(extending):
    text = """
extends: quick.yaml
profile: mine
representation: {retrieval: null, rotation: null, batch_size: null}
targets: {xnli: {crossings: null, max_length: null}}
corpora: {tydiqa: {mini: null, cut_after: null}}
attacks: {typo: {engine: null, recipe: {max_edited_words: null, max_edited_share: 0.1}}}
compute: {threads: null}
"""
    mine = schema.load(extending(text))
    assert (mine.representation.retrieval, mine.representation.batch_size) == ([], 64)
    assert mine.targets["xnli"].max_length == 128
    assert len(mine.targets["xnli"].crossings) == 1
    assert mine.corpora["tydiqa"].mini == schema.MiniSettings()
    assert mine.attacks["typo"].engine == schema.EngineSettings()
    assert mine.attacks["typo"].recipe.max_edited_words is None  # where null is a value
    assert mine.compute.threads == 1


def test_a_key_without_a_default_cannot_be_null(extending):
    for key in ("seeds", "description", "encoders"):
        base = (PARAMS / "quick.yaml").read_text(encoding="utf-8")
        file = extending(re.sub(rf"^{key}:", f"_{key}:", base, flags=re.MULTILINE) + f"{key}:\n")
        with pytest.raises(InputError, match=rf"\n  {key}: .*\(found None\)"):
            schema.load(file)


def test_paths_start_from_where_the_params_file_really_is(tmp_path):
    """A symbolic link to a params file stands for the file, wherever the link is."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "base.yaml").write_bytes((PARAMS / "quick.yaml").read_bytes())
    (there / "claims.yaml").write_text(CLAIM)
    (there / "mine.yaml").write_text("extends: base.yaml\nprofile: mine\noutputs: out\n")
    (here / "link.yaml").symlink_to(there / "mine.yaml")
    params = schema.load(here / "link.yaml")
    assert params.outputs == there / "out"
    assert params.cache == tmp_path / "outputs" / "cache"
    assert list(params.claims) == ["more"]


def test_a_file_cannot_extend_a_link_to_another_folder(tmp_path):
    (tmp_path / "base.yaml").symlink_to(PARAMS / "quick.yaml")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nprofile: mine\n")
    with pytest.raises(InputError, match="extends: give the name of a params file in the same fo"):
        schema.load(tmp_path / "mine.yaml")


NUMBERS = [
    "seeds.0",
    "compute.threads",
    "compute.mem_mb",
    "span_qa.doc_stride",
    "corpora.xnli.mini.test",
    "corpora.xnli.mini.seed",
    "encoders.me5-small.extra_pieces",
    "encoders.me5-small.attention_dropout",
    "intermediate.epochs",
    "intermediate.examples.nli",
    "intermediate.optimisation.learning_rate",
    "methods.adv.radius",
    "methods.rs-da.copies",
    "targets.tydiqa.epochs",
    "targets.tydiqa.optimisation.warmup_ratio",
    "targets.tydiqa.optimisation.batch_size",
    "targets.tydiqa.test_sets.1.perturbation.severity",
    "representation.rotation.max_examples",
    "attacks.typo.examples_per_language",
    "attacks.typo.recipe.max_queries",
    "attacks.embedding.recipe.radius",
    "analysis.level",
]


def set_at(extending, key, text):
    """quick.yaml with the value at a dotted key, given as YAML text."""
    raw = yaml.safe_load((PARAMS / "quick.yaml").read_text(encoding="utf-8"))
    *path, last = key.split(".")
    section = raw
    for part in path:
        section = section[int(part)] if isinstance(section, list) else section.setdefault(part, {})
    section[int(last) if isinstance(section, list) else last] = "THE VALUE"
    return extending(yaml.safe_dump(raw, sort_keys=False).replace("THE VALUE", text))


@pytest.mark.parametrize("value", ["yes", "'1'", "on", "false", "[1]", "one"])
@pytest.mark.parametrize("key", NUMBERS)
def test_only_numbers_are_numbers(extending, key, value):
    with pytest.raises(InputError, match=r"1 error.*\n.*should be a valid (integer|number)"):
        schema.load(set_at(extending, key, value))


@pytest.mark.parametrize("value", ["1", "'yes'", "'true'", "2.0", "maybe"])
@pytest.mark.parametrize(
    "key", ["encoders.me5-small.trim_vocabulary", "targets.xnli.test_sets.0.pairs"]
)
def test_only_booleans_are_booleans(extending, key, value):
    with pytest.raises(InputError, match=r"1 error.*\n.*should be a valid boolean"):
        schema.load(set_at(extending, key, value))


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "+1E-4", "0.0001", ".1e-3", "1.e-4"])
def test_numbers_may_have_exponents(extending, text):
    params = schema.load(set_at(extending, "targets.tydiqa.optimisation.learning_rate", text))
    assert params.targets["tydiqa"].optimisation.learning_rate == 1e-4


def test_whole_numbers_stand_for_floats(extending):
    epochs = schema.load(set_at(extending, "targets.tydiqa.epochs", "3")).targets["tydiqa"].epochs
    assert (epochs, type(epochs)) == (3.0, float)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("corpora.tydiqa.mini.train", "3000000"),
        ("compute.threads", "100000"),
        ("compute.gpus", "100000"),
        ("compute.mem_mb", "1" + "0" * 30),
        ("intermediate.examples.nli", "1000000000"),
        ("intermediate.epochs", "1000000"),
        ("targets.tydiqa.epochs", "1e300"),
        ("targets.tydiqa.max_examples", "1" + "0" * 30),
        ("targets.tydiqa.optimisation.learning_rate", "1e300"),
        ("targets.tydiqa.optimisation.batch_size", "1" + "0" * 30),
        ("methods.rs-da.copies", "1000000"),
        ("methods.rs-rp.draws", "1000000"),
        ("methods.adv.steps", "1000000"),
        ("methods.adv.step_size", "1e300"),
        ("attacks.embedding.recipe.radius", "1e300"),
        ("attacks.typo.recipe.candidates_per_word", "1" + "0" * 30),
        ("attacks.typo.recipe.max_queries", "1" + "0" * 30),
        ("cost.rounds", "1000000"),
    ],
)
def test_an_absurd_number_is_refused(extending, key, value):
    with pytest.raises(InputError, match=r"1 error.*\n.*should be less than or equal to"):
        schema.load(set_at(extending, key, value))


def test_every_count_has_an_upper_bound():
    unbounded = [
        f"{name}.{key}"
        for name, section in Params.model_json_schema()["$defs"].items()
        for key, about in section["properties"].items()
        for one in (about, *about.get("anyOf", ()))
        if one.get("type") == "integer" and not {"maximum", "exclusiveMaximum"} & one.keys()
    ]
    assert unbounded == []


TWICE = {
    "analysis.contrasts": "[[english, none], [english, none]]",
    "analysis.published": "[&a {source: x, corpus: tydiqa, f1: {ar: 50.0}}, *a]",
    "attacks.homoglyph.arms": "[none, none]",
    "attacks.distractor.recipe.languages": "[passage, passage]",
    "attacks.distractor.recipe.places": "[end, end]",
    "attacks.distractor.recipe.templates": "[answer, answer]",
    "attacks.codemix.recipe.lexicons": "{ar: [a.txt, ./a.txt]}",
    "encoders.me5-small.vocabulary": "[&b {corpus: xnli, languages: [en]}, *b]",
    "seeds": "[1, 1]",
    "targets.xnli.crossings": "[{arms: [none]}, {arms: [none]}]",
    "targets.xnli.crossings.0.arms": "[none, none]",
    "targets.xnli.crossings.0.methods": "[adv, adv]",
    "targets.xnli.crossings.0.seeds": "[1, 1]",
    "targets.xnli.seeds": "[1, 1]",
    "targets.xnli.test_sets.0.languages": "[en, en]",
}


@pytest.mark.parametrize("key", TWICE)
def test_what_is_listed_twice_is_refused(extending, key):
    with pytest.raises(InputError, match=r"1 error.*\n.* is listed twice; remove one"):
        schema.load(set_at(extending, key, TWICE[key]))


def test_an_arm_is_not_compared_with_itself(extending, changed, tmp_path):
    with pytest.raises(InputError, match=r"contrasts\.0: compares english with itself; name two"):
        schema.load(set_at(extending, "analysis.contrasts", "[[english, english]]"))
    claims = tmp_path / "mine-claims.yaml"
    claims.write_text(CLAIM.replace("multilingual, english", "english, english"))
    with pytest.raises(InputError, match=r"claims: .*\n  more.*contrast: compares english with it"):
        schema.load(changed({"claims": str(claims)}))


@pytest.mark.parametrize(
    "section", ["encoders", "methods", "intermediate.arms", "targets", "attacks"]
)
def test_a_name_too_long_for_a_file_is_refused(changed, section):
    first = {"encoders": "me5-small", "methods": "adv", "intermediate.arms": "none"}
    first |= {"targets": "tydiqa", "attacks": "embedding"}
    found = schema.load(changed({}))
    for part in section.split("."):
        found = getattr(found, part)
    content = found[first[section]].model_dump(mode="json", exclude_none=True)
    schema.load(changed({f"{section}.{'x' * 40}": content}))
    with pytest.raises(InputError, match="String should have at most 40 characters"):
        schema.load(changed({f"{section}.{'x' * 41}": content}))


def test_the_longest_names_fit_into_the_names_of_files(changed, tmp_path):
    """With every name of the greatest length and the largest seed."""
    base = schema.load(changed({}))
    target = base.targets["tydiqa"].model_dump(mode="json", exclude_none=True)
    attack = base.attacks["typo"].model_dump(mode="json", exclude_none=True)
    longest = dict(zip(("encoder", "arm", "task", "method", "attack"), "vwxyz", strict=True))
    longest = {factor: letter * 40 for factor, letter in longest.items()}
    target |= {"crossings": [{"arms": [longest["arm"]], "methods": [longest["method"]]}]}
    edits = {
        "profile": "p" * 80,
        "outputs": str(tmp_path / "outputs"),
        "seeds": [2**32 - 1],
        "encoders": {longest["encoder"]: {}},
        "methods." + longest["method"]: {"kind": "adv", "radius": 0.1, "step_size": 0.1},
        "intermediate.arms." + longest["arm"]: {},
        "targets": {longest["task"]: target},
        "attacks": {longest["attack"]: attack | {"target": longest["task"], "arms": None}},
    }
    grid = Grid(schema.load(changed(edits)))
    (cell,) = grid.cells("attacks")
    assert set(longest.values()) < set(cell.factors.values())
    for one in grid.everything():
        write_atomic(one.path("metrics.json"), "{}")
        Status(one).finished(None)
        assert (tmp_path / "outputs" / ("p" * 80) / "logs").is_dir()
        assert log_of(one, "json").is_file()
        assert len(f".{log_of(one, 'json').name}.{2**22}") <= 255


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"seeds": ["010"]}, "valid integer"),
        (
            {"attacks.ensemble": "typo"},
            r"attacks\.ensemble: results have this name for the worst of several attacks; rename",
        ),
        (
            {"attacks.typo-20": "typo"},
            r"attacks\.typo-20: results have this name for targets\.tydiqa\.test_sets\.\d; rename",
        ),
        (
            {"analysis.published": [{"source": "Doe", "corpus": "tydi-qa", "f1": {"ru": 60}}]},
            r"analysis\.published\.0\.corpus: there is no 'tydi-qa'; available: tydiqa",
        ),
        (
            {
                "analysis.published": [
                    {"source": "Doe", "corpus": "tydiqa", "encoders": ["xlmr"], "f1": {"ru": 60}}
                ]
            },
            r"analysis\.published\.0\.encoders: there is no 'xlmr'; available: me5-small",
        ),
        (
            {"analysis.published": [{"source": "Doe", "corpus": "tydiqa", "f1": {"ru": 160}}]},
            "less than or equal to 100",
        ),
        (
            {"targets.tydiqa.optimisation.stopping": {"every_steps": 2}},
            r"targets\.tydiqa: optimisation\.stopping goes by dev scores; give data\.dev_split",
        ),
        (
            {
                "intermediate.optimisation.stopping": {"every_steps": 2},
                "intermediate.arms.english.tasks.nli.dev_split": None,
            },
            r"arms\.english\.tasks\.\w+: optimisation\.stopping goes by dev scores; give dev_split",
        ),
        (
            {"intermediate.arms.multilingual.tasks.nli.split": "test"},
            r"arms\.\S+\.tasks\.nli: xnli \w+ in \w+, where arm \S+ has xnli \w+; give arms of one",
        ),
        ({"corpora.tydiqa.folder": "."}, "folder has no effect with source mini; leave it out"),
        ({"corpora.tydiqa.cut_after": 3}, "cut_after has no effect with source mini"),
        (
            {
                "targets.tydiqa.test_sets": [
                    {
                        "corpus": "tydiqa",
                        "languages": ["ru"],
                        "perturbation": {"kind": "misspelling"},
                    }
                ]
            },
            "misspelling: no list of misspellings in ru; available: en",
        ),
        (
            {"attacks.typo.recipe": {"kind": "misspelling"}},
            r"attacks\.typo: misspelling: no list of misspellings in .*; available: en",
        ),
    ],
)
def test_what_would_fail_or_do_nothing_later_is_refused(changed, edits, message):
    quick = yaml.safe_load((PARAMS / "quick.yaml").read_text())
    edits = {
        key: quick["attacks"][value] if value == "typo" else value for key, value in edits.items()
    }
    with pytest.raises(InputError, match=message):
        schema.load(changed(edits))


def test_arms_without_a_common_seed_are_named(changed):
    crossings = [{"arms": ["english"], "seeds": [1]}, {"arms": ["multilingual"], "seeds": [2]}]
    edits = {"seeds": [1, 2], "targets.tydiqa.crossings": crossings}
    said = [*not_compared(schema.load(changed(edits)))]
    assert any(
        "multilingual and english have no seed in common on targets.tydiqa" in s for s in said
    )
