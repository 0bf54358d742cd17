"""A task kind and a corpus that the project does not know: two files, and every stage serves."""

import json

from datasets import Dataset, Features, Value

from xltlib import corpora, tasks
from xltlib import params as schema
from xltlib.corpora import mini
from xltlib.corpora.corpus import Corpus
from xltlib.study import Grid, evaluation, intermediate, target
from xltlib.study import corpora as stage_corpora
from xltlib.study.preflight import check_sources
from xltlib.tasks.classification import Classification

# --- what a file of xltlib/corpora/ would hold: does a sentence name a month? ---
FEATURES = Features(
    {name: Value("string") for name in ("id", "language", "sentence")} | {"label": Value("int64")}
)


def sentences(language, split, settings):
    rows = mini.tagging(language, split, settings)
    return Dataset.from_list(
        [
            {
                "id": row["id"],
                "language": language,
                "sentence": " ".join(row["tokens"]),
                "label": int("B-MONTH" in row["tags"]),
            }
            for row in rows
        ],
        features=FEATURES,
    )


MONTHS = Corpus("sentence", ("en",), load=None, mini=sentences, labels=("no month", "month"))


# --- what a file of xltlib/tasks/ would hold ---
class Sentence(Classification):
    def rows(self, tokenizer, dataset):
        coded = tokenizer(list(dataset["sentence"]), truncation=True, max_length=self.max_length)
        return [
            {name: coded[name][i] for name in coded} | {"labels": label}
            for i, label in enumerate(dataset["label"])
        ]


def make(setup):
    return Sentence(setup.labels, setup.max_length)


def test_every_stage_serves_them(tiny_profile, edit_profile, monkeypatch, tmp_path):
    near = tmp_path / "en.json"
    near.write_text(json.dumps({"the": ["a"], "in": ["on"], "was": ["is"], "It": ["This"]}))
    monkeypatch.setitem(corpora.CORPORA, "months", MONTHS)
    monkeypatch.setitem(tasks.TASKS, "sentence", make)
    raw = schema.load(tiny_profile).model_dump(mode="json", exclude_none=True)
    data = {"corpus": "months", "dev_split": "dev", "languages": ["en"]}
    task = {
        "data": data,
        "epochs": 1,
        "optimisation": raw["targets"]["xnli"]["optimisation"],
        "crossings": [{"arms": ["english"], "methods": ["standard", "rs-da", "adv"]}],
        "test_sets": [{"corpus": "months", "languages": ["en", "ru"]}],
    }
    edits = {
        "corpora": raw["corpora"] | {"months": raw["corpora"]["udpos"]},
        "methods": raw["methods"] | {"rs-da": {"kind": "rs-da", "neighbours": {"en": str(near)}}},
        "intermediate": raw["intermediate"]
        | {"examples": {"months": 16}, "arms": {"english": {"tasks": {"months": data}}}},
        "targets": {"months": task},
        "attacks": {},
    }
    grid = Grid(schema.load(edit_profile(tiny_profile, tiny_profile, edits)))
    check_sources(grid.params)
    (cell,) = grid.cells("corpora")
    metrics = stage_corpora.prepare(cell)
    assert metrics["audits"][0]["test"].startswith("months/test/")
    (cell,) = grid.cells("intermediate")
    assert 0 <= intermediate.run(cell, progress=False)["dev"]["months"]["en"]["accuracy"] <= 100
    for trained, tested in zip(grid.cells("target"), grid.cells("evaluation"), strict=True):
        assert target.run(trained, progress=False)["steps"] == 6
        scores = evaluation.run(tested, progress=False)["months"]["languages"]
        assert {code: score["n"] for code, score in scores.items()} == {"en": 8, "ru": 8}
