"""The grid: cells, what makes them stale, and parameters that a notebook refuses."""

import contextlib
import errno
import json
import multiprocessing
import os
import time

import pytest

from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.params import TestSet
from xltlib.params.training import Crossing
from xltlib.study import STAGES, Grid, code, design, open_cell, work
from xltlib.study.planned import held
from xltlib.study.splits import drawn_from
from xltlib.study.todo import Todo


@pytest.fixture
def grid(tiny_profile):
    return Grid(schema.load(tiny_profile))


def test_stages_cross_their_factors(grid):
    counts = {stage: len(grid.cells(stage)) for stage in STAGES}
    assert counts == {
        "design": 1,
        "corpora": 1,
        "intermediate": 3,
        "target": 3 + 3,  # three arms of the one task, three methods of the other
        "evaluation": 3 + 3,
        "attacks": 3,
        "results": 1,
        "transfer": 1,
        "representation": 3,
        "claims": 1,
    }
    (cell,) = (c for c in grid.cells("attacks") if c.arm == "english")
    assert cell.key == "tiny.english.tydiqa.standard.seed1.typo"
    assert cell.folder.parts[-3:] == ("tiny", "05_attacks", cell.key)


def test_a_cell_reads_the_upstream_cells_of_its_own_factors(grid):
    cell = grid.cell("evaluation", "tiny.english.tydiqa.standard.seed1")
    assert [c.key for c in cell.upstream] == ["tiny.english.tydiqa.standard.seed1"]
    (results,) = grid.cells("results")
    assert len(results.upstream) == 1 + 3 + 3
    (transfer,) = grid.cells("transfer")
    assert [c.factors.get("task") for c in transfer.upstream] == [None, "xnli", "xnli", "xnli"]


def test_seeds_of_a_target_task_are_its_own_and_an_idle_arm_is_embedded_once(edited):
    params = edited("seeds", [1, 2, 3])
    xnli = params.targets["xnli"]
    targets = {"tydiqa": params.targets["tydiqa"].model_copy(update={"seeds": [2]}), "xnli": xnli}
    grid = Grid(params.model_copy(update={"targets": targets}))
    seeds = {(c.task, c.arm, c.seed) for c in grid.cells("target") if c.method == "standard"}
    assert seeds == {("tydiqa", arm, 2) for arm in ("none", "english", "multilingual")} | {
        ("xnli", "none", seed) for seed in (1, 2, 3)
    }
    trained = {(c.arm, c.seed) for c in grid.cells("intermediate")}
    others = {("english", 2), ("multilingual", 2)}
    assert trained == {("none", 1), ("none", 2), ("none", 3)} | others
    # The idle arm's encoder is the same at every seed, but each model that is asked is another.
    measured = {(c.arm, c.seed) for c in grid.cells("representation")}
    assert measured == {("none", 2)} | others
    (cell,) = (c for c in grid.cells("representation") if c.arm == "none")
    assert [c.key for c in cell.upstream if c.stage.name == "target"] == [
        "tiny.none.tydiqa.standard.seed2"
    ]
    alone = edited("representation.rank_consistency", None).representation
    alone = alone.model_copy(update={"rotation": None})
    grid = Grid(grid.params.model_copy(update={"representation": alone}))
    measured = {(c.arm, c.seed) for c in grid.cells("representation")}
    assert measured == {("none", 1)} | others
    read = {c.stage.name for cell in grid.cells("representation") for c in cell.upstream}
    assert read == {"corpora", "intermediate"}


def test_a_crossing_may_have_fewer_seeds(edited):
    params = edited("seeds", [1, 2, 3])
    crossings = [
        Crossing(arms=["english", "multilingual"]),
        Crossing(arms=["none", "english"], seeds=[1]),
    ]
    target = params.targets["tydiqa"].model_copy(update={"crossings": crossings})
    grid = Grid(params.model_copy(update={"targets": {"tydiqa": target}}))
    models = [(c.arm, c.seed) for c in grid.cells("target")]
    headline = [(arm, seed) for arm in ("english", "multilingual") for seed in (1, 2, 3)]
    assert sorted(models) == sorted([*headline, ("none", 1)])
    assert ("none", 2) not in {(c.arm, c.seed) for c in grid.cells("intermediate")}
    (cell,) = grid.cells("design")
    (row,) = design.crossing_table(cell).to_dict("records")
    assert (row["seeds"], row["models"]) == ("english, multilingual: 1, 2, 3; none: 1", 7)
    assert held(grid)["english-is-enough"].seeds == 3
    with pytest.raises(InputError, match=r"targets\.tydiqa\.crossings\.0\.seeds: 4 is not a seed"):
        edited("targets.tydiqa.crossings", [{"seeds": [4]}])


def test_a_pattern_chooses_cells_and_all_that_they_need(grid):
    names = [cell.name for cell in grid.chosen(["04_*/*.english.tydiqa.*"])]
    assert names == [
        "01_corpora/all",
        "02_intermediate_training/tiny.english.seed1",
        "03_target_training/tiny.english.tydiqa.standard.seed1",
        "04_zero_shot_evaluation/tiny.english.tydiqa.standard.seed1",
    ]
    assert [cell.name for cell in Todo.of(grid, only=["04_*/*.english.tydiqa.*"]).cells] == names
    with pytest.raises(InputError, match=r"--only 'seed1': no cell has a name that matches"):
        grid.chosen(["seed1"])


def test_a_stage_without_anything_to_do_has_no_cells(edited):
    grid = Grid(edited("attacks", {}))
    assert not grid.cells("attacks")
    assert not grid.cells("results")
    assert not Grid(grid.params.model_copy(update={"claims": {}})).cells("claims")
    assert len(grid.cells("transfer")) == 1
    assert len(grid.cells("representation")) == 3
    assert not Grid(edited("representation", {})).cells("representation")
    targets = {"tydiqa": edited("seeds", [1]).targets["tydiqa"]}
    assert not Grid(grid.params.model_copy(update={"targets": targets})).cells("transfer")


def test_a_setting_that_was_added_later_is_recorded_only_where_it_is_set(grid, edited):
    def recorded(params):
        cell = next(iter(Grid(params).cells("target")))
        return cell.inputs.used["target"]["optimisation"]

    assert "dropout" not in recorded(grid.params)
    assert "weight_decay" in recorded(grid.params)
    assert recorded(edited("targets.tydiqa.optimisation.dropout", 0.0))["dropout"] == 0.0


@pytest.mark.parametrize(
    ("key", "value", "stale"),
    [
        (
            "analysis.level",
            0.9,
            {"design", "results", "transfer", "representation", "claims"},
        ),
        ("attacks.typo.recipe.max_queries", 13, {"design", "attacks", "results", "claims"}),
        (
            "evaluation.batch_size",
            8,
            {"design", "evaluation", "results", "transfer", "representation", "claims"},
        ),
        (
            "targets.tydiqa.epochs",
            3,
            {"design", "target", "evaluation", "attacks", "results", "representation", "claims"},
        ),
        ("targets.tydiqa.optimisation.dropout", None, set()),
        ("targets.tydiqa.optimisation.frozen_layers", None, set()),
        ("targets.xnli.epochs", 3, {"design", "target", "evaluation", "transfer", "claims"}),
        ("methods.adv.steps", 3, {"design", "target", "evaluation", "transfer", "claims"}),
        ("representation.batch_size", 3, {"design", "representation", "claims"}),
        # What only representation reads trains nothing.
        ("representation.probe.max_examples", 4, {"design", "representation", "claims"}),
        ("representation.rotation", None, {"design", "representation", "claims"}),
        ("corpora.xquad.mini.seed", 5, {"design", "representation", "claims"}),
        ("compute.mem_mb", 2000, set()),
        ("outputs", "elsewhere", set()),
        ("corpora.tydiqa.mini.seed", 5, set(STAGES)),
    ],
)
def test_a_changed_setting_makes_stale_what_depends_on_it_and_nothing_else(
    grid, edited, key, value, stale
):
    other = Grid(edited(key, value))
    changed = {
        stage
        for stage in STAGES
        if [c.fingerprint for c in grid.cells(stage)] != [c.fingerprint for c in other.cells(stage)]
    }
    assert changed == stale


def test_windows_decide_intermediate_training_on_questions_only(edited):
    qa = {"tasks": {"qa": {"corpus": "tydiqa", "split": "train", "languages": ["en"]}}}
    arms = {"none": {}, "english": qa, "multilingual": qa}
    optimisation = {"learning_rate": 1e-3, "batch_size": 4}
    intermediate = {"examples": {"qa": 16}, "arms": arms, "optimisation": optimisation}
    plain = edited("intermediate", intermediate)
    cells = {c.key: c.fingerprint for c in Grid(plain).cells("intermediate")}
    strided = plain.model_copy(
        update={"span_qa": plain.span_qa.model_copy(update={"doc_stride": 32})}
    )
    for cell in Grid(strided).cells("intermediate"):
        assert (cell.fingerprint == cells[cell.key]) == (cell.arm == "none")


def test_an_attack_more_on_the_same_test_sets_trains_nothing_again(grid, edited):
    typo = grid.params.attacks["typo"].model_dump(mode="json", exclude_none=True)
    more = Grid(edited("attacks.more", typo | {"examples_per_language": 1}))
    old, new = ({c.key: c.fingerprint for c in g.cells("attacks")} for g in (grid, more))
    assert len(new) == 2 * len(old)
    assert old.items() <= new.items()
    for stage in ("corpora", "intermediate", "target", "evaluation"):
        before, after = ([c.fingerprint for c in g.cells(stage)] for g in (grid, more))
        assert before == after


def test_texts_that_are_not_tried_on_other_models_open_none(grid, edited):
    typo = grid.params.attacks["typo"].model_dump(mode="json", exclude_none=True)
    alone = Grid(edited("attacks.typo", typo | {"transfer": False}))
    (results,), (before,) = alone.cells("results"), grid.cells("results")
    assert {cell.stage.name for cell in before.stage.opens(before)} == {"attacks", "target"}
    assert [*results.stage.opens(results)] == []
    old, new = ({c.key: c.fingerprint for c in g.cells("attacks")} for g in (grid, alone))
    assert old == new
    assert results.fingerprint != before.fingerprint


def test_only_stages_that_run_a_model_reserve_a_gpu(edited, monkeypatch):
    reserved = {}

    @contextlib.contextmanager
    def note(compute):
        yield reserved.setdefault(cell.stage.name, compute.device)

    monkeypatch.setattr(work.gpu, "reserved", note)
    grid = Grid(edited("compute", {"device": "cuda", "gpus": 1}))
    for stage in STAGES:
        cell = grid.cells(stage)[0]
        with contextlib.suppress(InputError):  # it leaves no metrics
            work.once(cell, lambda: None)
    light = {name for name, device in reserved.items() if device == "cpu"}
    assert light == {name for name, stage in STAGES.items() if not stage.accelerated}
    assert set(reserved) == set(STAGES)


def test_a_finished_cell_is_done_until_its_settings_change(grid, edited):
    (cell,) = grid.cells("corpora")
    assert not cell.done
    with pytest.raises(InputError, match="01_corpora/all has not finished"):
        cell.metrics()
    with work.held(cell) as todo:
        assert todo
        work.finish(cell, {"splits": 3}, started=time.time())
    (again,) = Grid(grid.params).cells("corpora")
    with work.held(again) as todo:
        assert not todo
    assert again.metrics() == {"splits": 3}
    manifest = json.loads(cell.path("manifest.json").read_text())
    assert manifest["versions"]["torch"]
    assert manifest["seconds"] >= 0
    (changed,) = Grid(edited("span_qa.n_best", 5)).cells("corpora")
    assert not changed.done


def test_a_stopped_run_of_edited_params_loses_nothing_that_it_did_not_begin(grid, edited, tmp_path):
    (cell,) = grid.cells("corpora")
    work.once(cell, lambda: work.finish(cell, {"splits": 3}, started=time.time()))
    changed = Grid(edited("corpora.tydiqa.mini.train", 25))
    Todo.of(changed).begin(tmp_path)
    assert changed.cells("corpora")[0].problem == "was made with other params or data"
    assert Grid(grid.params).cells("corpora")[0].metrics() == {"splits": 3}


def test_the_code_on_record_is_that_with_which_a_cell_began(grid, monkeypatch):
    (cell,) = grid.cells("corpora")
    expected = code.source_of(cell.stage.module)
    code.source_of.cache_clear()

    def edit_the_source() -> None:
        monkeypatch.setattr(code, "_code", lambda module: "edited")
        work.finish(cell, {}, started=time.time())

    work.once(cell, edit_the_source)
    assert cell.manifest.code.source == expected


def test_a_copy_of_an_executed_notebook_is_no_reason_to_execute_it_again(grid):
    (cell,) = grid.cells("corpora")
    work.once(cell, lambda: work.finish(cell, {}, started=time.time()))
    for name in ("notebook.ipynb", "notebook-Copy1.ipynb"):
        cell.path(name).write_text("{}")
    assert cell not in Todo.of(grid).cells
    for name in ("failed.ipynb", ".executing.host-1.ipynb"):
        cell.path(name).write_text("{}")
        assert cell in Todo.of(grid).cells
        cell.path(name).unlink()


def test_the_design_cell_keeps_the_settings_of_the_profile(grid):
    (cell,) = grid.cells("design")
    design.record(cell)
    assert cell.done
    assert cell.metrics()["cells"]["05_attacks"] == 3
    manifest = json.loads(cell.path("manifest.json").read_text())
    assert manifest["settings"]["targets"]["tydiqa"]["epochs"] == 2


def test_a_manifest_that_a_kill_cut_short_means_not_done(grid):
    (cell,) = grid.cells("corpora")
    cell.folder.mkdir(parents=True)
    cell.path("manifest.json").write_text('{"fingerprint": "')
    assert not cell.done


def hold(file, holding):
    (cell,) = Grid(schema.load(file)).cells("corpora")
    with work.held(cell):
        holding.set()
        time.sleep(2)
        work.finish(cell, {"by": "the first"}, started=time.time())


def test_a_second_process_waits_and_finds_the_work_done(tiny_profile, grid, capsys):
    context = multiprocessing.get_context("spawn")
    holding = context.Event()
    first = context.Process(target=hold, args=(tiny_profile, holding))
    first.start()
    assert holding.wait(300)
    (cell,) = grid.cells("corpora")
    with work.held(cell) as todo:
        assert not todo
    first.join()
    assert "another process is working on this cell" in capsys.readouterr().out
    assert cell.metrics() == {"by": "the first"}


def test_a_notebook_opens_the_cell_its_parameters_name(tiny_profile):
    given = {"params": str(tiny_profile), "encoder": "tiny", "arm": "english", "seed": 1}
    cell = open_cell("intermediate", given | {"In": [], "_": 1, "open_cell": open_cell})
    assert cell.key == "tiny.english.seed1"


def test_a_notebook_opens_its_cell_again_after_later_cells_have_run(tiny_profile):
    given = {"params": str(tiny_profile), "encoder": "tiny", "arm": "english", "seed": 1}
    later = {"cell": open_cell("intermediate", given), "metrics": {"steps": 8}, "mine": 3}
    again = open_cell("intermediate", given | later | {"arm": "multilingual"})
    assert again.key == "tiny.multilingual.seed1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"arms": "english"}, r"02_intermediate_training\.ipynb: 1 error.*\n.*arms: unknown key"),
        ({"arm": "german"}, r"has no cell .*arm=german.*; available: tiny\."),
        ({"seed": 9}, r"has no cell .*seed=9; available: tiny\."),
        ({"seed": None}, r"seed: .*integer"),
        ({"params": "absent.yaml"}, r"absent\.yaml: no such file"),
    ],
)
def test_a_wrong_notebook_parameter_is_refused(tiny_profile, given, message):
    right = {"params": str(tiny_profile), "encoder": "tiny", "arm": "english", "seed": 1}
    with pytest.raises(InputError, match=message):
        open_cell("intermediate", right | given)


def test_an_outputs_folder_that_cannot_be_written_is_named(grid):
    grid.params.outputs.write_text("a file where the folder should be")
    (cell,) = grid.cells("corpora")
    with (
        pytest.raises(InputError, match=r"outputs is not a folder\. Move or remove it"),
        work.held(cell),
    ):
        pass


def test_a_finished_cell_is_read_where_nothing_can_be_written(grid, monkeypatch):
    (cell,) = grid.cells("corpora")
    work.once(cell, lambda: work.finish(cell, {"splits": 3}, started=time.time()))

    def refuse(folder, setting):
        raise InputError(f"{folder}: cannot be written")

    monkeypatch.setattr(work, "require_writable", refuse)
    assert work.once(cell, lambda: None) == {"splits": 3}


def test_a_full_disk_is_named_and_finished_work_is_kept(grid):
    (cell,) = grid.cells("corpora")
    work.once(cell, lambda: work.finish(cell, {"splits": 3}, started=time.time()))
    (other, *_) = grid.cells("intermediate")

    def fill() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match=r"the disk is full\. Free some space"):
        work.once(other, fill)
    assert not other.done
    assert cell.metrics() == {"splits": 3}


def test_other_errors_are_not_hidden(grid):
    (cell,) = grid.cells("corpora")
    with pytest.raises(ZeroDivisionError):
        work.once(cell, lambda: 1 / 0)


def fingerprints(grid):
    return {cell.name: cell.fingerprint for stage in STAGES for cell in grid.cells(stage)}


def stale_stages(before, after):
    """The stages with a cell that both grids have and that another fingerprint tells apart."""
    old, new = fingerprints(before), fingerprints(after)
    changed = {name[:2] for name in old.keys() & new.keys() if old[name] != new[name]}
    return {stage for stage, one in STAGES.items() if one.notebook[:2] in changed}


def test_an_arm_more_on_the_same_corpora_makes_nothing_stale_but_what_compares(grid, edited):
    tasks = grid.params.intermediate.arms["english"].model_dump(mode="json", exclude_none=True)
    more = Grid(edited("intermediate.arms.again", tasks))
    # The audit asks which splits meet in a model; the encoder does not change with it.
    assert stale_stages(grid, more) == {"design", "results", "claims"}


def test_another_crossing_makes_the_audit_stale_and_no_model(grid, edited):
    crossings = [{"arms": ["none", "english"], "methods": ["standard", "adv", "rs-rp"]}]
    more = Grid(edited("targets.xnli.crossings", crossings))
    assert stale_stages(grid, more) == {"design", "corpora", "transfer", "claims"}


def test_a_language_more_is_another_encoder_unless_the_vocabulary_names_its_texts(edited, grid):
    languages = ["de", "tr", "fi"]
    key = "intermediate.arms.multilingual.tasks.nli.languages"
    changed = stale_stages(grid, Grid(edited(key, languages)))
    assert {"corpora", "target", "attacks"} <= changed
    texts = [{"corpus": "tydiqa", "split": "train", "languages": ["en"]}]

    def fixed(params):
        options = params.encoders["tiny"].model_copy(update={"vocabulary": [TestSet(**texts[0])]})
        return Grid(params.model_copy(update={"encoders": {"tiny": options}}))

    before, after = fixed(grid.params), fixed(edited(key, languages))
    old, new = fingerprints(before), fingerprints(after)
    changed = {name for name in old if old[name] != new[name]}
    models = {name for name in changed if name.startswith(("02", "03"))}
    assert {name.split("/")[1].split(".")[1] for name in models} == {"multilingual"}


def test_early_stopping_makes_the_audit_stale(grid, edited):
    def without_english(params):
        arms = {k: arm for k, arm in params.intermediate.arms.items() if k != "english"}
        settings = params.intermediate.model_copy(update={"arms": arms})
        return Grid(params.model_copy(update={"intermediate": settings}))

    # Every arm is scored on English then, which none of these reads otherwise.
    now = grid.params.intermediate.optimisation.model_dump(mode="json", exclude_unset=True)
    stopping = edited("intermediate.optimisation", now | {"stopping": {"every_steps": 2}})
    changed = stale_stages(without_english(grid.params), without_english(stopping))
    assert {"corpora", "intermediate"} <= changed


@pytest.mark.parametrize("key", ["neighbours", "method"])
def test_a_word_list_counts_by_its_content(grid, edited, tmp_path, key):
    lists = [tmp_path / name for name in ("one.json", "two.json", "copy.json")]
    for file, word in zip(lists, ("large", "huge", "large"), strict=True):
        file.write_text(json.dumps({"big": [word]}))
    one, two, copy = (
        Grid(edited("methods.da", {"kind": "rs-da", "neighbours": {"en": str(file)}}))
        for file in lists
    )
    assert stale_stages(one, copy) == {"design"}
    # Its words are in the trimmed vocabulary, which every model has.
    assert {"corpora", "target", "evaluation", "transfer"} <= stale_stages(one, two)


ENGLISH, RUSSIAN = "Anna lives in Rome.", "Анна живёт в Риме."


def write_xquad(folder, language, context, answer):
    """A file of XQuAD's in one language: three articles with a question each."""
    articles = [
        {
            "title": f"{i}",
            "paragraphs": [
                {
                    "context": context,
                    "qas": [
                        {
                            "id": f"q{i}",
                            "question": f"Where {i}?",
                            "answers": [{"text": answer, "answer_start": context.index(answer)}],
                        }
                    ],
                }
            ],
        }
        for i in range(3)
    ]
    file = folder / f"xquad.{language}.json"
    file.write_text(json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False))
    return file


@pytest.fixture
def local(tmp_path, tiny_profile, edit_profile):
    """A function that looks at the tiny profile anew, its rank consistency on local files."""
    folder = tmp_path / "xquad"
    folder.mkdir()
    texts = (("en", ENGLISH, "Rome"), ("ar", ENGLISH, "Rome"), ("ru", RUSSIAN, "Риме"))
    for language, context, answer in texts:
        write_xquad(folder, language, context, answer)
    edits = {
        "corpora.xquad": {"source": "local", "folder": str(folder), "cut_after": 1},
        "representation.rank_consistency": {"corpus": "xquad", "languages": ["en", "ar"]},
    }
    file = edit_profile(tiny_profile, tmp_path / "local.yaml", edits)
    return folder, lambda: Grid(schema.load(file))


def test_a_replaced_data_file_makes_stale_what_reads_it_and_nothing_else(local, tmp_path):
    folder, look = local
    before = look()
    assert fingerprints(before)
    write_xquad(folder, "ru", RUSSIAN.replace("Анна", "Инна"), "Риме")
    assert stale_stages(before, look()) == set()
    file = folder / "xquad.en.json"
    file.write_text(json.dumps(json.loads(file.read_text()), indent=4))
    assert stale_stages(before, look()) == set()
    state = file.stat()
    write_xquad(folder, "en", ENGLISH.replace("Anna", "Hana"), "Rome")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert stale_stages(before, look()) == {"representation", "claims"}


def test_a_clone_without_the_corpora_takes_what_was_recorded(local):
    folder, look = local
    (cell, *_) = look().cells("representation")
    work.finish(cell, {}, started=time.time())
    assert cell.done
    folder.rename(folder.with_name("elsewhere"))
    (again, *_) = look().cells("representation")
    assert again.done
    folder.with_name("elsewhere").rename(folder)
    write_xquad(folder, "en", ENGLISH.replace("Anna", "Hana"), "Rome")
    (again, *_) = look().cells("representation")
    assert not again.done


def test_a_stage_declares_every_split_that_it_loads(finished_study):
    recorded = json.loads((finished_study.params.outputs.parent / "loads.json").read_text())
    assert len(recorded) > 20
    for name, loaded in recorded.items():
        (cell,) = (one for one in finished_study.everything() if one.name == name)
        # The fingerprints of the cells that it reads hold what those declare.
        declared = {
            key.removeprefix("data ") for one in (cell, *cell.read) for key in one.inputs.content
        }
        if cell.stage.name in ("intermediate", "representation"):
            # What other arms draw from decides which items all arms have in common.
            for arm, settings in finished_study.params.intermediate.arms.items():
                for task in settings.tasks:
                    declared |= {"/".join(split) for split in drawn_from(cell.params, arm, task)}
        assert set(loaded) <= declared, name


def test_static_sets_alone_give_results(edited):
    params = edited("attacks", {})
    target = params.targets["tydiqa"]
    (clean,) = target.test_sets
    noise = schema.TestSet.model_validate(
        clean.model_dump() | {"perturbation": {"kind": "typo", "severity": 0.2}}
    )
    both = target.model_copy(update={"test_sets": [clean, noise]})
    grid = Grid(params.model_copy(update={"targets": params.targets | {"tydiqa": both}}))
    (cell,) = grid.cells("results")
    assert {one.stage.name for one in cell.read} == {"evaluation"}
