"""Stage 08 where something is missing: it runs, and says what it leaves out and why."""

from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, set_seed

from xltlib.params import CorpusSource, EncoderSettings, RepresentationSettings, TestSet
from xltlib.study import Cell, Grid, encoder_measures, representation, saved, work


@pytest.fixture
def finished(edited, tiny_encoder):
    """A function: the grid of the tiny profile with other measures, no model trained.

    What stage 08 reads is made by hand: the encoder as it is, and a model with a fresh head.
    """

    def finish(
        settings: RepresentationSettings,
        *,
        tasks: tuple[str, ...] = ("tydiqa", "xnli"),
        encoder: Path = tiny_encoder,
        corpora: dict[str, CorpusSource] | None = None,
    ) -> Cell:
        params = edited("seeds", [1])
        changes = {
            "representation": settings,
            "targets": {name: params.targets[name] for name in tasks},
            "corpora": params.corpora | (corpora or {}),
            "encoders": {"tiny": EncoderSettings(name=str(encoder))},
        }
        grid = Grid(params.model_copy(update=changes))
        (prepared,) = grid.cells("corpora")
        work.finish(prepared, {}, started=0)
        for cell in grid.cells("intermediate"):
            work.finish(cell, {"steps": 0}, started=0)
        for cell in grid.cells("target"):
            if cell.task == "tydiqa":
                save_model(tiny_encoder, cell.path("model"))
            work.finish(cell, {}, started=0)
        (cell,) = (c for c in grid.cells("representation") if c.arm == "none")
        return cell

    return finish


def save_model(encoder: Path, folder: Path) -> None:
    set_seed(0)
    AutoModelForQuestionAnswering.from_pretrained(encoder).save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)


RETRIEVAL = [TestSet(corpus="tatoeba", languages=["ar", "ru"], max_examples=4)]
RANKED = TestSet(corpus="xquad", languages=["en", "ru"])


def sentences(metrics):
    return {r["name"]: r["words"].format_map(r["numbers"]) for r in metrics["findings"]}


def test_retrieval_alone_reads_no_model_and_says_what_is_not_asked_for(finished):
    cell = finished(RepresentationSettings(retrieval=RETRIEVAL))
    metrics = representation.run(cell, progress=False)
    said = sentences(metrics)
    assert [r["language"] for r in metrics["retrieval"]] == ["ar", "ru"]
    assert said["probe"] == "The profile names no tagged corpus for a probe."
    for name in ("cloze", "rank_consistency", "rotation"):
        assert said[name].startswith("The profile names no")
    assert saved.shape(cell, "rotation")["rows"] == 0
    assert "no data for the figure probe" in saved.figure(cell, "probe").data
    saved.show(cell, "rotation")
    representation.show_consistency(cell)
    table = representation.by_language([cell])
    assert list(table["language"]) == ["ar", "ru"]
    assert table[["rank consistency", "probe", "rotation"]].isna().all(axis=None)
    assert {str(table[name].dtype) for name in representation.BY_LANGUAGE[4:]} == {"float64"}
    assert table[["retrieval", "margin"]].notna().all(axis=None)


def test_measures_of_models_without_a_model_say_so(finished):
    settings = RepresentationSettings(retrieval=RETRIEVAL, rank_consistency=RANKED)
    cell = finished(settings, tasks=("xnli",))
    said = sentences(representation.run(cell, progress=False))
    assert "No span-QA model was fine-tuned from this arm's encoder" in said["rank_consistency"]
    assert said["rotation"] == "The profile names no test set for a rotation."


def test_without_retrieval_the_model_is_still_asked(finished):
    cell = finished(RepresentationSettings(rank_consistency=RANKED))
    metrics = representation.run(cell, progress=False)
    assert metrics["retrieval"] == []
    said = sentences(metrics)
    assert said["retrieval"] == "The profile names no retrieval corpus."
    assert said["rank_consistency"].startswith("xquad, model tydiqa: RankC is ")
    assert list(representation.by_language([cell])["language"]) == ["ru"]


def test_questions_that_stand_alone_on_their_passage_are_no_queries(finished):
    alone = TestSet(corpus="tydiqa", languages=["en", "ru"])
    cell = finished(RepresentationSettings(rank_consistency=alone))
    said = sentences(representation.run(cell, progress=False))
    assert said["rank_consistency"].startswith("No question of the corpus has two candidates")


@pytest.mark.parametrize("with_head", [True, False])
def test_prompts_are_for_encoders_with_a_masked_lm_head(
    finished, tiny_encoder, tiny_masked_lm, tmp_path, with_head
):
    lines = ["Prompt\tAns\tCandidate Ans\tSubject"]
    lines += [f"{name} is in <mask>.\tIraq\tPeru, Chad, Iraq\t{name}" for name in "ABCD"]
    for code in ("en", "fi"):
        (tmp_path / f"{code}.tsv").write_text("\n".join(lines), encoding="utf-8")
    settings = RepresentationSettings(cloze=TestSet(corpus="bmlama53", languages=["en", "fi"]))
    source = CorpusSource(source="local", folder=tmp_path)
    encoder = tiny_masked_lm if with_head else tiny_encoder
    cell = finished(settings, encoder=encoder, corpora={"bmlama53": source})
    said = sentences(representation.run(cell, progress=False))["cloze"]
    if with_head:
        # The same prompts in both languages are ranked alike.
        (row,) = saved.tables_of(cell)["cloze"].to_dict("records")
        assert (row["model"], row["corrected"], row["n"]) == ("masked LM", 100, 4)
        assert said.startswith("bmlama53, model masked LM: RankC is 100.0 points")
        assert cell.path("figures/cloze.png").exists()
    else:
        assert said.startswith("This encoder has no masked-LM head")
        assert saved.shape(cell, "cloze")["rows"] == 0


def test_sentences_that_any_arm_draws_never_test_the_probe(edited, monkeypatch):
    params = edited("intermediate.examples", {"nli": 16, "tagging": 16})
    probe = TestSet(corpus="udpos", split="train", languages=["en", "ru"])
    settings = RepresentationSettings(probe=probe)
    params = params.model_copy(update={"representation": settings})
    asked = []

    def read(model, tokenizer, rows, labels, batch_size):
        asked.append(set(rows["id"]))
        return asked[-1]

    monkeypatch.setattr(encoder_measures, "word_states", read)
    monkeypatch.setattr(encoder_measures, "probe_transfer", lambda *sides, seed: [])
    encoder_measures.probe(params, 1, None, None)
    trains, tests = asked[:2], asked[2:]
    # 16 of the 24 sentences are drawn, the same ones in both trained arms.
    assert {len(ids) for ids in trains} == {16}
    assert {len(ids) for ids in tests} == {8}
    assert not set.union(*trains) & set.union(*tests)


def test_no_cell_gives_an_empty_table_with_its_columns():
    table = representation.by_language([])
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns)[:4] == ["encoder", "arm", "seed", "language"]
